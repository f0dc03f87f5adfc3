//! API tokens: secrets of REST clients, each with a role, stored as hashes.
//!
//! The file of tokens has a line for each token: its role, and the SHA-256 of the token in
//! hexadecimal digits. The rest of the line is a note. A token is a secret of 256 random bits
//! (`chainring token` makes one), so its hash reveals nothing and needs no salt.
//!
//! ```text
//! # role  SHA-256 of the token                                              whose it is
//! read    9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08  dashboards
//! ```

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

use data_encoding::{BASE64URL_NOPAD, HEXLOWER, HEXLOWER_PERMISSIVE};
use sha2::{Digest, Sha256};

use crate::files::told;

/// The rights of a token's holder. Each role includes the rights of the roles before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Role {
    /// Read users, the cluster's status, metrics.
    Read,
    /// Create, change and delete users.
    Write,
    /// Accept the loss of data.
    Admin,
}

/// The valid tokens, by their hashes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens(HashMap<Hash, Role>);

/// The hash of a token.
type Hash = [u8; 32];

/// The reason why a file of tokens cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file cannot be read.
    #[error("the API tokens cannot be read from {path}: {error}", path = path.display(), error = told(error))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The error of the file system.
        error: io::Error,
    },
    /// The file is not a list of tokens.
    #[error("the API tokens in {path} cannot be used: {error}", path = path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The fault of the file.
        error: InvalidTokens,
    },
}

/// The reason why a text is not a list of tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTokens {
    /// The text is empty. A file still being written looks the same.
    #[error(
        "the file is empty: `chainring token` makes the line of a token, and a comment alone (# none) says that there are none"
    )]
    Empty,
    /// A line, counted from 1, does not have the form of a token's line.
    #[error(
        "line {0} is no token: write read, write or admin, and the SHA-256 of the token as 64 hexadecimal digits (`chainring token` \
         makes such a line)"
    )]
    NoToken(usize),
    /// A line, counted from 1, repeats the token of an earlier line.
    #[error("line {0} has a token that a line before it has: keep one of them")]
    Twice(usize),
}

impl Role {
    const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.to_string() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        })
    }
}

impl Tokens {
    /// Reads a file of tokens.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or is not a list of tokens.
    pub fn read(path: &Path) -> Result<Self, TokensError> {
        let text = fs::read_to_string(path)
            .map_err(|error| TokensError::Unreadable { path: path.to_owned(), error })?;
        Self::parse(&text).map_err(|error| TokensError::Invalid { path: path.to_owned(), error })
    }

    /// The tokens in the text of a file.
    ///
    /// # Errors
    ///
    /// The first fault of the text. An empty text counts as a fault too.
    pub fn parse(text: &str) -> Result<Self, InvalidTokens> {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        let mut tokens = HashMap::new();
        for (number, line) in lines {
            let (hash, role) = parse(line).ok_or(InvalidTokens::NoToken(number))?;
            if tokens.insert(hash, role).is_some() {
                return Err(InvalidTokens::Twice(number));
            }
        }
        if text.trim().is_empty() { Err(InvalidTokens::Empty) } else { Ok(Self(tokens)) }
    }

    /// The role of a token; none if the token is unknown.
    pub fn role_of(&self, token: &str) -> Option<Role> {
        self.0.get(&hash(token)).copied()
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.len()).finish()
    }
}

/// The token made from these random bytes.
pub fn from_random(bytes: &[u8; 32]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

/// The line of a token in a file of tokens.
pub fn line(role: Role, token: &str) -> String {
    format!("{role:5}  {}", HEXLOWER.encode(&hash(token)))
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token).into()
}

fn parse(line: &str) -> Option<(Hash, Role)> {
    let mut words = line.split_whitespace();
    let role = Role::parse(words.next()?)?;
    let hash = HEXLOWER_PERMISSIVE.decode(words.next()?.as_bytes()).ok()?;
    Some((hash.try_into().ok()?, role))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_the_role_of_its_line() {
        let text = format!("# tokens\n\n{}  a note\n", line(Role::Write, "secret"));
        let tokens = Tokens::parse(&text).unwrap();
        assert_eq!(tokens.role_of("secret"), Some(Role::Write));
        assert_eq!(tokens.role_of("secre"), None);
        assert_eq!(Tokens::parse(&text.to_uppercase().replace("WRITE", "write")), Ok(tokens));
    }

    #[test]
    fn a_line_that_is_no_token_is_named() {
        let hash = HEXLOWER.encode(&hash("token"));
        for wrong in ["read", "root {hash}", "read {hash}00", "read token"] {
            let text = format!("read {hash}\n\n{}\n", wrong.replace("{hash}", &hash));
            assert_eq!(Tokens::parse(&text), Err(InvalidTokens::NoToken(3)), "{wrong}");
        }
        let twice = format!("read {hash}\nadmin {hash}\n");
        assert_eq!(Tokens::parse(&twice), Err(InvalidTokens::Twice(2)));
        assert_eq!(Tokens::parse("\n"), Err(InvalidTokens::Empty));
        assert_eq!(Tokens::parse("# none\n"), Ok(Tokens::default()));
    }

    #[test]
    fn nothing_of_a_token_is_shown() {
        let tokens = Tokens::parse(&line(Role::Read, "secret")).unwrap();
        assert_eq!(format!("{tokens:?}"), "Tokens(1)");
    }
}
