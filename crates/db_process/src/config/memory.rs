//! The flags that say how much memory a node may take for its data.

/// What a node's data may take of memory. It needs some MiB more, for links and for the newest entries of both logs.
#[derive(Debug, Clone, clap::Args)]
pub struct MemoryArgs {
    /// How much memory the records take that were read or written last, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "RECORD_CACHE_MIB",
        default_value_t = 16,
        value_parser = clap::value_parser!(u32).range(..=MIB_MAX)
    )]
    record_cache_mib: u32,

    /// How much memory the blocks of RocksDB's table files take that were read last, indexes and filters included, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "BLOCK_CACHE_MIB",
        default_value_t = 32,
        value_parser = clap::value_parser!(u32).range(1..=MIB_MAX)
    )]
    block_cache_mib: u32,

    /// How much memory what was written last takes until RocksDB has it in table files, in MiB
    #[arg(
        long,
        value_name = "MIB",
        env = "WRITE_BUFFERS_MIB",
        default_value_t = 48,
        value_parser = clap::value_parser!(u32).range(3..=MIB_MAX)
    )]
    write_buffers_mib: u32,
}

/// A TiB; less than what an address may be.
const MIB_MAX: i64 = 1 << 20;

impl MemoryArgs {
    pub(super) fn record_cache_bytes(&self) -> usize {
        bytes(self.record_cache_mib)
    }

    /// The settings of RocksDB.
    #[cfg(feature = "rocksdb")]
    pub fn rocks_settings(&self) -> crate::storage::rocks::RocksSettings {
        crate::storage::rocks::RocksSettings {
            block_cache_bytes: bytes(self.block_cache_mib),
            // The tables that are written to are three.
            write_buffer_bytes: bytes(self.write_buffers_mib) / 3,
            write_buffers_bytes_max: bytes(self.write_buffers_mib),
            ..crate::storage::rocks::RocksSettings::default()
        }
    }
}

fn bytes(mib: u32) -> usize {
    (mib as usize) << 20
}
