//! The files of a development cluster, and the command lines of its processes.

use std::env;
use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use process::entropy::{Entropy, SystemEntropy};
use process::files;
use tempfile::TempDir;

use super::Args;
use super::child::Child;
use super::console::Console;

/// The directory of a development cluster.
///
/// ```text
///   data/secret     shared by all processes
///   data/gateway/   the cluster's state
///   data/db-0/ ...  the users, unless they are in memory
/// ```
pub(super) struct Layout {
    place: ClusterDirectory,
    binaries: PathBuf,
    node_ids: Vec<String>,
    rest_port: u16,
    socket_port: u16,
}

/// The place of the cluster's directory.
enum ClusterDirectory {
    /// In a permanent directory.
    Kept(PathBuf),
    /// In a temporary directory, deleted when the cluster has ended. The users are in memory.
    Passing(TempDir),
}

impl ClusterDirectory {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Passing(directory) => directory.path(),
        }
    }
}

impl Layout {
    /// Creates the missing files and directories, and checks for the two binaries.
    pub(super) fn prepare(args: &Args, console: &Console) -> anyhow::Result<Self> {
        let place = if args.memory {
            let directory = tempfile::Builder::new().prefix("chainring-").tempdir();
            ClusterDirectory::Passing(
                directory.context("cannot make a directory for the cluster's state")?,
            )
        } else {
            fs::create_dir_all(&args.data).with_context(|| {
                format!("cannot make the data directory {}", args.data.display())
            })?;
            ClusterDirectory::Kept(args.data.canonicalize()?)
        };
        let data = place.path();
        let is_ours = |name: &OsStr| {
            let name = name.to_string_lossy();
            name == "secret" || name == "gateway" || name.starts_with("db-")
        };
        if let Err(error) = files::make_private(data, is_ours) {
            console.say(error);
        }
        make_secret(&data.join("secret"))?;
        let executable = env::current_exe()?;
        let binaries = executable.parent().context("the program is in no directory")?.to_owned();
        for binary in ["gateway", "db_process"] {
            if !binaries.join(binary).is_file() {
                bail!(
                    "{binary} is not beside {}: build it too (cargo build --workspace)",
                    executable.display()
                );
            }
        }
        let node_ids = (0..args.nodes).map(|node| format!("db-{node}")).collect();
        let Args { rest_port, socket_port, .. } = *args;
        Ok(Self { place, binaries, node_ids, rest_port, socket_port })
    }

    /// The permanent directory, if there is one.
    pub(super) fn kept(&self) -> Option<&Path> {
        match &self.place {
            ClusterDirectory::Kept(path) => Some(path),
            ClusterDirectory::Passing(_) => None,
        }
    }

    pub(super) fn gateway(&self) -> Child {
        let flags = [
            ("--nodes", self.node_ids.join(",")),
            ("--rest-port", self.rest_port.to_string()),
            ("--socket-port", self.socket_port.to_string()),
            ("--state", self.place.path().join("gateway").display().to_string()),
        ];
        self.child("gateway", "gateway", &flags)
    }

    pub(super) fn node(&self, node: usize) -> Child {
        let id = &self.node_ids[node];
        let flags =
            [("--node-id", id.clone()), ("--gateway", format!("127.0.0.1:{}", self.socket_port))];
        let mut node = self.child(id, "db_process", &flags);
        node.arguments.extend(match &self.place {
            ClusterDirectory::Kept(data) => {
                vec!["--data".to_owned(), data.join(id).display().to_string()]
            }
            ClusterDirectory::Passing(_) => vec!["--memory".to_owned()],
        });
        node
    }

    fn child(&self, name: &str, binary: &str, flags: &[(&str, String)]) -> Child {
        let mut arguments = flags
            .iter()
            .flat_map(|(flag, value)| [(*flag).to_owned(), value.clone()])
            .collect::<Vec<_>>();
        arguments.extend([
            "--secret-file".to_owned(),
            self.place.path().join("secret").display().to_string(),
        ]);
        Child { name: name.to_owned(), binary: self.binaries.join(binary), arguments }
    }
}

/// Creates a secret readable only by this user, unless the file exists.
fn make_secret(path: &Path) -> anyhow::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = match file {
        Ok(mut file) => writeln!(file, "{}", SystemEntropy.uuid().simple()),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    };
    written.with_context(|| format!("cannot make the secret {}", path.display()))
}
