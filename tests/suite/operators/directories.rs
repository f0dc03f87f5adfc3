//! Directories as file systems make them, and the permissions in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::Workplace;
use super::development::Development;
use crate::harness::process::Process;

/// The files and directories in an empty directory, as file systems and their tools make them.
const MADE_BY_FILE_SYSTEMS: [&str; 5] =
    ["lost+found", ".snapshot", ".zfs", ".Trash-0", ".nfs000000000020a1c400000001"];

#[tokio::test(flavor = "multi_thread")]
async fn what_file_systems_make_is_no_data_and_is_not_touched() {
    let place = Workplace::new();
    for directory in ["data", "state"] {
        for name in MADE_BY_FILE_SYSTEMS {
            let made = place.path(directory).join(name);
            fs::create_dir_all(&made).unwrap();
            fs::write(made.join("of someone"), "42").unwrap();
        }
    }
    for _ in 0..2 {
        let node = Process::spawn("db-0", place.node());
        node.says("no link to the gateway").await;
        node.stop().await;
        let gateway = Process::spawn("gateway", place.gateway());
        gateway.says("listening").await;
        gateway.stop().await;
    }
    for directory in ["data", "state"] {
        for name in MADE_BY_FILE_SYSTEMS {
            let file = place.path(directory).join(name).join("of someone");
            assert_eq!(fs::read_to_string(file).unwrap(), "42");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_its_user_can_read_what_a_ring_keeps_whatever_the_umask() {
    let place = Workplace::new();
    let data = place.path("data");
    let ring = Development::start_by(&data, with_umask_0).await;
    ring.is_ready().await;
    for user in 0..20 {
        ring.create_user(&format!("user-{user}")).await;
    }
    ring.stop().await;
    let files = assert_private(&data);
    for name in ["secret", "cluster.json", "FORMAT", "LOCK"] {
        assert!(files.iter().any(|path| path.ends_with(name)), "no {name} in {files:#?}");
    }

    // The permissions of an earlier release.
    for directory in [data.clone(), data.join("gateway"), data.join("db-0"), data.join("db-1")] {
        fs::set_permissions(&directory, Permissions::from_mode(0o755)).unwrap();
    }
    let ring = Development::start_by(&data, with_umask_0).await;
    ring.is_ready().await;
    ring.stop().await;
    assert_private(&data);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_is_not_ours_alone_keeps_its_mode_and_its_operator_is_warned() {
    let place = Workplace::new();
    let state = place.path("state");
    fs::create_dir(&state).unwrap();
    fs::write(state.join("thesis.txt"), "42").unwrap();
    fs::set_permissions(&state, Permissions::from_mode(0o755)).unwrap();
    let mut command = Command::new("sh");
    command.args(["-c", r#"umask 0; exec "$0" "$@""#]);
    let gateway = place.gateway().into_std();
    command.arg(gateway.get_program()).args(gateway.get_args());
    let gateway = Process::spawn("gateway", command);
    gateway.says("other users may have access").await;
    gateway.says("listening").await;
    gateway.stop().await;
    assert_eq!(mode(&state), 0o755);
    assert_eq!(mode(&state.join("lock")), 0o600);
}

fn with_umask_0(program: &Path) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", r#"umask 0; exec "$0" "$@""#]).arg(program);
    command
}

/// Asserts that every file and directory is private to its owner; returns the files.
fn assert_private(path: &Path) -> Vec<PathBuf> {
    assert_eq!(mode(path) & 0o077, 0, "{}", path.display());
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap();
    entries.flat_map(|entry| assert_private(&entry.unwrap().path())).collect()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}
