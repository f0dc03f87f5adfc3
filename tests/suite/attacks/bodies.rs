//! Requests that no client library sends.

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::{SOON, all_of};
use crate::harness::cluster::Cluster;

async fn answer_to(cluster: &Cluster, request: &str) -> String {
    let address = cluster.url();
    let address = address.strip_prefix("http://").expect("the URL of a gateway");
    let mut stream = TcpStream::connect(address).await.expect("the gateway listens");
    // The gateway may hang up before it has read the whole request.
    let _ = stream.write_all(request.as_bytes()).await;
    all_of(stream).await
}

fn post(headers: &str, body: &str) -> String {
    format!(
        "POST /api/user/ HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n\r\n{body}"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_mean_two_things_or_nothing_are_refused_and_the_next_is_served() {
    let mut cluster = Cluster::new(2).with_gateway_flags(&["--receive-deadline-ms", "2000"]);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    let record = r#"{"id":"smuggled","name":"S","email":"s@example.org","group":1}"#;
    let length = record.len();
    let nested = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let nested_field = format!(r#"{{"id":{nested}}}"#);
    let of_length = |body: &str| post(&format!("content-length: {}", body.len()), body);
    for (what, request, status) in [
        (
            "two lengths",
            post(&format!("content-length: {length}\r\ncontent-length: 3"), record),
            "400",
        ),
        ("a length that is no number", post("content-length: -1", record), "400"),
        (
            "a chunk without a size",
            post("transfer-encoding: chunked", "zz\r\nxx\r\n0\r\n\r\n"),
            "400",
        ),
        ("another coding", post("transfer-encoding: gzip", record), "400"),
        ("nested arrays", of_length(&nested), "4"),
        ("nested arrays in a field", of_length(&nested_field), "4"),
        ("no HTTP", "\u{1}\u{2}\u{3}\r\n\r\n".to_owned(), "400"),
        (
            "a header without a name",
            "GET / HTTP/1.1\r\nhost: localhost\r\n: y\r\n\r\n".to_owned(),
            "400",
        ),
        (
            "a method in small letters",
            "get /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".to_owned(),
            "405",
        ),
        ("another version", "GET / HTTP/9.9\r\nhost: localhost\r\n\r\n".to_owned(), "400"),
    ] {
        let answer = answer_to(&cluster, &request).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{what}: {answer}");
    }
    // HTTP/2 with prior knowledge.
    let answer = answer_to(&cluster, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
    assert!(!answer.contains(" 200"), "{answer}");

    // Both a length and chunks: the chunks count, the bytes after them are not read as another
    // request, and the connection ends.
    let smuggled = format!("content-length: {}\r\ntransfer-encoding: chunked", length + 5);
    let request = post(&smuggled, &format!("0\r\n\r\n{}", post("", record)));
    let answer = answer_to(&cluster, &request.replace("connection: close\r\n", "")).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    let read = cluster.http.get(format!("{}/api/user/smuggled", cluster.url())).send().await;
    assert_eq!(read.expect("an answer").status().as_u16(), 404);
    cluster.healthy_within(SOON).await;
}
