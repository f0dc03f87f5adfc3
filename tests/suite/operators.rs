//! The operator's side: settings, output and commands.
//!
//! | module | shows |
//! |---|---|
//! | [`variables`] | flags set by environment variables, with new and former names |
//! | [`addresses`] | the address at which other nodes shall dial a node |
//! | [`directories`] | directories as file systems make them, and the permissions in them |
//! | [`logs`] | logs without a reader |
//! | [`signals`] | signals that end a process, and those that do not |
//! | [`command`] | the command `chainring`, and pipes behind it |
//! | [`development`] | `chainring dev`, and how its processes end |

mod addresses;
mod command;
mod development;
mod directories;
mod logs;
mod reference;
mod signals;
mod variables;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::harness::address;
use crate::harness::process::{binary, text};

/// Longer than any step of these tests may take.
const SOON: Duration = Duration::from_secs(30);

/// A directory for processes, with a secret in it.
struct Workplace(TempDir);

impl Workplace {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("secret"), "a secret of the tests").expect("it is ours");
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A gateway of a ring of two, at an address of its own.
    fn gateway(&self) -> Command {
        let mut command = Command::new(binary("gateway"));
        let listen = address::fresh().to_string();
        command.args(["--nodes", "db-0,db-1", "--listen", &listen]);
        command.args(["--state", &text(&self.path("state"))]);
        command.args(["--secret-file", &text(&self.path("secret"))]);
        command
    }

    /// A node whose gateway does not run.
    fn node(&self) -> Command {
        let mut command = Command::new(binary("db_process"));
        let gateway = format!("{}:3002", address::fresh());
        command.args(["--node-id", "db-0", "--gateway", &gateway]);
        command.args(["--data", &text(&self.path("data"))]);
        command.args(["--secret-file", &text(&self.path("secret"))]);
        command
    }
}
