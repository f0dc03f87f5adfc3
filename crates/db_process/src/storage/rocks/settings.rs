//! What an operator may choose, and every RocksDB option that we set, with its reason.

use std::collections::BTreeSet;
use std::path::Path;

use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DB, DBCompressionType, DBRecoveryMode,
    DEFAULT_COLUMN_FAMILY_NAME, DataBlockIndexType, Options,
};

use super::failure::from_rocksdb;
use crate::storage::{
    BLOCK_CACHE_MIB, Operation, StorageError, Table, WRITE_BUFFERS_MIB, bytes_of_mib,
};

/// How much memory, disk and parallelism RocksDB may use. None of it changes what is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocksSettings {
    /// The memory for blocks read from table files, their indexes and filters included, shared by all tables.
    /// Bytes; [`BLOCK_CACHE_MIB`] unless told.
    pub block_cache_bytes: usize,
    /// The memory for the recent writes of all tables together; the fullest table is flushed when it is reached, or when it
    /// takes the half: two tables are written to all the time. Bytes; [`WRITE_BUFFERS_MIB`] unless told.
    pub write_buffers_bytes_max: usize,
    /// The size of all write-ahead logs at which the tables that hold up their removal are flushed. It bounds how much
    /// a start has to recover. Bytes; 64 MiB unless told.
    pub wal_bytes_max: u64,
    /// The table files kept open; RocksDB raises it to 20. 256 unless told.
    pub open_files_max: u16,
    /// The flushes and compactions that run at a time. 2 unless told.
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

/// Makes a database with every table in a directory that has none.
pub(super) fn create(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    let mut options = database_options(settings)?;
    options.create_if_missing(true);
    options.create_missing_column_families(true);
    options.set_error_if_exists(true);
    DB::open_cf_descriptors(&options, path, families(settings)).map_err(failed)
}

/// Opens a database that has every table.
pub(super) fn open(path: &Path, settings: &RocksSettings) -> Result<DB, StorageError> {
    require_every_table(path)?;
    let options = database_options(settings)?;
    DB::open_cf_descriptors(&options, path, families(settings)).map_err(failed)
}

/// Opens a database that has every table, without writing anything.
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

/// Fails unless the database has exactly our tables: a finished directory without one of them was meddled with, and
/// one with another was made by a release that we do not know.
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

/// The column families: ours, and the one that RocksDB insists on and we leave empty.
fn names() -> [&'static str; 5] {
    let [meta, records, log, applied] = Table::ALL.map(Table::name);
    [DEFAULT_COLUMN_FAMILY_NAME, meta, records, log, applied]
}

fn families(settings: &RocksSettings) -> Vec<ColumnFamilyDescriptor> {
    // Without locks, and it grows with the blocks that it holds.
    let cache = Cache::new_hyper_clock_cache(settings.block_cache_bytes, 0);
    let empty = ColumnFamilyDescriptor::new(DEFAULT_COLUMN_FAMILY_NAME, Options::default());
    let ours = Table::ALL.map(|table| {
        ColumnFamilyDescriptor::new(table.name(), table_options(table, settings, &cache))
    });
    std::iter::once(empty).chain(ours).collect()
}

/// The options for which the wrapper has no function, in RocksDB's own notation.
///
/// - `track_and_verify_wals`: each WAL file says how its predecessor ended, so that recovery does not step over a gap.
/// - `max_bgerror_resume_count`: a background job that failed is not resumed, for that would sync WAL files again.
/// - `avoid_flush_during_recovery`: what is recovered becomes durable table files while opening (rule 11). It is the
///   default, and said here because so much depends on it.
const UNWRAPPED: &str =
    "track_and_verify_wals=true;max_bgerror_resume_count=0;avoid_flush_during_recovery=false";

fn database_options(settings: &RocksSettings) -> Result<Options, StorageError> {
    let mut options = Options::default().get_options_from_string(UNWRAPPED).map_err(failed)?;

    // A record cut off or damaged ends the recovery: what is found is a prefix of what was written.
    options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
    // A reused WAL file holds old records behind its end, which a torn tail could be mistaken for.
    options.set_recycle_log_file_num(0);
    // Every write reaches the kernel before it returns, so that a kill loses nothing.
    options.set_manual_wal_flush(false);
    // Damage stops the database rather than being skipped; it also makes a failed WAL write final.
    options.set_paranoid_checks(true);
    // The tables need not be flushed together: every change is in the WAL, recovery replays to each table what it has
    // not flushed, and a flush first syncs the WAL files that it depends on (`SyncClosedWals`). A table that is
    // seldom written would otherwise make a tiny file whenever another is full.
    options.set_atomic_flush(false);
    options.set_max_total_wal_size(settings.wal_bytes_max);

    // One thread writes. Where several may, every insertion into a table searches its place from the top; here one behind the
    // last one goes on from there, as those of the log do.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);

    options.set_db_write_buffer_size(settings.write_buffers_bytes_max);
    options.set_max_open_files(settings.open_files_max.into());
    options.set_max_background_jobs(settings.background_jobs_max.into());
    // Otherwise fifteen threads are started, and ended, for each table at each opening.
    options.set_max_file_opening_threads(1);

    // The files named LOG are RocksDB's diary; its statistics are neither read nor wanted on timers.
    options.set_keep_log_file_num(3);
    options.set_max_log_file_size(1 << 20);
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    Ok(options)
}

/// The options of one table.
///
/// The log is appended in order and trimmed from the front. A range deletion is one small record however much it
/// trims: a flush or compaction that meets it drops what it covers, and because the files of the log overlap little,
/// the live part is seldom rewritten. Until then a read steps over what is covered, and every range deletion in memory
/// costs each read a little; hence the advice at [`Table::Log`]. RocksDB's `DeleteFilesInRange` would free the space at
/// once, but outside of any batch and durably: after a power loss the entries would be gone although the batch that
/// trimmed them is not there.
fn table_options(table: Table, settings: &RocksSettings, cache: &Cache) -> Options {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    // Otherwise indexes and filters would be memory beyond any bound; those of the newest files are kept at hand.
    blocks.set_cache_index_and_filter_blocks(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);
    match table {
        // Ten bits a key let one in a hundred lookups of an absent key read a block in vain.
        Table::Records | Table::Applied => blocks.set_bloom_filter(10.0, false),
        // Few keys, or keys that are scanned: a filter would never be asked.
        Table::Meta | Table::Log => {}
    }
    let mut options = Options::default();
    if table == Table::Records {
        // Most records are in table files: a filter of the recent writes, a fiftieth of their memory, saves the search there,
        // which costs as much as the one in a file. A hash of a block's keys saves the search in that.
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
    from_rocksdb(Operation::Open, &error)
}
