//! Reasons: why a link is closed, split by the next step of its owner.

use std::time::Duration;

use port::{Cut, StreamFailure};
use protocol::frame::{FRAME_BYTES_MAX, FrameError};

/// Why a link is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// This side called [`Sender::close`](crate::Sender::close), with these words.
    #[error("closed by this side: {0}")]
    Local(String),
    /// The peer closed it, and was alive to do so. Connect again if the link is still wanted.
    #[error("closed by the peer")]
    Peer,
    /// The peer is gone or cannot be reached. Connect again, with back-off.
    #[error("the peer was lost: {0}")]
    Lost(#[from] Lost),
    /// The peer does not follow the protocol. A new connection may well end the same way: tell
    /// the operator.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The peer reads more slowly than this side sends. Connect again; the queued messages are
    /// lost.
    #[error("more than {limit} {unit} wait for a peer that reads too slowly")]
    QueueFull {
        /// The limit, in `unit`.
        limit: usize,
        /// The unit of the limit: bytes for a link, packets for an observer.
        unit: &'static str,
    },
    /// This side tried to send a message that cannot be sent: a bug of the caller.
    #[error("a message of this side cannot be sent: {0}")]
    Unsendable(#[from] Unsendable),
}

impl From<StreamFailure> for CloseReason {
    fn from(failure: StreamFailure) -> Self {
        match failure {
            StreamFailure::WriteStalled(time) => Lost::NotReading(time).into(),
            StreamFailure::Silent(time) => Lost::Silent(time).into(),
            StreamFailure::NotAuthenticated | StreamFailure::Killed => {
                Lost::Connection(failure.to_string()).into()
            }
        }
    }
}

impl CloseReason {
    /// The reason for the port to count, if the peer is to blame and the stream itself does not
    /// report it.
    pub fn cut(&self) -> Option<Cut> {
        match self {
            Self::Violation(_) => Some(Cut::Violation),
            Self::QueueFull { .. } => Some(Cut::QueueFull),
            Self::Local(_) | Self::Peer | Self::Lost(_) | Self::Unsendable(_) => None,
        }
    }
}

/// How a peer was lost.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    /// No heartbeat, or no byte at all, arrived within this time.
    #[error("no sign of life for {0:?}")]
    Silent(Duration),
    /// A write made no progress: the peer does not read, or the network does not carry.
    #[error("it has not read for {0:?}")]
    NotReading(Duration),
    /// The connection broke, or ended without a goodbye.
    #[error("the connection ended: {0}")]
    Connection(String),
}

/// How a peer broke the protocol. No variant holds any of the peer's bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Not a packet of websocket, engine.io or socket.io.
    #[error("{0}")]
    NotAPacket(String),
    /// A packet with no place in a link, or none at this time.
    #[error("{0}")]
    Misplaced(&'static str),
    /// An event other than a frame.
    #[error(
        "an event that is not \"{}\" with a number and one binary attachment",
        crate::wire::FRAME_EVENT
    )]
    NotAFrame,
    /// A frame is missing, or comes twice.
    #[error("frame {got} instead of frame {expected}")]
    OutOfOrder {
        /// The number of the frame that was due.
        expected: u64,
        /// The number of the frame that came.
        got: u64,
    },
    /// A packet above the limit.
    #[error("a packet of more than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// A frame without valid messages of this link.
    #[error("{0}")]
    Frame(#[from] FrameError),
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// The message cannot be serialised.
    #[error("it does not serialise: {0}")]
    NotSerializable(String),
    /// The message makes a frame so long that every peer would refuse it.
    #[error("it makes a frame of {0} bytes, and {FRAME_BYTES_MAX} are the most")]
    TooLong(usize),
}

/// The message was not sent: the link is closed, or about to close.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the link is closed: {0}")]
pub struct Closed(pub CloseReason);
