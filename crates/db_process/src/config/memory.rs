//! The flags for the memory of a node's data.

use clap::builder::TypedValueParser;

use crate::storage::bytes_of_mib;
#[cfg(feature = "rocksdb")]
use crate::storage::{BLOCK_CACHE_MIB, WRITE_BUFFERS_MIB};
use crate::store::RECORD_CACHE_MIB;

/// The memory for a node's data. The process needs some MiB more, for links and for the newest
/// entries of both logs.
#[derive(Debug, Clone, clap::Args)]
pub struct MemoryArgs {
    /// Memory for the records read last, in MiB
    #[arg(long, value_name = "MIB", env = "CHAINRING_RECORD_CACHE_MIB", default_value_t = RECORD_CACHE_MIB, value_parser = mib(0))]
    record_cache_mib: u32,

    /// Memory for the blocks of RocksDB's table files read last, indexes and filters included,
    /// in MiB
    #[cfg(feature = "rocksdb")]
    #[arg(long, value_name = "MIB", env = "CHAINRING_BLOCK_CACHE_MIB", default_value_t = BLOCK_CACHE_MIB, value_parser = mib(1))]
    block_cache_mib: u32,

    /// Memory for recent writes until RocksDB has them in table files, in MiB
    #[cfg(feature = "rocksdb")]
    #[arg(long, value_name = "MIB", env = "CHAINRING_WRITE_BUFFERS_MIB", default_value_t = WRITE_BUFFERS_MIB, value_parser = mib(3))]
    write_buffers_mib: u32,
}

impl MemoryArgs {
    pub(super) fn record_cache_bytes(&self) -> usize {
        bytes_of_mib(self.record_cache_mib)
    }

    /// The settings of RocksDB.
    #[cfg(feature = "rocksdb")]
    pub fn rocks_settings(&self) -> crate::storage::rocks::RocksSettings {
        crate::storage::rocks::RocksSettings {
            block_cache_bytes: bytes_of_mib(self.block_cache_mib),
            write_buffers_bytes_max: bytes_of_mib(self.write_buffers_mib),
            ..crate::storage::rocks::RocksSettings::default()
        }
    }
}

/// Parses a number of MiB from `least` up to one TiB, so that the number of bytes fits an
/// address.
fn mib(least: i64) -> impl TypedValueParser<Value = u32> {
    const MOST: i64 = 1 << 20;
    clap::value_parser!(u32).range(least..=MOST)
}
