//! The client in Rust, over a ring and over a gateway that hangs up.

use std::io;
use std::process::Output;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::timeout;

use super::{SOON, promised, readme};
use crate::harness::cluster::Cluster;
use crate::harness::process::binary;

const EXAMPLE: &str = "rust-client";

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_rust_prints_what_its_readme_promises() {
    let cluster = Cluster::start(2).await;
    let readme = readme(EXAMPLE);
    let parts = promised(&readme);
    let [lines] = &parts[..] else { panic!("more than one part: {parts:#?}") };
    // It leaves nothing behind, so it can run again.
    for _ in 0..2 {
        let output = run(&cluster.url()).await;
        let said = String::from_utf8(output.stdout).expect("text");
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(said.lines().collect::<Vec<_>>(), *lines);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_in_rust_says_how_to_go_on_after_an_unknown_outcome() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("an address");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    let output = tokio::select! {
        output = run(&url) => output,
        error = hang_up_on_everybody(&listener) => panic!("it does not listen: {error}"),
    };
    let said = String::from_utf8(output.stderr).expect("text");
    assert_eq!(output.status.code(), Some(1), "{said}");
    let advice = said.lines().next().and_then(|line| line.strip_prefix("Error: "));
    let advice = advice.unwrap_or_else(|| panic!("no advice: {said}"));
    assert!(advice.contains("may have been carried out"), "{said}");
    assert!(readme(EXAMPLE).contains(&format!("| {advice} |")), "not in the README: {advice}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "nothing is done for sure");
}

/// Runs the example to its end.
async fn run(url: &str) -> Output {
    let mut command = Command::new(binary(EXAMPLE));
    command.arg(url).env_clear().kill_on_drop(true);
    timeout(SOON, command.output()).await.expect("it ends in time").expect("it starts")
}

/// Takes the beginning of each request, and answers none.
async fn hang_up_on_everybody(listener: &TcpListener) -> io::Error {
    loop {
        match listener.accept().await {
            // The client may be gone before it has sent anything.
            Ok((mut stream, _)) => drop(stream.read(&mut [0; 1024]).await),
            Err(error) => return error,
        }
    }
}
