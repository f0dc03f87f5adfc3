//! DNS rebinding: a page of another site, whose name was made to point to a gateway without
//! tokens.

use std::fs;

use process::tokens::{Role, line};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{SOON, all_of};
use crate::harness::cluster::Cluster;
use crate::harness::process::text;

/// The `Host` header of a browser on such a page.
const REBOUND: &str = "host: rebound.attacker.example:3001";

/// Sends a request with this line and these headers; returns the answer.
async fn answer(address: &str, line: &str, headers: &[&str], body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    let head =
        [&[line], headers, &["connection: close", "content-type: application/json"]].concat();
    let request = format!("{}\r\ncontent-length: {}\r\n\r\n{body}", head.join("\r\n"), body.len());
    stream.write_all(request.as_bytes()).await.expect("the gateway reads");
    all_of(stream).await
}

async fn gateway(flags: &[&str]) -> (Cluster, String) {
    let mut cluster = Cluster::new(2).with_gateway_flags(flags);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    let address = cluster.url().replace("http://", "");
    (cluster, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_of_another_site_reads_and_changes_nothing() {
    let (cluster, address) =
        gateway(&["--host", "gateway.example", "--host", "users.example"]).await;
    let record = r#"{"id":"ada","name":"Ada","email":"ada@example.org","group":1}"#;
    let created = answer(&address, "POST /api/user/ HTTP/1.1", &["host: localhost"], record).await;
    assert!(created.starts_with("HTTP/1.1 201 "), "{created}");

    for (line, body) in [
        ("GET /api/user/ada HTTP/1.1", ""),
        ("HEAD /api/user/ada HTTP/1.1", ""),
        ("PUT /api/user/ HTTP/1.1", r#"{"id":"ada","group":2}"#),
        ("DELETE /api/user/ada HTTP/1.1", ""),
        (
            "POST /api/user/ HTTP/1.1",
            r#"{"id":"eve","name":"E","email":"e@example.org","group":1}"#,
        ),
        ("POST /api/cluster/accept-loss HTTP/1.1", r#"{"partition":0}"#),
        ("GET /api/cluster HTTP/1.1", ""),
        ("GET /metrics HTTP/1.1", ""),
        ("GET /api/openapi.json HTTP/1.1", ""),
        ("GET /nowhere HTTP/1.1", ""),
        ("GET http://rebound.attacker.example/api/user/ada HTTP/1.1", ""),
    ] {
        let answer = answer(&address, line, &[REBOUND], body).await;
        assert!(answer.starts_with("HTTP/1.1 421 "), "{line}: {answer}");
        if !line.starts_with("HEAD") {
            assert!(answer.contains(":misdirected-request\""), "{line}: {answer}");
            assert!(answer.contains("--host NAME"), "{line}: {answer}");
        }
    }
    // The target counts, not the header.
    let line = "GET http://rebound.attacker.example/api/user/ada HTTP/1.1";
    let told = answer(&address, line, &["host: localhost"], "").await;
    assert!(told.starts_with("HTTP/1.1 421 "), "{told}");

    for host in [
        "host: localhost:3001",
        "host: LOCALHOST.",
        "host: 127.0.0.1",
        "host: [::1]:3001",
        "host: gateway.example",
        "host: Users.Example.:80",
        "host:",
    ] {
        let read = answer(&address, "GET /api/user/ada HTTP/1.1", &[host], "").await;
        assert!(read.starts_with("HTTP/1.1 200 "), "{host}: {read}");
        assert!(read.ends_with(record), "{host}: {read}");
    }
    let read = answer(&address, "GET /api/user/ada HTTP/1.0", &[], "").await;
    assert!(read.starts_with("HTTP/1.0 200 "), "{read}");
    let eve = answer(&address, "GET /api/user/eve HTTP/1.1", &["host: localhost"], "").await;
    assert!(eve.starts_with("HTTP/1.1 404 "), "{eve}");
    // Load balancers call the gateway by any name, and learn that it is there.
    for path in ["/healthz", "/readyz"] {
        let well = answer(&address, &format!("GET {path} HTTP/1.1"), &[REBOUND], "").await;
        assert!(well.starts_with("HTTP/1.1 200 "), "{path}: {well}");
    }

    let socket = cluster.socket_address();
    let handshake = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1";
    let upgrade = "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==";
    for (headers, status) in [
        ([REBOUND, "origin: http://rebound.attacker.example:3001"], "403"),
        (["host: localhost", "origin: null"], "403"),
        (["host: 127.0.0.1:3002", "origin: http://203.0.113.9"], "403"),
        ([REBOUND, "origin: http://localhost:3001"], "421"),
    ] {
        let answer = answer(&socket, handshake, &[&headers[..], &[upgrade]].concat(), "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{headers:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tokens_are_asked_for_a_request_may_name_any_host() {
    let mut cluster = Cluster::new(2);
    let tokens = cluster.directory.path().join("tokens");
    fs::write(&tokens, line(Role::Read, "a-token")).expect("the directory is writable");
    cluster = cluster.with_gateway_flags(&["--tokens-file", &text(&tokens)]);
    cluster.start_gateway();
    cluster.gateway().says("listening").await;
    let address = cluster.url().replace("http://", "");
    let shown = "authorization: Bearer a-token";
    let read = answer(&address, "GET /api/cluster HTTP/1.1", &[REBOUND, shown], "").await;
    assert!(read.starts_with("HTTP/1.1 200 "), "{read}");
    let denied = answer(&address, "GET /api/cluster HTTP/1.1", &[REBOUND], "").await;
    assert!(denied.starts_with("HTTP/1.1 401 "), "{denied}");
    cluster.stop_gateway().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_no_name_is_refused_at_the_start() {
    let mut cluster =
        Cluster::new(2).with_gateway_flags(&["--host", "http://gateway.example:3001"]);
    cluster.start_gateway();
    let (status, words) = cluster.take_gateway().ended().await;
    assert!(!status.success(), "{status}");
    assert!(words.contains("--host") && words.contains("without scheme and port"), "{words}");
}
