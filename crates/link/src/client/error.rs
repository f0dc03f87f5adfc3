//! Connect errors: why a link did not open, split by the caller's next step.

use std::io;
use std::time::Duration;

use protocol::refusal::Refusal;
use tokio_tungstenite::tungstenite::Error as WebSocketError;

use crate::reason::Violation;

/// Why a link did not open.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The peer refused this client;
    /// [`RefusalCode::remedy`](protocol::refusal::RefusalCode::remedy) says whether another
    /// attempt can help.
    #[error("refused by the peer: {0}")]
    Refused(Refusal),
    /// The address cannot be reached. Try again, with back-off.
    #[error("cannot be reached: {0}")]
    Unreachable(#[source] io::Error),
    /// The peer did not answer within the connect deadline. Try again, with back-off.
    #[error("no answer within {0:?}")]
    TimedOut(Duration),
    /// The connection ended before the link was open. Try again, with back-off.
    #[error("the connection ended before the link was open: {0}")]
    Ended(String),
    /// The peer is not a server of links. Another attempt helps only after the operator has
    /// corrected something, such as the address.
    #[error("what answers there is not a process of Chainring, check the address: {0}")]
    Foreign(String),
    /// The hello cannot be serialised: a bug of the caller.
    #[error("the hello is not JSON: {0}")]
    Hello(#[source] serde_json::Error),
}

impl From<Violation> for ConnectError {
    fn from(violation: Violation) -> Self {
        Self::Foreign(violation.to_string())
    }
}

impl From<WebSocketError> for ConnectError {
    fn from(error: WebSocketError) -> Self {
        match error {
            WebSocketError::Io(_)
            | WebSocketError::ConnectionClosed
            | WebSocketError::AlreadyClosed => Self::Ended(error.to_string()),
            error if handshake_cut_short(&error) => Self::Ended(error.to_string()),
            error => Self::Foreign(error.to_string()),
        }
    }
}

fn handshake_cut_short(error: &WebSocketError) -> bool {
    use tokio_tungstenite::tungstenite::error::ProtocolError::{
        HandshakeIncomplete, ResetWithoutClosingHandshake,
    };
    matches!(error, WebSocketError::Protocol(HandshakeIncomplete | ResetWithoutClosingHandshake))
}
