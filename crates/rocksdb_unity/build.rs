//! Compiles RocksDB from the sources in `librocksdb-sys`, many files at a time.
//!
//! A C++ compiler spends most of its time for one of RocksDB's 342 files on the headers, and
//! these are nearly the same for all files. Here each compiler run gets a file that includes a
//! part of the list (a *unity build*).
//!
//! The archive is made once for all profiles, in the target directory beside theirs: nothing in
//! it depends on the profile. The name of its folder is a hash of the compiler, its flags and
//! the list of sources.

use std::collections::hash_map::DefaultHasher;
use std::env;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The number of compiler runs for RocksDB. Fewer runs parse fewer headers; more runs keep more
/// processors busy. With 8 runs, each takes 1.5 GB of memory.
const PARTS: usize = 8;

/// Sources without any reference from RocksDB's C interface: a linker never takes their objects.
/// If a later version refers to them, linking fails and names the symbol.
const NEVER_LINKED: [&str; 8] = [
    "test_util/",
    "tools/",
    "utilities/blob_db/",
    "utilities/cassandra/",
    "utilities/fault_injection_",
    "utilities/persistent_cache/",
    "utilities/secondary_index/",
    "utilities/simulator_cache/",
];

/// The version of the C++ standard required by RocksDB.
const STANDARD: &str = "-std=c++20";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=ROCKSDB_LIB_DIR");
    assert!(
        env::var_os("ROCKSDB_LIB_DIR").is_some(),
        "librocksdb-sys has compiled RocksDB itself: build from within the checkout, whose .cargo/config.toml sets \
         ROCKSDB_LIB_DIR"
    );
    let sources = Sources::find();
    let mut build = cc::Build::new();
    configure(&mut build, &sources);
    let archive = Archive::at(target_directory(), &build, &sources);
    // This is not a part of the archive's name, because cargo copies the header to another
    // folder for each profile.
    build.include(variable("DEP_LZ4_INCLUDE"));
    archive.make(build, &sources);
    // This makes cargo run the script again after the archive was deleted.
    println!("cargo::rerun-if-changed={}", archive.file().display());
    println!("cargo::rustc-link-search=native={}", archive.folder.display());
}

/// RocksDB's sources inside `librocksdb-sys`.
struct Sources {
    /// The folder of the package.
    package: PathBuf,
    /// The files to compile, in the order of the package's list.
    files: Vec<PathBuf>,
}

impl Sources {
    fn find() -> Self {
        let package = PathBuf::from(variable("DEP_ROCKSDB_CARGO_MANIFEST_DIR"));
        let list = read(&package.join("rocksdb_lib_sources.txt"));
        let listed = list.split_whitespace();
        // The package has a filled-in version of this file beside its list.
        let mut files: Vec<_> = listed
            .filter(|file| *file != "util/build_version.cc")
            .filter(|file| !NEVER_LINKED.iter().any(|unused| file.starts_with(unused)))
            .map(|file| package.join("rocksdb").join(file))
            .collect();
        files.push(package.join("build_version.cc"));
        Self { package, files }
    }

    /// The files in [`PARTS`] groups of nearly equal size in bytes.
    fn parts(&self) -> Vec<Vec<&Path>> {
        let size = |file: &Path| match fs::metadata(file) {
            Ok(metadata) => metadata.len(),
            Err(error) => panic!("{}: {error}", file.display()),
        };
        let mut bytes_left: u64 = self.files.iter().map(|file| size(file)).sum();
        let mut files = self.files.iter().map(PathBuf::as_path).peekable();
        let mut parts = Vec::new();
        for parts_left in (1..=PARTS as u64).rev() {
            let share = bytes_left / parts_left;
            let (mut part, mut bytes) = (Vec::new(), 0);
            while let Some(file) = files.next_if(|_| bytes < share || parts_left == 1) {
                bytes += size(file);
                part.push(file);
            }
            bytes_left -= bytes;
            parts.push(part);
        }
        parts
    }
}

/// Sets the definitions and flags with which `librocksdb-sys` compiles RocksDB, for Linux and
/// the features in use.
fn configure(build: &mut cc::Build, sources: &Sources) {
    assert_eq!(variable("CARGO_CFG_TARGET_OS"), "linux", "Chainring runs on Linux");
    build.cpp(true).warnings(false).opt_level(2).debug(false).flag(STANDARD);
    build.flag("-include").flag("cstdint");
    for include in ["", "rocksdb", "rocksdb/include"] {
        build.include(sources.package.join(include));
    }
    build.define("LZ4", "1").define("NDEBUG", "1");
    for definition in [
        "HAVE_ALIGNED_NEW",
        "HAVE_UINT128_EXTENSION",
        "OS_LINUX",
        "ROCKSDB_AUXV_GETAUXVAL_PRESENT",
        "ROCKSDB_FALLOCATE_PRESENT",
        "ROCKSDB_LIB_IO_POSIX",
        "ROCKSDB_PLATFORM_POSIX",
        "ROCKSDB_RANGESYNC_PRESENT",
        "ROCKSDB_SCHED_GETCPU_PRESENT",
    ] {
        build.define(definition, None);
    }
    // Checksums are slow without these. Every x86-64 processor since 2011 has them.
    if variable("CARGO_CFG_TARGET_ARCH") == "x86_64" {
        build.flag("-msse4.2").flag("-mpclmul");
    }
}

/// The archive shared by all profiles.
struct Archive {
    folder: PathBuf,
}

impl Archive {
    /// The archive for this compiler, these flags and these sources.
    fn at(target: PathBuf, build: &cc::Build, sources: &Sources) -> Self {
        let mut made_from = DefaultHasher::new();
        let compiler = build.get_compiler();
        compiler.path().hash(&mut made_from);
        compiler.args().hash(&mut made_from);
        sources.files.hash(&mut made_from);
        PARTS.hash(&mut made_from);
        Self { folder: target.join(format!("rocksdb-{:016x}", made_from.finish())) }
    }

    fn file(&self) -> PathBuf {
        self.folder.join("librocksdb.a")
    }

    /// Makes the archive, unless it exists. If several processes want it, one makes it and the
    /// others wait.
    fn make(&self, mut build: cc::Build, sources: &Sources) {
        succeed(&self.folder, fs::create_dir_all(&self.folder));
        let lock = self.folder.join("lock");
        let lock = succeed(&lock, File::create(&lock));
        succeed(&self.folder, lock.lock());
        if self.file().exists() {
            return;
        }
        for (number, part) in sources.parts().iter().enumerate() {
            let joined: String =
                part.iter().map(|file| format!("#include \"{}\"\n", file.display())).collect();
            let file = self.folder.join(format!("part_{number:02}.cc"));
            succeed(&file, fs::write(&file, joined));
            build.file(file);
        }
        // The archive first has another name, so an interrupted build leaves no incomplete archive.
        let unfinished = self.folder.join("unfinished");
        build.cargo_metadata(false).out_dir(&unfinished).compile("rocksdb");
        let made = unfinished.join("librocksdb.a");
        // The archive must look older than this run. Otherwise cargo takes it for a changed
        // input, and runs the script once more.
        let aged = succeed(&made, File::options().write(true).open(&made));
        succeed(&made, aged.set_modified(SystemTime::UNIX_EPOCH));
        succeed(&made, fs::rename(&made, self.file()));
        succeed(&unfinished, fs::remove_dir_all(&unfinished));
    }
}

/// The target directory: `OUT_DIR` is `<target>/<profile>/build/<package>/out`.
fn target_directory() -> PathBuf {
    let out = PathBuf::from(variable("OUT_DIR"));
    match out.ancestors().nth(4) {
        Some(target) => target.to_owned(),
        None => panic!("{} is not where cargo puts what build scripts make", out.display()),
    }
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn read(file: &Path) -> String {
    succeed(file, fs::read_to_string(file))
}

fn succeed<T>(path: &Path, result: std::io::Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
