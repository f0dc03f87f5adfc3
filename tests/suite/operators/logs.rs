//! Logs without a reader.

use reqwest::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{SOON, Workplace};
use crate::harness::cluster::Cluster;
use crate::harness::process::Process;

/// More lines than a pipe and the queue in front of it hold.
const REFUSED: usize = 2_000;

async fn cluster() -> Cluster {
    let mut cluster = Cluster::new(2).with_unread_output();
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    cluster
}

/// Dials the port of links without the secret, and waits for the refusal. The gateway logs it.
async fn be_refused(cluster: &Cluster) {
    let mut stream = TcpStream::connect(cluster.socket_address()).await.expect("it listens");
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: x\r\n\
        connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
        sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(upgrade.as_bytes()).await.expect("it reads");
    // A text frame with a packet CONNECT, and a mask of zeros (RFC 6455, 5.2).
    let connect = br#"40{"token":"","role":"node"}"#;
    let length = 0x80 | u8::try_from(connect.len()).expect("it is short");
    let frame = [&[0x81, length, 0, 0, 0, 0], &connect[..]].concat();
    stream.write_all(&frame).await.expect("it reads");
    let mut said = Vec::new();
    let refused = async {
        while !String::from_utf8_lossy(&said).contains("unauthorized") {
            assert_ne!(stream.read_buf(&mut said).await.expect("it answers"), 0, "{said:?}");
        }
    };
    timeout(SOON, refused).await.expect("it answers in time");
}

/// Fills the log of the gateway, and asserts that the gateway serves everybody nevertheless.
async fn fill_the_log(cluster: &Cluster) {
    for _ in 0..REFUSED {
        be_refused(cluster).await;
    }
    for path in ["/healthz", "/readyz", "/api/user/ada"] {
        let get = cluster.http.get(format!("{}{path}", cluster.url()));
        let status = get.send().await.expect("it is served").status();
        let is_user = path.ends_with("ada");
        assert_eq!(status, if is_user { StatusCode::NOT_FOUND } else { StatusCode::OK }, "{path}");
    }
}

/// The number of dropped lines in `/metrics`.
async fn lines_dropped(cluster: &Cluster) -> u64 {
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url())).send().await;
    let metrics = metrics.expect("it is served").text().await.expect("text");
    let name = "chainring_log_lines_dropped_total ";
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    line.unwrap_or_else(|| panic!("not in\n{metrics}")).parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_stops_nobody_and_says_later_what_is_missing() {
    let mut cluster = cluster().await;
    assert_eq!(lines_dropped(&cluster).await, 0);
    fill_the_log(&cluster).await;
    let dropped = lines_dropped(&cluster).await;
    assert!(dropped > 0);

    let gateway = cluster.take_gateway();
    gateway.read();
    let words =
        format!("{dropped} lines of the log were dropped here, as nobody read them in time");
    gateway.says(&words).await;
    gateway.terminate();
    let (status, said) = gateway.ended().await;
    assert!(status.success(), "{status}");
    assert_eq!(said.lines().filter(|line| line.contains("were dropped")).count(), 1);
    assert!(said.lines().next_back().is_some_and(|last| last.contains("gateway ends")), "{said}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_whose_log_nobody_reads_ends_when_it_is_told_to() {
    let mut cluster = cluster().await;
    fill_the_log(&cluster).await;
    assert!(lines_dropped(&cluster).await > 0);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_are_missing_are_told_in_json_where_the_log_is_json() {
    let mut cluster =
        Cluster::new(2).with_unread_output().with_gateway_flags(&["--log-format", "json"]);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    fill_the_log(&cluster).await;
    let dropped = lines_dropped(&cluster).await;
    let gateway = cluster.take_gateway();
    gateway.read();
    gateway.says(&format!("{dropped} lines of the log were dropped here")).await;
    gateway.terminate();
    let (status, said) = gateway.ended().await;
    assert!(status.success(), "{status}");
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told = lines.filter_map(|line| line["fields"]["lines"].as_u64()).collect::<Vec<_>>();
    assert_eq!(told, [dropped]);
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn why_a_process_ends_is_the_last_it_says() {
    let place = Workplace::new();
    for unread in [false, true] {
        let mut command = place.node();
        command.args(["--listen", "192.0.2.1:4000"]).env("RUST_LOG", "trace");
        let spawn = if unread { Process::spawn_unread } else { Process::spawn };
        let (status, said) = spawn("db-0", command).ended().await;
        assert_eq!(status.code(), Some(1), "{said}");
        let last = said.lines().next_back().unwrap_or_default();
        assert!(last.starts_with("error: cannot listen on 192.0.2.1:4000"), "{said}");
    }
}
