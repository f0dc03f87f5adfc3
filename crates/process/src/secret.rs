//! The cluster's secret: from a file or the environment. It is never a flag, because every user
//! of the machine can read flags.

use std::env::{self, VarError};
use std::path::PathBuf;
use std::{fs, io};

use protocol::hello::{Secret, SecretTooShort};

use crate::files::told;

/// The variable with the secret itself.
const SECRET: &str = "CHAINRING_SECRET";

/// The flag that names the file of the secret.
#[derive(Debug, Clone, clap::Args)]
pub struct SecretArgs {
    /// File with the secret shared by the processes of a cluster; without it, the variable
    /// CHAINRING_SECRET holds the secret
    #[arg(long, value_name = "FILE", env = "CHAINRING_SECRET_FILE")]
    secret_file: Option<PathBuf>,
}

/// The reason why there is no secret.
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
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// The value of the variable is not text.
    #[error(
        "the variable {SECRET} is not text in UTF-8: give another secret, or --secret-file FILE"
    )]
    NotText,
    /// The secret is so short that it could be guessed.
    #[error("{error} (it is from {origin})")]
    TooShort {
        /// The source of the secret: a file, or the variable.
        origin: String,
        /// The fault of the secret.
        error: SecretTooShort,
    },
}

impl SecretArgs {
    /// Reads the secret.
    ///
    /// # Errors
    ///
    /// When there is no secret, or its file cannot be read, or it is no text, or it is too short.
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
