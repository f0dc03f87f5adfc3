//! Two runs of a seed are the same, to the last byte of their traces. All other tests here wait
//! for this one.

use std::sync::OnceLock;

use crate::support::sim_succeeds;

/// Returns once two runs of a few seeds were the same.
pub(crate) fn holds() {
    static HELD: OnceLock<()> = OnceLock::new();
    HELD.get_or_init(|| {
        sim_succeeds(&["meta", "--seeds", "0..3"]);
        sim_succeeds(&["meta", "--seeds", "3", "--storage", "rocksdb"]);
    });
}

#[test]
fn two_runs_of_a_seed_are_the_same() {
    holds();
}
