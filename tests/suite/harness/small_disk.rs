//! A small disk, to be filled by a test: a file system in memory, of a fixed size. Only the
//! processes in its namespaces see it.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const MOUNTED: &str = "mounted";

/// A small disk, mounted in namespaces of its own (`user_namespaces(7)`,
/// `mount_namespaces(7)`). So it needs no privilege, and leaves nothing behind. It lasts as
/// long as the holder of the namespaces.
pub(crate) struct SmallDisk {
    holder: Child,
    at: PathBuf,
}

impl SmallDisk {
    /// Mounts a disk of this many MiB at a directory.
    pub(crate) async fn mount(at: &Path, size_mib: u32) -> Self {
        fs::create_dir_all(at).expect("the directory is writable");
        let mount = format!(r#"mount -t tmpfs -o size={size_mib}m tmpfs "$0" && echo {MOUNTED}"#);
        let mut holder = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c"])
            .arg(format!("{mount} && exec cat"))
            .arg(at)
            // `cat` ends with its standard input, so it ends with this test in any case.
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("util-linux is installed");
        let mut said = BufReader::new(holder.stdout.take().expect("piped")).lines();
        let said = said.next_line().await.expect("it can be read");
        assert_eq!(said.as_deref(), Some(MOUNTED), "this test needs user and mount namespaces");
        Self { holder, at: at.to_owned() }
    }

    /// A command that runs a program in the namespaces of the disk.
    pub(crate) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--target={}", self.holder_id()));
        command.args(["--user", "--mount", "--preserve-credentials"]).arg(program);
        command
    }

    /// The path at which this process sees a file of the disk.
    pub(crate) fn path_outside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder_id()));
        root.join(path.strip_prefix("/").expect("paths of tests are absolute"))
    }

    /// Fills the disk until no room is left.
    pub(crate) fn fill(&self) {
        let ballast = fs::File::options().create(true).append(true).open(self.ballast());
        let mut ballast = ballast.expect("it can be made");
        let full = loop {
            if let Err(error) = ballast.write_all(&[1; 4096]) {
                break error;
            }
        };
        assert_eq!(full.kind(), ErrorKind::StorageFull, "{full}");
    }

    /// Makes room on the disk again.
    pub(crate) fn make_room(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path_outside(&self.at).join("ballast")
    }

    fn holder_id(&self) -> u32 {
        self.holder.id().expect("it lives as long as this")
    }
}
