//! The controller's file: holds the cluster's state, is replaced as a whole, and is durable
//! when a save returns (rules 1 and 10).

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use process::files;
use ring_core::gateway::ClusterState;
use serde::{Deserialize, Serialize};
use tracing::warn;

/// The version of the file's format.
const FORMAT: u32 = 1;

/// The file's name in the state directory.
const STATE: &str = "cluster.json";

/// The name of the replacement, before it takes the file's place.
const NEW_STATE: &str = "cluster.json.new";

/// The lock's name in the state directory.
const LOCK: &str = "lock";

/// A store of the cluster's state. Calls block.
pub trait StateStore: Send + Sync + 'static {
    /// Loads the state saved last, and makes it durable before returning it (rule 11). `None`
    /// if no state was ever saved.
    ///
    /// # Errors
    ///
    /// Returns an error if the state cannot be read, or is invalid.
    fn load(&self) -> Result<Option<ClusterState>, StateError>;

    /// Replaces the saved state. The new state is durable on return.
    ///
    /// # Errors
    ///
    /// Returns an error if the new state is perhaps not durable. The caller must not try again:
    /// the process ends.
    fn save(&self, state: &ClusterState) -> Result<(), StateError>;
}

/// Why the state cannot be loaded, or is perhaps not durable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Another gateway holds the lock of the directory (rule 14).
    #[error(
        "the state directory {0} is used by another gateway: there can only be one, stop the other or give another --state"
    )]
    Locked(PathBuf),
    /// The file system returned an error.
    #[error("{doing} {path}: {error}")]
    File {
        /// The failed action, such as "reading".
        doing: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The file system's message.
        error: String,
    },
    /// The disk has not answered for this long.
    #[error(
        "the disk of the state directory has not answered for {0:?}: the cluster's state may not be saved. Look at the disk and at \
         what else uses it, and start the gateway again"
    )]
    Silent(Duration),
    /// The content of the file cannot be used.
    #[error("{path} {error}")]
    Unreadable {
        /// The file's path.
        path: PathBuf,
        /// The reason.
        error: ParseError,
    },
}

/// Why this release cannot read a text as a state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// A newer release wrote it.
    #[error("has format {0}, this release knows {FORMAT}: run a newer release")]
    Newer(u32),
    /// The text is not a valid state.
    #[error(
        "is damaged: {0}; move it away, and the views are found again from what the nodes know (an older copy of the file must not take its place)"
    )]
    Damaged(String),
}

/// Parses the content of a file.
///
/// # Errors
///
/// Returns an error if the text is damaged, or was written by a newer release.
pub fn parse(text: &[u8]) -> Result<ClusterState, ParseError> {
    let damaged = |error: serde_json::Error| ParseError::Damaged(error.to_string());
    let AnyFormat { format } = serde_json::from_slice(text).map_err(damaged)?;
    if format > FORMAT {
        return Err(ParseError::Newer(format));
    }
    if format < FORMAT {
        return Err(ParseError::Damaged(format!("there never was a format {format}")));
    }
    let saved: Saved = serde_json::from_slice(text).map_err(damaged)?;
    Ok(saved.state)
}

/// The content of a file for a state.
pub fn to_text(state: &ClusterState) -> Vec<u8> {
    let saved = Saved { format: FORMAT, state: state.clone() };
    let mut text = serde_json::to_vec_pretty(&saved)
        .unwrap_or_else(|error| unreachable!("a state always serialises: {error}"));
    text.push(b'\n');
    text
}

/// A directory with the file. Only one process holds it at a time.
#[derive(Debug)]
pub struct StateDirectory {
    path: PathBuf,
    /// Held while the process lives.
    _lock: File,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Saved {
    format: u32,
    #[serde(flatten)]
    state: ClusterState,
}

/// The part of the file common to all releases.
#[derive(Deserialize)]
struct AnyFormat {
    format: u32,
}

impl StateDirectory {
    /// Takes the directory for this process, and creates it if it is missing.
    ///
    /// # Errors
    ///
    /// Returns an error if another process holds it, or the file system returns an error.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        files::create_directory(path).map_err(failed("making", path))?;
        let lock_path = path.join(LOCK);
        let lock = File::create(&lock_path).map_err(failed("making", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StateError::Locked(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(failed("locking", &lock_path)(error)),
        }
        let is_ours = |name: &OsStr| [STATE, NEW_STATE, LOCK].iter().any(|ours| name == *ours);
        if let Err(error) = files::make_private(path, is_ours) {
            warn!("{error}");
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }
}

impl StateStore for StateDirectory {
    fn load(&self) -> Result<Option<ClusterState>, StateError> {
        let path = self.path.join(STATE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("reading", &path)(error)),
        };
        File::open(&path).and_then(|file| file.sync_all()).map_err(failed("syncing", &path))?;
        files::sync_directory(&self.path).map_err(failed("syncing", &self.path))?;
        parse(&text).map(Some).map_err(|error| StateError::Unreadable { path, error })
    }

    fn save(&self, state: &ClusterState) -> Result<(), StateError> {
        let (path, new_path) = (self.path.join(STATE), self.path.join(NEW_STATE));
        files::replace(&path, &new_path, &to_text(state)).map_err(failed("replacing", &path))
    }
}

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError + use<> {
    let path = path.to_owned();
    move |error| StateError::File { doing, path, error: files::told(&error).to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring_core::gateway::NodeState;
    use uuid::Uuid;

    fn state() -> ClusterState {
        use protocol::id::{ClusterId, GatewayBoot, Incarnation};
        let node = |i: u128| NodeState {
            id: format!("db-{i}").parse().unwrap(),
            incarnation: Some(Incarnation(Uuid::from_u128(i))),
            boots: 3,
        };
        ClusterState {
            cluster: ClusterId(Uuid::from_u128(7)),
            boot: GatewayBoot(Uuid::from_u128(8)),
            nodes: vec![node(0), node(1)],
            views: Vec::new(),
        }
    }

    #[test]
    fn what_is_saved_is_found_again() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("made/here");
        let store = StateDirectory::open(&path).unwrap();
        assert_eq!(store.load(), Ok(None));
        store.save(&state()).unwrap();
        drop(store);
        assert_eq!(StateDirectory::open(&path).unwrap().load(), Ok(Some(state())));
    }

    #[test]
    fn a_half_written_replacement_is_not_looked_at() {
        let directory = tempfile::tempdir().unwrap();
        let store = StateDirectory::open(directory.path()).unwrap();
        store.save(&state()).unwrap();
        fs::write(directory.path().join(NEW_STATE), "{\"format\": 1, \"clu").unwrap();
        assert_eq!(store.load(), Ok(Some(state())));
    }

    #[test]
    fn a_second_gateway_does_not_get_the_directory() {
        let directory = tempfile::tempdir().unwrap();
        let _first = StateDirectory::open(directory.path()).unwrap();
        let second = StateDirectory::open(directory.path()).unwrap_err();
        assert_eq!(second, StateError::Locked(directory.path().to_owned()));
    }

    #[test]
    fn damage_and_newer_formats_are_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        let store = StateDirectory::open(directory.path()).unwrap();
        for (text, newer) in
            [("", false), ("{", false), ("{\"format\":1}", false), ("{\"format\":2}", true)]
        {
            fs::write(directory.path().join(STATE), text).unwrap();
            let error = store.load().unwrap_err();
            let StateError::Unreadable { error, .. } = error else { panic!("{text}: {error}") };
            assert_eq!(error == ParseError::Newer(2), newer, "{text}: {error}");
            assert_eq!(matches!(error, ParseError::Damaged(_)), !newer, "{text}: {error}");
        }
    }
}
