//! The folder of the package `sim`, for files of the repository.

use std::path::PathBuf;

/// The folder when cargo runs this program; else `sim` below the working directory.
pub(super) fn package() -> PathBuf {
    std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from("sim"), PathBuf::from)
}
