//! The storage directory: its owner, its format, its durability and its lock.
//!
//! The file `FORMAT` marks a directory as ours. It is made first, and says `unfinished` until
//! every table is made:
//!
//! ```text
//!   nothing ----> "chainring-storage 3 unfinished" ----> tables made ----> "chainring-storage 3"
//! ```
//!
//! The file names the new format before the first write that an older release would not
//! understand. The rows themselves are upgraded after that, by `store::upgrade`.
//!
//! A directory without the file is used only if it is empty, so that no file of another program
//! is ever overwritten. Files made by the file system itself, such as `lost+found`, do not count
//! (`process::files`).

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use process::files;
use tracing::warn;

use crate::storage::{StorageError, StorageOperation};

/// The file that marks a directory as ours.
pub(super) const FORMAT: &str = "FORMAT";
/// The next `FORMAT`, until it is complete and renamed.
const FORMAT_NEXT: &str = "FORMAT.next";
/// The first word of `FORMAT`.
const PROGRAM: &str = "chainring-storage";
/// The format written by us, and the newest one readable by us. Add one if an older release must
/// not open the new format.
///
/// | format | since |
/// |---|---|
/// | 1 | every entry has a row in the table of applied ids |
/// | 2 | the log is that table, except for the ids from a snapshot |
/// | 3 | the keys of a copy begin with its partition and member |
const VERSION: u32 = 3;
/// The last word of `FORMAT` while the tables are being made.
const UNFINISHED: &str = "unfinished";

/// The content of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// No directory, or an empty one.
    Nothing,
    /// A storage whose process died while making it: nothing has been stored in it.
    Unfinished,
    /// A storage in a readable format.
    Finished {
        /// The number of the format.
        format: u32,
    },
}

/// Inspects a directory without changing anything.
pub(super) fn contents(path: &Path) -> Result<Contents, StorageError> {
    match fs::read_to_string(path.join(FORMAT)) {
        Ok(format) => parse_format(path, &format),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            require_empty(path).map(|()| Contents::Nothing)
        }
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            Err(unknown_layout(path, "the file FORMAT is not text"))
        }
        Err(error) => Err(failed(&path.join(FORMAT), &error)),
    }
}

fn parse_format(path: &Path, format: &str) -> Result<Contents, StorageError> {
    let mut words = format.split_whitespace();
    let (program, version) = (words.next(), words.next().map(str::parse::<u32>));
    let (Some(PROGRAM), Some(Ok(found))) = (program, version) else {
        return Err(unknown_layout(path, "the file FORMAT is not one of ours"));
    };
    if found > VERSION {
        return Err(StorageError::NewerFormat { path: path.to_owned(), found, supported: VERSION });
    }
    match (words.next(), words.next()) {
        (None, None) => Ok(Contents::Finished { format: found }),
        (Some(UNFINISHED), None) => Ok(Contents::Unfinished),
        _ => Err(unknown_layout(path, "the file FORMAT is not one of ours")),
    }
}

fn require_empty(path: &Path) -> Result<(), StorageError> {
    let entries = match fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(path, &error)),
    };
    for entry in entries {
        let name = entry.map_err(|error| failed(path, &error))?.file_name();
        if name != FORMAT_NEXT && !files::is_made_by_file_systems(&name) {
            let detail = format!("it holds {} but no file FORMAT", name.display());
            return Err(unknown_layout(path, detail));
        }
    }
    Ok(())
}

/// Removes the rights of other users on our own directory.
pub(super) fn make_private(path: &Path) {
    if let Err(error) = files::make_private(path, |_| true) {
        warn!("{error}");
    }
}

/// Makes the directory and its missing parents, and makes their names durable.
pub(super) fn create(path: &Path) -> Result<(), StorageError> {
    files::create_directory(path).map_err(|error| failed(path, &error))
}

/// Marks durably the beginning of the making of tables.
pub(super) fn mark_unfinished(path: &Path) -> Result<(), StorageError> {
    write_format(path, &format!("{PROGRAM} {VERSION} {UNFINISHED}\n"))
}

/// Marks durably the completeness of the tables.
pub(super) fn mark_finished(path: &Path) -> Result<(), StorageError> {
    write_format(path, &format!("{PROGRAM} {VERSION}\n"))
}

/// Marks durably that the content may be of the current format.
pub(super) fn name_format(path: &Path) -> Result<(), StorageError> {
    match contents(path)? {
        Contents::Finished { format: VERSION } => Ok(()),
        _ => mark_finished(path),
    }
}

/// Replaces `FORMAT`. After a power loss it is either the old file or the new one.
fn write_format(path: &Path, format: &str) -> Result<(), StorageError> {
    let path = path.join(FORMAT);
    let next = path.with_file_name(FORMAT_NEXT);
    files::replace(&path, &next, format.as_bytes()).map_err(|error| failed(&path, &error))
}

/// Keeps other processes, and other handles of this one, from using the directory while this
/// lives.
///
/// RocksDB has a lock of its own (`LOCK`), with three faults. RocksDB takes it only after its
/// first writes. It reports a held lock by a text, which differs between a lock held in this
/// process and elsewhere. It loses the lock when any handle of the file is closed (`fcntl`).
/// This lock is `flock` on the directory itself. The kernel releases it when the process ends,
/// for whatever reason.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _directory: File,
}

impl DirectoryLock {
    /// Takes the lock, or fails at once if another handle has it.
    pub(super) fn take(path: &Path) -> Result<Self, StorageError> {
        let directory = File::open(path).map_err(|error| failed(path, &error))?;
        match directory.try_lock() {
            Ok(()) => Ok(Self { _directory: directory }),
            Err(TryLockError::WouldBlock) => Err(StorageError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(error)) => Err(failed(path, &error)),
        }
    }
}

fn unknown_layout(path: &Path, detail: impl Into<String>) -> StorageError {
    StorageError::UnknownLayout { path: path.to_owned(), detail: detail.into() }
}

fn failed(path: &Path, error: &io::Error) -> StorageError {
    StorageError::from_io(StorageOperation::Open, path.display(), error)
}
