//! The command `chainring`, and pipes behind it.

use std::fs::File;
use std::io::{Read, pipe};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::SOON;
use crate::harness::cluster::Cluster;
use crate::harness::process::{binary, text};

/// Runs `chainring` with this standard output; returns its exit status and its standard error.
async fn run(arguments: &[&str], output: impl Into<Stdio>) -> (ExitStatus, String) {
    let mut command = tokio::process::Command::new(binary("chainring"));
    command.args(arguments).env_clear().stdin(Stdio::null()).stdout(output).kill_on_drop(true);
    let child = command.stderr(Stdio::piped()).spawn().expect("it starts");
    // A pipe's reader sees the end once no process holds the writing end.
    drop(command);
    let output = timeout(SOON, child.wait_with_output()).await.expect("it ends").expect("it ran");
    (output.status, String::from_utf8(output.stderr).expect("text"))
}

/// The writing end of a pipe with a closed reading end.
fn without_reader() -> Stdio {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    writer.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_changes_no_exit_code_and_is_not_spoken_of() {
    let mut cluster = Cluster::start(2).await;
    let url = cluster.url();
    for arguments in [
        &["--help"][..],
        &["dev", "--help"],
        &["--version"],
        &["token", "--role", "read"],
        &["status", "--url", &url],
        &["status", "--url", &url, "--json"],
    ] {
        let (status, said) = run(arguments, without_reader()).await;
        assert_eq!(status.code(), Some(0), "{arguments:?}: {said}");
        let is_token = arguments[0] == "token";
        assert!(is_token || said.is_empty(), "{arguments:?}: {said}");
        assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    }
    // The exit code tells the state of the ring, even without a reader.
    cluster.kill_node(1).await;
    cluster.status_within(SOON, |status| !status.healthy).await;
    let (status, said) = run(&["status", "--url", &url], without_reader()).await;
    assert_eq!((status.code(), said.as_str()), (Some(1), ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_that_reads_one_line_ends_well() {
    let mut cluster = Cluster::start(2).await;
    let secret = text(&cluster.directory.path().join("secret"));
    let links = format!("http://{}", cluster.socket_address());
    for arguments in [
        vec!["status", "--url", &cluster.url()],
        vec!["watch", "--url", &links, "--secret-file", &secret],
    ] {
        let mut pipeline = tokio::process::Command::new("bash");
        pipeline.args(["-c", r#"set -e -o pipefail; "$0" "$@" | head -n 1"#]);
        pipeline.arg(binary("chainring")).args(&arguments).env_remove("CHAINRING_TOKEN");
        let output = pipeline.kill_on_drop(true).output();
        let output = timeout(SOON, output).await.expect("it ends").expect("it starts");
        let [said, complaints] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).expect("text"));
        assert!(output.status.success(), "{arguments:?}: {complaints}");
        assert!(said.starts_with("cluster ") && said.lines().count() == 1, "{said}");
        assert_eq!(complaints, "", "{arguments:?}");
    }
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_cannot_be_written_is_an_error() {
    let full = File::options().write(true).open("/dev/full").expect("Linux has it");
    let (status, said) = run(&["token", "--role", "read"], full).await;
    assert_eq!(status.code(), Some(1));
    assert!(said.contains("standard output cannot be written"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn complaints_that_nobody_reads_are_no_panic() {
    for arguments in
        [&["status", "--url", "http://127.0.0.1:1"][..], &["token", "--role", "read"], &["what"]]
    {
        let mut command = Command::new(binary("chainring"));
        command.args(arguments).env_clear().stdin(Stdio::null()).stderr(without_reader());
        let (mut reader, writer) = pipe().expect("a pipe");
        let mut child = command.stdout(writer).spawn().expect("it starts");
        drop(command);
        let ended = async {
            loop {
                if let Some(status) = child.try_wait().expect("it can be asked") {
                    return status;
                }
                sleep(Duration::from_millis(10)).await;
            }
        };
        let status = timeout(SOON, ended).await.expect("it ends");
        let code = match arguments[0] {
            "status" => 1,
            "token" => 0,
            _ => 2,
        };
        assert_eq!(status.code(), Some(code), "{arguments:?}");
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("text");
        assert_eq!(said.is_empty(), arguments[0] != "token", "{said}");
    }
}

#[test]
fn each_program_says_its_version_and_its_commit() {
    for program in ["gateway", "db_process", "chainring"] {
        let output = Command::new(binary(program)).arg("--version").output().expect("it starts");
        let said = String::from_utf8(output.stdout).expect("text");
        let version = format!("{program} {} (", env!("CARGO_PKG_VERSION"));
        let commit = said.strip_prefix(&version).and_then(|rest| rest.strip_suffix(")\n"));
        let is_commit = |commit: &str| {
            let is_hex = commit.bytes().all(|byte| byte.is_ascii_hexdigit());
            commit == "unknown" || commit.len() == 12 && is_hex
        };
        assert!(commit.is_some_and(is_commit), "{said}");
    }
}
