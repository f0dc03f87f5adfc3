//! Schedules that once found a bug. Each file in `sim/regressions` is named after its bug.

use std::fs;

use crate::determinism;
use crate::support::{package, sim_succeeds};

#[test]
fn no_schedule_finds_again_what_it_once_found() {
    determinism::holds();
    let entries = fs::read_dir(package().join("regressions")).expect("the folder of regressions");
    let mut schedules = entries.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>();
    schedules.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    schedules.sort();
    for schedule in schedules {
        let path = schedule.to_str().expect("a name in UTF-8");
        sim_succeeds(&["replay", path, "--show", "nothing"]);
    }
}
