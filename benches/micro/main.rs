//! `cargo bench --bench micro`: the cost of the parts on every request's way, without sockets
//! and disks.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a benchmark that cannot go on says so"
)]

mod codec;
mod core;
mod placement;
mod samples;

use criterion::{criterion_group, criterion_main};

criterion_group!(benches, codec::bench, placement::bench, core::bench);
criterion_main!(benches);
