//! A slow or hanging disk, for one process. A library, preloaded into the process
//! (`preload/slow_disk.c`), delays the process's calls on its directory. The production code
//! knows nothing of it.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command as StdCommand;
use std::sync::OnceLock;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

const SOURCE: &str = "preload/slow_disk.c";

/// The delay of calls that hang: each waits for a lock on the file of its kind.
const HANGS: u64 = u64::MAX;

/// The size of a `struct control`: three kinds of calls, with three numbers of eight bytes
/// each.
const CONTROL_BYTES: usize = 72;

/// The kinds of system calls on a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calls {
    /// `fdatasync`, `fsync`, `sync_file_range`.
    Syncs = 0,
    /// `pread`.
    Reads = 1,
    /// `write`, `pwrite`.
    Writes = 2,
}

impl Calls {
    const ALL: [Self; 3] = [Self::Syncs, Self::Reads, Self::Writes];

    /// The name of the lock file. Hanging calls of this kind wait until it is unlocked.
    fn lock(self) -> &'static str {
        match self {
            Self::Syncs => "syncs",
            Self::Reads => "reads",
            Self::Writes => "writes",
        }
    }
}

/// The disk under one directory, for one process at a time.
pub(crate) struct SlowDisk {
    directory: PathBuf,
    /// The directory shared with the process.
    shared: TempDir,
    /// The control file. The process maps it into its memory.
    control: File,
    locks: [File; 3],
}

impl SlowDisk {
    /// Makes a disk. At first it is as fast as any other.
    pub(crate) fn new(directory: &Path) -> Self {
        fs::create_dir_all(directory).expect("the directory is writable");
        let directory = directory.canonicalize().expect("it was made");
        let shared = tempfile::tempdir().expect("a temporary directory");
        let make = |name| {
            let mut options = File::options();
            options.read(true).write(true).create_new(true);
            options.open(shared.path().join(name)).expect("the directory is writable")
        };
        let (control, locks) = (make("control"), Calls::ALL.map(|calls| make(calls.lock())));
        control.write_all_at(&[0; CONTROL_BYTES], 0).expect("it is writable");
        Self { directory, control, locks, shared }
    }

    /// Puts the disk under a process, before its start.
    pub(crate) fn put_under(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", library())
            .env("SLOW_DISK_DIRECTORY", &self.directory)
            .env("SLOW_DISK_CONTROL", self.shared.path());
    }

    /// Makes these calls slower by `delay` from now on.
    pub(crate) fn delay(&self, calls: Calls, delay: Duration) {
        self.set(calls, delay.as_millis().try_into().expect("short"));
    }

    /// Lets these calls hang from now on.
    pub(crate) fn hang(&self, calls: Calls) {
        self.locks[calls as usize].lock().expect("nobody locks it for long");
        self.set(calls, HANGS);
    }

    /// Makes these calls as fast as on any disk; the hanging calls return.
    pub(crate) fn release(&self, calls: Calls) {
        self.set(calls, 0);
        self.locks[calls as usize].unlock().expect("it is ours");
    }

    /// How many of these calls have begun, in all processes with this disk. Reads and writes
    /// count only while they are delayed.
    pub(crate) fn begun(&self, calls: Calls) -> u64 {
        self.number(calls, 1)
    }

    /// How many of these calls have begun and not returned.
    pub(crate) fn under_way(&self, calls: Calls) -> u64 {
        let returned = self.number(calls, 2);
        self.begun(calls).saturating_sub(returned)
    }

    fn set(&self, calls: Calls, delay_ms: u64) {
        let written = self.control.write_all_at(&delay_ms.to_ne_bytes(), offset(calls, 0));
        written.expect("it is writable");
    }

    fn number(&self, calls: Calls, field: u64) -> u64 {
        let mut bytes = [0; 8];
        self.control.read_exact_at(&mut bytes, offset(calls, field)).expect("it is readable");
        u64::from_ne_bytes(bytes)
    }
}

/// The offset of a number in a `struct control`.
fn offset(calls: Calls, field: u64) -> u64 {
    8 * (3 * calls as u64 + field)
}

/// The path of the library, compiled with the tests.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR"));
        // Another run of the tests may be loading the library, so it is replaced by a rename.
        let draft = directory.join(format!("slow_disk-{}.so", std::process::id()));
        let library = directory.join("slow_disk.so");
        let compiled = StdCommand::new("cc")
            .args(["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o"])
            .arg(&draft)
            .arg(SOURCE)
            .status()
            .expect("this test needs a C compiler, as RocksDB does");
        assert!(compiled.success(), "{SOURCE} does not compile");
        fs::rename(&draft, &library).expect("the directory is writable");
        library
    })
}
