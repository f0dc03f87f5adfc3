//! A client with websocket messages written by hand, so that it can break the protocol.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::tungstenite;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The header of the frame of this number.
fn frame_header(number: u64) -> String {
    format!(r#"451-["frame",{number},{{"_placeholder":true,"num":0}}]"#)
}

/// A client that may break the protocol.
pub(crate) struct RawPeer<S = DuplexStream> {
    websocket: WebSocketStream<S>,
    frames_sent: u64,
}

impl<S: AsyncRead + AsyncWrite + Unpin> RawPeer<S> {
    /// A client after the websocket handshake and the engine.io OPEN.
    pub(crate) async fn over(stream: S) -> Self {
        let url = "ws://somewhere/socket.io/?EIO=4&transport=websocket";
        let (websocket, _) = client_async(url, stream).await.expect("a websocket");
        let mut peer = Self { websocket, frames_sent: 0 };
        let open = peer.next_text().await.expect("OPEN");
        assert!(open.starts_with("0{"), "{open}");
        peer
    }

    /// Sends a CONNECT with the right secret, and awaits the answer.
    pub(crate) async fn authenticate(&mut self, role: &str) {
        self.text(&format!("40{}", json!({"secret": "right", "role": role}))).await;
        let answer = self.next_text().await.expect("an answer");
        assert!(answer.starts_with("40{"), "{answer}");
    }

    pub(crate) async fn text(&mut self, text: &str) {
        self.send(tungstenite::Message::text(text)).await;
    }

    pub(crate) async fn binary(&mut self, bytes: impl Into<Bytes>) {
        self.send(tungstenite::Message::binary(bytes)).await;
    }

    /// Sends, whether or not the server is there to receive.
    async fn send(&mut self, message: tungstenite::Message) {
        let _ = self.websocket.send(message).await;
    }

    pub(crate) async fn frame(&mut self, bytes: impl Into<Bytes>) {
        let header = frame_header(self.frames_sent);
        self.frames_sent += 1;
        self.text(&header).await;
        self.binary(bytes).await;
    }

    /// Writes any bytes below the websocket.
    pub(crate) async fn raw_bytes(&mut self, bytes: &[u8]) {
        let _ = self.websocket.get_mut().write_all(bytes).await;
    }

    /// The next text except pings, or none once the connection has ended. Answers pings.
    pub(crate) async fn next_text(&mut self) -> Option<String> {
        loop {
            match self.next_raw().await?.as_str() {
                "2" => self.text("3").await,
                text => return Some(text.to_owned()),
            }
        }
    }

    /// The next text, pings too, or none once the connection has ended. Answers nothing.
    pub(crate) async fn next_raw(&mut self) -> Option<String> {
        loop {
            match self.websocket.next().await? {
                Ok(tungstenite::Message::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The time until the server ends the connection. Answers pings in the meantime.
    pub(crate) async fn time_to_end(&mut self) -> Duration {
        let start = Instant::now();
        let end = async { while self.next_text().await.is_some() {} };
        timeout(Duration::from_secs(60), end).await.expect("the server ends the connection");
        start.elapsed()
    }
}
