//! Whose directory it is, which format it has, and that it is durable and ours alone.
//!
//! The file `FORMAT` tells. It is there before anything else and says `unfinished` until every table is made:
//!
//! ```text
//!   nothing ----> "chainring-storage 2 unfinished" ----> tables made ----> "chainring-storage 2"
//! ```
//!
//! An older format becomes this one before anything is written that the older release would not understand.
//!
//! A directory without it is used only if it is empty, so that nothing of another program is ever written over. What file
//! systems make themselves, as `lost+found`, does not count (`process::files`).

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;

use process::files;
use tracing::warn;

use crate::storage::{Operation, StorageError};

/// The file that makes a directory ours.
pub(super) const FORMAT: &str = "FORMAT";
/// The next `FORMAT`, until it is whole and renamed.
const FORMAT_NEXT: &str = "FORMAT.next";
/// What `FORMAT` begins with.
const PROGRAM: &str = "chainring-storage";
/// The newest format that we read, and the one that we write. Plus one whenever an older release must not open it.
///
/// | format | since |
/// |---|---|
/// | 1 | every entry has a row in the table of applied ids |
/// | 2 | the log is that table, but for what a snapshot brought |
const VERSION: u32 = 2;
/// What `FORMAT` ends with while the tables are being made.
const UNFINISHED: &str = "unfinished";

/// What a directory holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Contents {
    /// No directory, or an empty one.
    Nothing,
    /// A storage that was being made when its process died: nobody has stored anything in it.
    Unfinished,
    /// A storage in a format that we read.
    Finished {
        /// Which.
        format: u32,
    },
}

/// Looks at a directory without changing anything.
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

/// Takes away what rights other users have on a directory that is known to be ours.
pub(super) fn make_private(path: &Path) {
    if let Err(error) = files::make_private(path, |_| true) {
        warn!("{error}");
    }
}

/// Makes the directory and those of its parents that are missing, and makes their names durable.
pub(super) fn create(path: &Path) -> Result<(), StorageError> {
    files::create_directory(path).map_err(|error| failed(path, &error))
}

/// Says, durably, that tables are being made here.
pub(super) fn mark_unfinished(path: &Path) -> Result<(), StorageError> {
    write_format(path, &format!("{PROGRAM} {VERSION} {UNFINISHED}\n"))
}

/// Says, durably, that the tables are complete.
pub(super) fn mark_finished(path: &Path) -> Result<(), StorageError> {
    write_format(path, &format!("{PROGRAM} {VERSION}\n"))
}

/// Says, durably, that what was found in a format is from now on in the one that we write.
pub(super) fn upgrade(path: &Path, format: u32) -> Result<(), StorageError> {
    if format == VERSION { Ok(()) } else { mark_finished(path) }
}

/// Replaces `FORMAT` so that after a power loss it is the old one or the new one.
fn write_format(path: &Path, format: &str) -> Result<(), StorageError> {
    let path = path.join(FORMAT);
    let next = path.with_file_name(FORMAT_NEXT);
    files::replace(&path, &next, format.as_bytes()).map_err(|error| failed(&path, &error))
}

/// No other process, and no other handle of this one, uses the directory while this lives.
///
/// RocksDB has a lock of its own (`LOCK`), but takes it only after it has begun to write, tells of it in a text that
/// differs between a lock held here and elsewhere, and loses it when any handle of the file is closed (`fcntl`). This is
/// `flock` on the directory itself, which the kernel lets go of when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    _directory: File,
}

impl DirectoryLock {
    /// Takes the lock, or fails at once if another has it.
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
    StorageError::from_io(Operation::Open, path.display(), error)
}
