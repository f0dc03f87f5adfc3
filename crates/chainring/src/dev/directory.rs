//! The directory of a development cluster: permanent, or gone with the cluster.

use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::{Context, bail};
use launch::{Layout, Users};
use process::files;
use tempfile::TempDir;

use super::args::Args;
use super::console::Console;

/// The files of a development cluster.
pub(super) struct ClusterDirectory {
    pub(super) layout: Layout,
    /// The temporary directory of a cluster with its users in memory. Dropping this deletes it.
    passing: Option<TempDir>,
}

impl ClusterDirectory {
    /// Creates the missing files and directories, and checks for the programs.
    pub(super) fn prepare(args: &Args, console: &Console) -> anyhow::Result<Self> {
        let executable = env::current_exe()?;
        let programs = executable.parent().context("the program is in no directory")?.to_owned();
        let (passing, directory, users) = if args.memory {
            let passing = tempfile::Builder::new().prefix("chainring-").tempdir();
            let passing = passing.context("cannot make a directory for the cluster's state")?;
            let directory = passing.path().to_owned();
            (Some(passing), directory, Users::InMemory)
        } else {
            fs::create_dir_all(&args.data).with_context(|| {
                format!("cannot make the data directory {}", args.data.display())
            })?;
            (None, args.data.canonicalize()?, Users::OnDisk)
        };
        let Args { nodes, rest_port, socket_port, .. } = *args;
        let layout =
            Layout { users, rest_port, socket_port, ..Layout::new(directory, programs, nodes) };
        if let Err(error) = files::make_private(&layout.directory, is_ours) {
            console.say(error);
        }
        layout
            .make_secret()
            .with_context(|| format!("cannot make the secret {}", layout.secret().display()))?;
        if let Some(missing) = layout.missing_program() {
            bail!(
                "{missing} is not beside {}: build it too (cargo build --workspace)",
                executable.display()
            );
        }
        Ok(Self { layout, passing })
    }

    /// The permanent directory, if there is one.
    pub(super) fn kept(&self) -> Option<&Path> {
        self.passing.is_none().then_some(&self.layout.directory)
    }
}

/// Whether a file is one of a cluster.
fn is_ours(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    name == "secret" || name == "gateway" || name.starts_with("db-")
}
