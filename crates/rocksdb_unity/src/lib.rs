//! RocksDB's C++, compiled as a unity build. This takes a third of the time of one compiler run
//! per file.
//!
//! There is no code here. The build script compiles the sources from `librocksdb-sys` into
//! `librocksdb.a`, and tells the linker its folder. `ROCKSDB_LIB_DIR` in `.cargo/config.toml`
//! keeps `librocksdb-sys` from compiling them itself. So every program that links RocksDB
//! depends on this crate (`db_process` does, with its feature `rocksdb`).
