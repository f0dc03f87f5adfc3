//! Processes are asked to end in the middle of their work.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::harness::cluster::Cluster;

/// Longer than any step of these tests may take.
const SOON: Duration = Duration::from_secs(30);

/// The deadline of a request in these tests.
const DEADLINE: Duration = Duration::from_secs(4);

async fn cluster() -> Cluster {
    let deadline = DEADLINE.as_millis().to_string();
    let flags = ["--request-deadline-ms", &deadline, "--receive-deadline-ms", "60000"];
    let mut cluster = Cluster::new(2).with_gateway_flags(&flags);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    cluster
}

/// Sends a request without its last byte.
async fn half_a_request(cluster: &Cluster) -> TcpStream {
    let address = cluster.url().replace("http://", "");
    let mut stream = TcpStream::connect(&address).await.expect("the gateway listens");
    let body = r#"{"id":"ada","name":"Ada","email":"ada@example.org","group":1"#;
    let head = format!(
        "POST /api/user/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len() + 1
    );
    stream.write_all(head.as_bytes()).await.expect("the gateway reads");
    // The gateway says this when it begins to read the body.
    let mut told = [0; 25];
    let read = timeout(SOON, stream.read_exact(&mut told)).await;
    read.expect("it answers in time").expect("it answers");
    assert_eq!(&told, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(body.as_bytes()).await.expect("the gateway reads");
    stream
}

async fn answer_on(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let read = timeout(SOON, stream.read_to_string(&mut answer)).await;
    read.expect("it closes in time").expect("text");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_does_what_still_arrives_in_time() {
    let mut cluster = cluster().await;
    let mut stream = half_a_request(&cluster).await;
    let gateway = cluster.take_gateway();
    gateway.terminate();
    gateway.says("shutting down").await;
    sleep(Duration::from_millis(100)).await;
    stream.write_all(b"}").await.expect("the gateway still reads");
    let answer = answer_on(stream).await;
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let (status, _) = gateway.ended().await;
    assert!(status.success(), "{status}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_gives_up_what_does_not_arrive_and_says_so() {
    let mut cluster = cluster().await;
    let stream = half_a_request(&cluster).await;
    let gateway = cluster.take_gateway();
    let since = Instant::now();
    gateway.terminate();
    let answer = answer_on(stream).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains(":unavailable"), "{answer}");
    assert!(answer.contains("the gateway is ending; nothing was changed"), "{answer}");
    let (status, _) = gateway.ended().await;
    assert!(status.success(), "{status}");
    let took = since.elapsed();
    assert!(took >= DEADLINE && took < DEADLINE + Duration::from_secs(10), "{took:?}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_ends_is_alive_and_not_ready() {
    let mut cluster = cluster().await;
    let address = cluster.url().replace("http://", "");
    let mut halves = Vec::new();
    for path in ["/healthz", "/readyz"] {
        let mut stream = TcpStream::connect(&address).await.expect("the gateway listens");
        let half = format!("GET {path} HTTP/1.1\r\nhost: x\r\n");
        stream.write_all(half.as_bytes()).await.expect("the gateway reads");
        halves.push(stream);
    }
    // Another request is answered, so the gateway has begun to read these as well.
    cluster.healthy_within(SOON).await;
    sleep(Duration::from_millis(100)).await;
    let gateway = cluster.take_gateway();
    gateway.terminate();
    gateway.says("shutting down").await;
    sleep(Duration::from_millis(100)).await;
    let mut answers = Vec::new();
    for mut stream in halves {
        stream.write_all(b"\r\n").await.expect("the gateway still reads");
        answers.push(answer_on(stream).await);
    }
    assert!(answers[0].starts_with("HTTP/1.1 200"), "{}", answers[0]);
    assert!(answers[1].starts_with("HTTP/1.1 503"), "{}", answers[1]);
    assert!(answers[1].contains("the gateway is ending; nothing was changed"), "{}", answers[1]);
    let (status, _) = gateway.ended().await;
    assert!(status.success(), "{status}");
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_process_at_once() {
    let mut cluster = cluster().await;
    let _stream = half_a_request(&cluster).await;
    let gateway = cluster.take_gateway();
    gateway.terminate();
    gateway.says("another signal ends the process at once").await;
    gateway.terminate();
    let (status, _) = gateway.ended().await;
    assert_eq!(status.code(), Some(130));
    cluster.stop_all().await;
}
