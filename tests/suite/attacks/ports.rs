//! Connections: too many, too slow, too large.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::{SOON, all_of};
use crate::harness::cluster::Cluster;

/// How long the gateway waits for a request in these tests.
const RECEIVE: Duration = Duration::from_secs(1);

/// How much later the connection may end on a busy machine.
const SLACK: Duration = Duration::from_secs(5);

async fn cluster(flags: &[&str]) -> Cluster {
    let mut cluster = Cluster::new(2).with_gateway_flags(flags);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    cluster
}

async fn connect(cluster: &Cluster) -> TcpStream {
    let address = cluster.url();
    let address = address.strip_prefix("http://").expect("the URL of a gateway");
    TcpStream::connect(address).await.expect("the gateway listens")
}

async fn sending(cluster: &Cluster, text: &str) -> TcpStream {
    let mut stream = connect(cluster).await;
    stream.write_all(text.as_bytes()).await.expect("the gateway reads");
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn of_too_many_connections_each_is_told_so_and_the_others_are_served() {
    const MOST: usize = 8;
    let most = MOST.to_string();
    let cluster = cluster(&["--connections-of-address-max", &most]).await;
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url()));
    // The HTTP client of this test holds one or two connections, and may lose them.
    let mut taken = Vec::new();
    let refusal = loop {
        let mut stream =
            sending(&cluster, "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        let mut answer = vec![0; 1 << 10];
        let read = timeout(SOON, stream.read(&mut answer)).await.expect("it answers in time");
        answer.truncate(read.expect("it answers"));
        let answer = String::from_utf8(answer).expect("text");
        if answer.starts_with("HTTP/1.1 503") {
            break answer;
        }
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        taken.push(stream);
        assert!(taken.len() <= MOST, "there is no limit");
    };
    for part in ["retry-after: 1", "application/problem+json", "from this address"] {
        assert!(refusal.contains(part), "no {part} in {refusal}");
    }
    let mut first = taken.swap_remove(0);
    first
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await
        .expect("open");
    assert!(all_of(first).await.starts_with("HTTP/1.1 200"), "who is there is served");
    drop(taken);
    let metrics = metrics.send().await.expect("there is room").text().await.expect("text");
    assert!(
        metrics.contains("chainring_connections_refused_total{port=\"rest\"} 1\n"),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_slowly_is_cut_off_and_who_sends_too_much_is_told() {
    let receive = RECEIVE.as_millis().to_string();
    let cluster = cluster(&["--receive-deadline-ms", &receive]).await;

    // Three clients: one sends nothing, one half a head, one a byte now and then.
    let since = Instant::now();
    let nothing = connect(&cluster).await;
    let half = sending(&cluster, "GET /api/user/ada HTTP/1.1\r\nhost:").await;
    let (reads, mut writes) = connect(&cluster).await.into_split();
    let drips = tokio::spawn(async move {
        while writes.write_all(b"x").await.is_ok() {
            sleep(Duration::from_millis(50)).await;
        }
    });
    for stalled in [all_of(nothing).await, all_of(half).await, all_of(reads).await] {
        assert_eq!(stalled, "");
    }
    assert!(since.elapsed() < RECEIVE + SLACK, "{:?}", since.elapsed());
    drips.await.expect("no panic");

    // Half a body.
    let head = "POST /api/user/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    let answer = all_of(sending(&cluster, head).await).await;
    for part in ["HTTP/1.1 408", "connection: close", ":too-slow", "nothing was changed"] {
        assert!(answer.contains(part), "no {part} in {answer}");
    }

    // A head of more than 20 KiB.
    let head =
        format!("GET / HTTP/1.1\r\nhost: localhost\r\npadding: {}\r\n\r\n", "x".repeat(20 << 10));
    let answer = all_of(sending(&cluster, &head).await).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");

    let alive = cluster.http.get(format!("{}/readyz", cluster.url())).send().await;
    assert!(alive.expect("it is served").status().is_success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_sent_all_it_will_send_is_told_what_was_done() {
    let cluster = cluster(&[]).await;
    for number in 0..50 {
        let body = format!(
            r#"{{"id":"half-closed-{number}","name":"Ada","email":"ada@example.org","group":1}}"#
        );
        let create = format!(
            "POST /api/user/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut stream = sending(&cluster, &create).await;
        sleep(Duration::from_millis(number % 3)).await;
        stream.shutdown().await.expect("open");
        let answer = all_of(stream).await;
        assert!(answer.starts_with("HTTP/1.1 201 "), "{number}: {answer}");
        assert!(answer.ends_with(&body), "{number}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_all_of_a_body_before_it_reads_hears_the_answer() {
    let cluster = cluster(&[]).await;
    for (line, status) in [
        ("POST /api/users", "404"),
        ("POST /api/user/ada", "405"),
        ("DELETE /api/user/ada", "404"),
        ("GET /api/user/ada", "404"),
        ("POST /api/user/", "415"),
        ("POST /api/user/?host=other", "421"),
    ] {
        let host = if status == "421" { "attacker.example" } else { "localhost" };
        for bytes in [900_000, 2_000_000] {
            let head =
                format!("{line} HTTP/1.1\r\nhost: {host}\r\ncontent-length: {bytes}\r\n\r\n");
            for _ in 0..20 {
                let request = [head.as_bytes(), &vec![b'x'; bytes]].concat();
                let mut stream = connect(&cluster).await;
                stream.write_all(&request).await.expect("all of it is read");
                stream.shutdown().await.expect("open");
                let answer = all_of(stream).await;
                assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}: {answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_idles_is_closed_later_than_one_that_is_slow_and_is_no_attack() {
    let flags = ["--receive-deadline-ms", "1000", "--idle-deadline-ms", "3000"];
    let cluster = cluster(&flags).await;
    let mut stream = connect(&cluster).await;
    let ask = "GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n";
    for _ in 0..2 {
        stream.write_all(ask.as_bytes()).await.expect("open");
        let mut answer = vec![0; 1 << 10];
        let read = timeout(SOON, stream.read(&mut answer)).await.expect("in time").expect("open");
        assert!(answer[..read].starts_with(b"HTTP/1.1 200 "), "it was kept");
        sleep(RECEIVE * 2).await;
    }
    assert_eq!(all_of(stream).await, "");
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url())).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    let idle = metrics.lines().find(|line| {
        line.starts_with("chainring_connections_cut_off_total{port=\"rest\",cause=\"idle\"}")
    });
    assert!(idle.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    let late = "chainring_connections_cut_off_total{port=\"rest\",cause=\"head-late\"} 0";
    assert!(metrics.contains(late), "{metrics}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_say_who_it_is_leaves_the_port_of_links_soon() {
    let cluster = cluster(&[]).await;
    let address = cluster.socket_address();
    let dial = || TcpStream::connect(&address);
    let since = Instant::now();
    let silent = dial().await.expect("the gateway listens");
    let mut upgrading = dial().await.expect("the gateway listens");
    let upgrade = "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\n\
                   connection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    upgrading.write_all(upgrade.as_bytes()).await.expect("the gateway reads");
    assert_eq!(all_of(silent).await, "");
    let mut bytes = Vec::new();
    let read = timeout(SOON, upgrading.read_to_end(&mut bytes)).await;
    let _ = read.expect("it closes in time");
    assert!(bytes.starts_with(b"HTTP/1.1 101"), "it was let in before it was cut off");
    assert!(since.elapsed() < Duration::from_secs(2) + SLACK, "{:?}", since.elapsed());
    cluster.healthy_within(SOON).await;
}
