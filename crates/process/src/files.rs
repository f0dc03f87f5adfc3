//! Files and directories: durable, private, and distinguished from the files made by file systems.
//!
//! A file survives a power loss with its content and its name. Everything made by a process is
//! for its user alone: directories have the mode 0700, files 0600, whatever the umask was
//! ([`keep_private`]).

use std::ffi::OsStr;
use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};

/// Names made by file systems and their tools in the root of a file system. An operator may give
/// us such a root as a directory.
///
/// | name | made by |
/// |---|---|
/// | `lost+found` | `mkfs` of ext2 to ext4; `fsck` puts recovered files there |
/// | `.snapshot`, `.snapshots`, `.snap`, `.zfs` | read-only views of the past: see below |
/// | `aquota.user`, `aquota.group` | `quotacheck`: the usage of each user |
/// | `.Trash`, and `.Trash-` with the number of a user | desktops: deleted files |
///
/// The views of the past come from file servers (NetApp, FSx, EFS), snapper, CephFS and ZFS.
///
/// NFS keeps a deleted file as `.nfs` and hexadecimal digits while the file is still open.
const MADE_BY_FILE_SYSTEMS: [&str; 8] = [
    ".Trash",
    ".snap",
    ".snapshot",
    ".snapshots",
    ".zfs",
    "aquota.group",
    "aquota.user",
    "lost+found",
];

/// The permissions of everyone but the owner.
const OF_OTHERS: u32 = 0o077;

/// The sticky bit. It marks a directory like `/tmp`, shared by users with files of their own.
const STICKY: u32 = 0o1000;

/// Makes all later files of this process private to its user, including files made by libraries.
/// Call this before the process makes any file.
pub fn keep_private() {
    umask(Mode::S_IRWXG | Mode::S_IRWXO);
}

/// Other users may have access to a directory.
#[derive(Debug, thiserror::Error)]
#[error("other users may have access to {path} ({error}): change its mode to 0700", path = path.display())]
pub struct NotPrivate {
    /// The directory.
    path: PathBuf,
    /// The reason why the directory was not made private.
    error: io::Error,
}

/// Takes every permission on a directory from other users. Earlier releases made directories
/// with such permissions.
///
/// `is_ours` recognises our files in it by name. A directory with anything else may matter to
/// others, so it is left alone. A directory like `/tmp`, shared by users with files of their
/// own, is left alone too.
///
/// # Errors
///
/// When the directory is left alone, or the file system refuses. The process can go on with a
/// warning.
pub fn make_private(path: &Path, is_ours: impl Fn(&OsStr) -> bool) -> Result<(), NotPrivate> {
    let take_rights = || {
        let mode = fs::metadata(path)?.permissions().mode();
        if mode & OF_OTHERS == 0 {
            return Ok(());
        }
        if mode & STICKY != 0 || !holds_only(path, is_ours)? {
            return Err(io::Error::other("it is not ours alone"));
        }
        fs::set_permissions(path, Permissions::from_mode(mode & 0o7777 & !OF_OTHERS))
    };
    take_rights().map_err(|error| NotPrivate { path: path.to_owned(), error })
}

/// Whether a directory holds only names made by file systems and known names.
///
/// # Errors
///
/// The error of the file system.
fn holds_only(path: &Path, is_known: impl Fn(&OsStr) -> bool) -> io::Result<bool> {
    for entry in fs::read_dir(path)? {
        let name = entry?.file_name();
        if !is_made_by_file_systems(&name) && !is_known(&name) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether file systems and their tools make files of this name. Such a file is no data, and we
/// never touch it.
pub fn is_made_by_file_systems(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    let has = |prefix: &str, is_digit: fn(&u8) -> bool| {
        let digits = name.strip_prefix(prefix);
        digits.is_some_and(|digits| !digits.is_empty() && digits.as_bytes().iter().all(is_digit))
    };
    MADE_BY_FILE_SYSTEMS.contains(&name)
        || has(".Trash-", u8::is_ascii_digit)
        || has(".nfs", u8::is_ascii_hexdigit)
}

/// Makes a directory and its missing parents. All their names are durable when this returns.
///
/// # Errors
///
/// The error of the file system.
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
    // This is needed even if the directory exists: its maker may have died before this point.
    sync_directory(parent)
}

/// Replaces a file's content. After a power loss the file has the old content or the new one; after
/// this has returned, it has the new one. The content goes first to `draft`, in the same directory.
///
/// # Errors
///
/// The error of the file system. The file may then have either content.
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
/// The error of the file system.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// The error of the file system, with advice for an operator.
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
    fn what_file_systems_make_is_no_data() {
        let directory = tempfile::tempdir().unwrap();
        let made = MADE_BY_FILE_SYSTEMS.iter().chain(&[".Trash-0", ".Trash-1000"]);
        for name in made.chain(&[".nfs000000000020a1c400000001"]) {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        assert!(holds_only(directory.path(), |_| false).unwrap());
        for name in [".Trash-", ".Trash-ada", ".nfs", ".nfs-share", "lost", ".git", "data.zfs"] {
            assert!(!is_made_by_file_systems(OsStr::new(name)), "{name}");
            let path = directory.path().join(name);
            fs::write(&path, "").unwrap();
            assert!(!holds_only(directory.path(), |_| false).unwrap(), "{name}");
            fs::remove_file(path).unwrap();
        }
    }

    #[test]
    fn a_directory_of_ours_is_made_private_and_one_of_others_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data");
        fs::create_dir(&path).unwrap();
        let after = |mode, file: Option<&str>| {
            if let Some(file) = file {
                fs::write(path.join(file), "").unwrap();
            }
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let made_private = make_private(&path, |name| name == "FORMAT");
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            assert_eq!(made_private.is_err(), mode & OF_OTHERS != 0);
            mode
        };
        assert_eq!(after(0o755, None), 0o700);
        assert_eq!(after(0o2775, None), 0o2700, "the group of new files stays");
        assert_eq!(after(0o1777, None), 0o1777);
        assert_eq!(after(0o500, None), 0o500);
        assert_eq!(after(0o755, Some("FORMAT")), 0o700);
        assert_eq!(after(0o755, Some("thesis.txt")), 0o755);
    }

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
