//! The operator's settings, and every RocksDB option set by us, with its reason.

use std::collections::BTreeSet;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    DEFAULT_COLUMN_FAMILY_NAME, DataBlockIndexType, Options,
};

use super::failure::from_rocksdb;
use crate::storage::{
    BLOCK_CACHE_MIB, StorageError, StorageOperation, Table, WRITE_BUFFERS_MIB, bytes_of_mib,
};

/// How much memory, disk and parallelism RocksDB may use. No setting changes the stored data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// The memory for blocks read from table files, with their indexes and filters, shared by
    /// all tables. Bytes; [`BLOCK_CACHE_MIB`] by default.
    pub block_cache_bytes: usize,
    /// The memory for the recent writes of all tables together. When it is full, RocksDB flushes
    /// the fullest table; it also flushes a table that takes half of it, because two tables are
    /// written all the time. Bytes; [`WRITE_BUFFERS_MIB`] by default.
    pub write_buffers_bytes_max: usize,
    /// The size of all write-ahead logs at which RocksDB flushes the tables that prevent their
    /// removal. It limits the amount of data to recover at a start. Bytes; 64 MiB by default.
    pub wal_bytes_max: u64,
    /// The number of table files kept open; RocksDB raises it to 20 at least. 256 by default.
    pub open_files_max: u16,
    /// The number of concurrent flushes and compactions. 2 by default.
    pub background_jobs_max: u16,
}

impl Default for RocksSettings {
    fn default() -> Self {
        Self {
            block_cache_bytes: bytes_of_mib(BLOCK_CACHE_MIB),
            write_buffers_bytes_max: bytes_of_mib(WRITE_BUFFERS_MIB),
            wal_bytes_max: 64 << 20,
            open_files_max: 256,
            background_jobs_max: 2,
        }
    }
}

/// Makes a database with every table in a directory without one.
pub(super) fn create(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    let mut options = database_options(settings)?;
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_error_if_exists(true);
    DB::open_cf_descriptors(&options, path, families(settings)).map_err(failed)
}

/// Opens a database with every table.
pub(super) fn open(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    require_every_table(path)?;
    let options = database_options(settings)?;
    DB::open_cf_descriptors(&options, path, families(settings)).map_err(failed)
}

/// Opens a database with every table, without writing anything.
pub(super) fn open_read_only(path: &Path) -> Result<DB, StorageError> {
    require_every_table(path)?;
    let settings = RocksSettings::default();
    let options = database_options(&settings)?;
    let wal_may_exist = false;
    DB::open_cf_descriptors_read_only(&options, path, families(&settings), wal_may_exist)
        .map_err(failed)
}

/// Removes RocksDB's files, and no others, from a directory.
pub(super) fn destroy(path: &Path) -> Result<(), StorageError> {
    DB::destroy(&Options::default(), path).map_err(failed)
}

/// Fails unless the database has exactly our tables. If a table is missing, somebody changed the
/// finished directory; an additional table comes from an unknown release.
fn require_every_table(path: &Path) -> Result<(), StorageError> {
    let expected = BTreeSet::from(names().map(str::to_owned));
    let found = DB::list_cf(&Options::default(), path).map_err(failed)?;
    let found: BTreeSet<String> = found.into_iter().collect();
    if found == expected {
        return Ok(());
    }
    let detail = format!("its tables are {found:?}, not {expected:?}");
    Err(StorageError::UnknownLayout { path: path.to_owned(), detail })
}

/// The column families: ours, and the default one. RocksDB insists on the default one, and we
/// leave it empty.
fn names() -> [&'static str; 5] {
    let [meta, records, log, applied] = Table::ALL.map(Table::name);
    [DEFAULT_COLUMN_FAMILY_NAME, meta, records, log, applied]
}

fn families(settings: &RocksSettings) -> Vec<ColumnFamilyDescriptor> {
    // This cache has no locks, and grows with the blocks in it.
    let cache = Cache::new_hyper_clock_cache(settings.block_cache_bytes, 0);
    let empty = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, Options::default());
    let ours = Table::ALL.map(|table| {
        ColumnFamilyDescriptor::new(table.name(), table_options(table, settings, &cache))
    });
    std::iter::once(empty).chain(ours).collect()
}

/// The options without a function in the wrapper, in RocksDB's own notation.
///
/// - `track_and_verify_wals`: each WAL file records the end of its predecessor, so that recovery
///   does not step over a gap.
/// - `max_bgerror_resume_count`: a failed background job is not resumed, because resuming it
///   would sync WAL files again.
/// - `avoid_flush_during_recovery`: recovered data becomes durable table files while opening
///   (rule 11). This is the default; we set it because so much depends on it.
const UNWRAPPED: &str =
    "track_and_verify_wals=true;max_bgerror_resume_count=0;avoid_flush_during_recovery=false";

fn database_options(settings: &RocksSettings) -> Result<Options, StorageError> {
    let mut options = Options::default().get_options_from_string(UNWRAPPED).map_err(failed)?;

    // A truncated or damaged record ends the recovery: the recovered data is a prefix of the
    // written data.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // A reused WAL file holds old records behind its end, and recovery could take them for a
    // torn tail.
    options.set_recycle_log_file_num(0);
    // Every write reaches the kernel before it returns, so that a kill loses nothing.
    options.set_manual_wal_flush(false);
    // Damage stops the database; RocksDB does not skip it. This also makes a failed WAL write
    // final.
    options.set_paranoid_checks(true);
    // The tables need not be flushed together. Every change is in the WAL; recovery replays to
    // each table its unflushed changes; and a flush first syncs the WAL files needed for it
    // (`SyncClosedWals`). Otherwise a seldom written table would make a tiny file whenever
    // another one is full.
    options.set_atomic_flush(false);
    options.set_max_total_wal_size(settings.wal_bytes_max);

    // One thread writes. With several writers, every insertion into a table searches its place
    // from the top. With one writer, an insertion behind the last one continues from there;
    // those of the log do so.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);

    options.set_db_write_buffer_size(settings.write_buffers_bytes_max);
    options.set_max_open_files(settings.open_files_max.into());
    options.set_max_background_jobs(settings.background_jobs_max.into());
    // Otherwise each opening starts and ends fifteen threads for each table.
    options.set_max_file_opening_threads(1);

    // The files named LOG are RocksDB's diary. Its statistics are neither read nor wanted on
    // timers.
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    Ok(options)
}

/// The options of one table.
///
/// The log is appended in order and trimmed from the front. A range deletion is one small
/// record, however much it trims. A flush or compaction that meets it drops the covered entries,
/// and because the files of the log overlap little, RocksDB seldom rewrites the live part. Until
/// then a read steps over the covered entries, and every range deletion in memory costs each
/// read a little; hence the advice at [`Table::Log`]. RocksDB's `DeleteFilesInRange` would free
/// the space at once, but durably and outside of any batch: after a power loss the entries would
/// be gone, although the batch with the trim is lost.
fn table_options(table: Table, settings: &RocksSettings, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Otherwise the memory for indexes and filters would have no limit. Those of the newest
    // files stay in memory.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match table {
        // With ten bits a key, one of a hundred lookups of an absent key reads a block in vain.
        Table::Records | Table::Applied => blocks.set_bloom_filter(10.0, false),
        // These tables have few keys, or their keys are scanned: a filter would never be used.
        Table::Meta | Table::Log => {}
    }
    let mut options = Options::default();
    if table == Table::Records {
        // Most records are in table files. A filter of the recent writes takes a fiftieth of
        // their memory and saves the search there, and this search costs as much as one in a
        // file. A hash of the keys of a block saves the search in the block.
        options.set_memtable_prefix_bloom_ratio(0.02);
        options.set_memtable_whole_key_filtering(true);
        blocks.set_data_block_index_type(DataBlockIndexType::BinaryAndHash);
    }
    options.set_block_based_table_factory(&blocks);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_write_buffer_size(settings.write_buffers_bytes_max / 2);
    options
}

fn failed(error: rocksdb::Error) -> StorageError {
    from_rocksdb(StorageOperation::Open, &error)
}
