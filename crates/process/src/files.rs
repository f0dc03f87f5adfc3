//! Files that survive a power loss: directories and contents whose names are durable too.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Makes a directory and those of its parents that are missing; their names are durable when it returns.
///
/// # Errors
///
/// What the file system says.
pub fn create_directory(path: &Path) -> io::Result<()> {
    let path = std::path::absolute(path)?;
    let Some(parent) = path.parent() else { return Ok(()) };
    if !parent.exists() {
        create_directory(parent)?;
    }
    match fs::create_dir(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists || !path.is_dir() => {
            return Err(error);
        }
        _ => {}
    }
    // Also where it exists: whoever made it may have died before this point.
    sync_directory(parent)
}

/// Replaces a file's content: after a power loss it is the old one or the new one, and the new one once this has
/// returned. `draft` is written first, in the same directory.
///
/// # Errors
///
/// What the file system says; either content may be found then.
pub fn replace(path: &Path, draft: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(draft)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    path.parent().map_or(Ok(()), sync_directory)
}

/// Makes the names in a directory durable.
///
/// # Errors
///
/// What the file system says.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// What the file system says, and what an operator can do about it.
pub fn told(error: &io::Error) -> impl fmt::Display {
    let advice = match error.kind() {
        io::ErrorKind::PermissionDenied => {
            "; let the user that this process runs as read and write there, or give another path"
        }
        _ => "",
    };
    fmt::from_fn(move |f| write!(f, "{error}{advice}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_parents_are_made() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b/c");
        create_directory(&path).unwrap();
        create_directory(&path).unwrap();
        assert!(path.is_dir());
    }

    #[test]
    fn a_file_in_the_place_of_a_directory_is_an_error() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a");
        fs::write(&path, "").unwrap();
        assert!(create_directory(&path).is_err());
        assert!(create_directory(&path.join("b")).is_err());
    }

    #[test]
    fn a_replaced_file_has_the_new_content_and_leaves_no_draft() {
        let directory = tempfile::tempdir().unwrap();
        let (path, draft) = (directory.path().join("file"), directory.path().join("file.new"));
        replace(&path, &draft, b"old").unwrap();
        replace(&path, &draft, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(!draft.exists());
    }
}
