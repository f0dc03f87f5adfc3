//! The simulation's own tests: first its determinism, then fixed seeds, then the schedules that
//! once found a bug.
//!
//! `SIM_SEEDS=1000..3000 cargo test -p sim` plays other seeds.

mod determinism;
mod failures;
mod golden;
mod patches;
mod regressions;
mod seeds;
mod support;
