//! The golden seeds go as they did, wherever they run.

use std::process::Command;

use tempfile::TempDir;

use crate::determinism;

/// The first processor that this process may use.
fn a_processor() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux has it");
    let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.expect("Linux has it").trim().split([',', '-']).next();
    first.expect("there is one").to_owned()
}

#[test]
fn the_golden_seeds_go_as_they_did_in_any_place_and_time_zone_and_on_one_processor() {
    determinism::holds();
    let elsewhere = TempDir::new().expect("a directory");
    let mut golden = Command::new("taskset");
    golden.args(["-c", &a_processor(), env!("CARGO_BIN_EXE_sim"), "golden"]);
    golden.env_remove("CARGO").current_dir(elsewhere.path());
    golden.envs([("TZ", "Asia/Kathmandu"), ("LANG", "tr_TR.UTF-8"), ("LC_ALL", "tr_TR.UTF-8")]);
    let output = golden.output().expect("taskset starts it");
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}
