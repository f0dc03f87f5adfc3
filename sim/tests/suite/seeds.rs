//! Fixed seeds, the same in every run; `SIM_SEEDS` selects others.

use crate::determinism;
use crate::support::sim_succeeds;

#[test]
fn fixed_seeds_are_good_in_memory() {
    determinism::holds();
    let seeds = std::env::var("SIM_SEEDS").unwrap_or_else(|_| "0..300".to_owned());
    println!("{}", sim_succeeds(&["sweep", "--seeds", &seeds]));
}

#[test]
fn fixed_seeds_are_good_on_rocksdb() {
    determinism::holds();
    println!("{}", sim_succeeds(&["sweep", "--seeds", "0..30", "--storage", "rocksdb"]));
}
