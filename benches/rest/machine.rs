//! The machine: the figures depend on it as well as on the code.

use std::fs;
use std::path::Path;

use tokio::process::Command;

/// Whether a program is installed.
pub(crate) async fn has(program: &str) -> bool {
    Command::new(program).arg("--version").output().await.is_ok()
}

/// Prints the machine, the programs and the disks.
pub(crate) async fn describe(disk: &Path, memory: &Path) {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    println!("{cores} cores ({}), Linux {}", model.unwrap_or("unknown").trim(), kernel.trim());
    println!("disk: {}", mounted(disk).await);
    println!("memory: {}", mounted(memory).await);
    println!("wrk: {}", first_line("wrk", "--version").await);
    println!("etcd: {}", first_line("etcd", "--version").await);
}

async fn mounted(path: &Path) -> String {
    let columns = "--output=source,fstype,avail,target";
    let output = Command::new("df").args(["-h", columns]).arg(path).output().await;
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let line = text.unwrap_or_default().lines().nth(1).unwrap_or("unknown").to_owned();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Some programs print their version and then end with an error, so the exit code is ignored.
async fn first_line(program: &str, flag: &str) -> String {
    let output = Command::new(program).arg(flag).output().await;
    let text = output.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("not installed").to_owned()
}
