//! Calls the command as people do.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The output of the command, and its exit status.
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) status: Option<i32>,
}

/// Calls `sim`. The program that runs a seed was built together with it.
pub(crate) fn sim(args: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sim"));
    // Under cargo, `sim` builds `sim-seed` first. Here it is built already.
    let output = command.args(args).env_remove("CARGO").output().expect("sim starts");
    let Output { stdout, stderr, status } = output;
    let text = String::from_utf8_lossy(&stdout).into_owned() + &String::from_utf8_lossy(&stderr);
    Said { text, status: status.code() }
}

/// Calls `sim`, and requires success. Returns the output.
pub(crate) fn sim_succeeds(args: &[&str]) -> String {
    let Said { text, status } = sim(args);
    assert_eq!(status, Some(0), "sim {}:\n{text}", args.join(" "));
    text
}

/// The folder of the package: cargo starts tests in it.
pub(crate) fn package() -> PathBuf {
    let package = std::env::current_dir().expect("a working directory");
    assert!(Path::new("bugs").is_dir(), "{} is not the package's folder", package.display());
    package
}
