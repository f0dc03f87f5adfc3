//! HTTP on the wire, for requests that no client library sends unchanged.

use std::time::Duration;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::client::Answer;

/// Longer than any request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A connection for one request.
pub(super) struct Raw(TcpStream);

impl Raw {
    /// Connects, and sends the head of a request: the request line, then these headers.
    pub(super) async fn request(url: &str, lines: &[&str]) -> Self {
        let address = url.strip_prefix("http://").expect("the URL of a gateway");
        let stream = TcpStream::connect(address).await.expect("the gateway listens");
        let mut raw = Self(stream);
        let (first, others) = lines.split_first().expect("a request line");
        let mut head = format!("{first} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
        for line in others {
            head.push_str(line);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        raw.send(head.as_bytes()).await.expect("the gateway reads");
        raw
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.0.write_all(bytes).await
    }

    /// Sends a chunk of a chunked body. An empty chunk ends the body.
    pub(super) async fn chunk(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), bytes, b"\r\n"].concat();
        self.send(&chunk).await
    }

    /// Waits until the gateway asks for the body.
    pub(super) async fn read_continue(&mut self) {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut bytes = [0; CONTINUE.len()];
        let read = timeout(TIMEOUT, self.0.read_exact(&mut bytes)).await;
        read.expect("it asks in time").expect("it asks");
        assert_eq!(bytes, CONTINUE);
    }

    /// Sends nothing more, and waits until the gateway has closed the connection. Ignores any
    /// answer.
    pub(super) async fn hang_up(mut self) {
        self.0.shutdown().await.expect("it is open");
        let ended = timeout(TIMEOUT, self.0.read_to_end(&mut Vec::new())).await;
        // The connection may also be reset.
        let _ = ended.expect("it closes in time");
    }

    /// Reads the answer, until the gateway has closed the connection.
    pub(super) async fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        let read = timeout(TIMEOUT, self.0.read_to_end(&mut bytes)).await;
        read.expect("it answers and closes in time").expect("the connection ends in order");
        parse(&String::from_utf8(bytes).expect("the answer is text"))
    }
}

/// Parses the bytes of a closed connection as one answer.
fn parse(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").expect("a head, and an empty line");
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse::<StatusCode>().ok());
    let header = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let name = name.parse::<reqwest::header::HeaderName>().ok()?;
        Some((name, value.trim().parse().ok()?))
    };
    let headers = lines.filter_map(header).collect::<HeaderMap>();
    let length =
        headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    assert_eq!(length.unwrap_or(0), body.len(), "the whole body has come, and no more: {text}");
    Answer { status: status.expect("a status line"), headers, body: body.to_owned() }
}
