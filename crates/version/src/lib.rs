//! The version and the commit of the programs.
//!
//! Each commit changes this crate, so only the programs depend on it: nothing else is built again.

/// The version of this release, and its commit: `unknown` if git does not know it.
pub const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("CHAINRING_COMMIT"), ")");
