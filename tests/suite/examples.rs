//! The programs of `examples/`: each prints the lines of its README.
//!
//! | module | shows |
//! |---|---|
//! | [`rust_client`] | the REST client in Rust |
//! | [`observers`] | the observers in JavaScript and Python |

mod observers;
mod rust_client;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Enough time to notice the loss of a process, and to connect again.
const SOON: Duration = Duration::from_secs(20);

/// The folder of an example. Tests run in the directory of their package.
fn folder(example: &str) -> PathBuf {
    Path::new("../examples").join(example)
}

/// The README of an example.
fn readme(example: &str) -> String {
    let path = folder(example).join("README.md");
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The lines printed by an example, as its README shows them: part by part. An empty line ends a
/// part, and `#` begins a comment.
fn promised(readme: &str) -> Vec<Vec<&str>> {
    let (_, rest) = readme.split_once("```text\n").expect("the README shows the output");
    let (output, _) = rest.split_once("\n```").expect("the block ends");
    let parts = output.split("\n\n");
    parts.map(|part| part.lines().filter(|line| !line.starts_with('#')).collect()).collect()
}
