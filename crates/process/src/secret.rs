//! The cluster's secret: from a file or the environment, never from a flag, which every user of the machine can read.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::{fs, io};

use protocol::hello::{Secret, SecretTooShort};

use crate::files::told;

/// The variable that holds the secret itself.
const SECRET: &str = "CHAINRING_SECRET";

/// Where to find the secret.
#[derive(Debug, Clone, clap::Args)]
pub struct SecretArgs {
    /// File with the secret that the processes of a cluster share; without it, the variable CHAINRING_SECRET holds the secret
    #[arg(long, value_name = "FILE", env = "CHAINRING_SECRET_FILE")]
    secret_file: Option<PathBuf>,
}

/// Why there is no secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// Neither a file nor the variable was given.
    #[error(
        "no cluster secret: give --secret-file FILE (or CHAINRING_SECRET_FILE), or set {SECRET}"
    )]
    Missing,
    /// The file cannot be read.
    #[error("the cluster secret cannot be read from {path}: {error}", path = path.display(), error = told(error))]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The variable holds something else than text.
    #[error(
        "the variable {SECRET} is not text in UTF-8: give another secret, or --secret-file FILE"
    )]
    NotText,
    /// It could be guessed.
    #[error("{error} (it is from {origin})")]
    TooShort {
        /// A file, or the variable.
        origin: String,
        /// What is wrong.
        error: SecretTooShort,
    },
}

impl SecretArgs {
    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// When there is none, or it is too short.
    pub fn read(&self) -> Result<Secret, SecretError> {
        let (text, origin) = match &self.secret_file {
            Some(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| SecretError::Unreadable { path: path.clone(), error })?;
                (text, path.display().to_string())
            }
            None => {
                let text = env::var(SECRET).map_err(|error| match error {
                    VarError::NotPresent => SecretError::Missing,
                    VarError::NotUnicode(_) => SecretError::NotText,
                })?;
                (text, format!("the variable {SECRET}"))
            }
        };
        Secret::new(&text).map_err(|error| SecretError::TooShort { origin, error })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_ends_in_a_line_feed_and_is_read_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "correct horse\n").unwrap();
        let secret = SecretArgs { secret_file: Some(path) }.read().unwrap();
        assert!(secret.matches(&Secret::new("correct horse").unwrap()));
    }

    #[test]
    fn a_missing_file_and_a_short_secret_say_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        let read =
            || SecretArgs { secret_file: Some(path.clone()) }.read().unwrap_err().to_string();
        assert!(read().contains("cannot be read from"));
        fs::write(&path, "short").unwrap();
        assert!(read().contains("use a longer one"));
    }
}
