//! RocksDB's C++, compiled as a unity build: a third of the time that one compiler run per file takes.
//!
//! There is no code here. The build script compiles the sources that `librocksdb-sys` carries into `librocksdb.a` and
//! tells the linker where that is. `ROCKSDB_LIB_DIR` in `.cargo/config.toml` keeps `librocksdb-sys` from compiling
//! them itself. So every program that links RocksDB depends on this crate (`db_process` does, with its feature
//! `rocksdb`).
