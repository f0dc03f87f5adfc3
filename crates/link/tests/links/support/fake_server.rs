//! A server with websocket messages written by hand, so that it can break the protocol.

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use link::{ConnectError, Opening, Settings};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio_tungstenite::tungstenite::Message as Raw;
use tokio_tungstenite::{WebSocketStream, accept_async};

use super::{End, Message, USED, hello, open};

/// A server with one client. It may break the protocol.
pub(crate) struct FakeServer {
    websocket: WebSocketStream<DuplexStream>,
}

const OPEN: &str =
    r#"0{"sid":"fake","upgrades":[],"pingInterval":500,"pingTimeout":1000,"maxPayload":1}"#;

impl FakeServer {
    /// A server that admits its client correctly, and the client.
    pub(crate) async fn with_link(settings: &Settings) -> (Self, End) {
        let (server, opening) = Self::scripted(settings, OPEN, &Self::admits()).await;
        (server, open(opening.expect("let in")))
    }

    /// The texts of a server that admits its client.
    pub(crate) fn admits() -> [String; 2] {
        [r#"40{"sid":"fake"}"#.to_owned(), format!(r#"42["protocol",{USED}]"#)]
    }

    /// A server that sends exactly these texts, and the result at its client.
    pub(crate) async fn scripted(
        settings: &Settings,
        open: &str,
        answers: &[impl AsRef<str>],
    ) -> (Self, Result<Opening<Message, Message>, ConnectError>) {
        let (near, far) = duplex(64 << 10);
        let serve = async {
            let mut server = Self { websocket: accept_async(far).await.expect("a websocket") };
            server.text(open).await;
            // A client that rejected the OPEN has gone.
            let _ = server.next().await;
            for answer in answers {
                server.text(answer.as_ref()).await;
            }
            server
        };
        let hello = hello("right");
        tokio::join!(serve, link::connect(near, &hello, settings))
    }

    /// Sends, whether or not the client is there to receive.
    pub(crate) async fn text(&mut self, text: &str) {
        let _ = self.websocket.send(Raw::text(text)).await;
    }

    pub(crate) async fn binary(&mut self, bytes: impl Into<Bytes>) {
        let _ = self.websocket.send(Raw::binary(bytes)).await;
    }

    /// Writes any bytes below the websocket.
    pub(crate) async fn raw_bytes(&mut self, bytes: &[u8]) {
        let _ = self.websocket.get_mut().write_all(bytes).await;
    }

    /// The next text of the client, or none once the connection has ended.
    pub(crate) async fn next(&mut self) -> Option<String> {
        loop {
            match self.websocket.next().await? {
                Ok(Raw::Text(text)) => return Some(text.as_str().to_owned()),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }
}
