//! Reasons: why a link is closed, split by what whoever held it does next.

use std::time::Duration;

use port::{Cut, StreamFailure};
use protocol::frame::{FRAME_BYTES_MAX, FrameError};

/// Why a link is closed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloseReason {
    /// [`Sender::close`](crate::Sender::close) was called on this side, with these words.
    #[error("closed by this side: {0}")]
    Local(String),
    /// The peer closed it, and was alive to do so. Connect again if it is still wanted.
    #[error("closed by the peer")]
    Peer,
    /// The peer is gone or cannot be reached. Connect again, with back-off.
    #[error("the peer was lost: {0}")]
    Lost(#[from] Lost),
    /// The peer does not keep to the protocol. Connecting again may well end the same way: tell the operator.
    #[error("the peer broke the protocol: {0}")]
    Violation(#[from] Violation),
    /// The peer reads more slowly than it is sent to. Connect again; what was queued is lost.
    #[error("more than {limit} {unit} wait for a peer that reads too slowly")]
    QueueFull {
        /// What was the limit.
        limit: usize,
        /// What it counts: bytes for a link, packets for an observer.
        unit: &'static str,
    },
    /// This side wanted to send what cannot be sent: a bug of the caller.
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
    /// Why the port has cut off the link's connection, where its peer is to blame and its stream does not tell.
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
    /// No heartbeat for as long as one may be late.
    #[error("no sign of life for {0:?}")]
    Silent(Duration),
    /// A write made no progress: it does not read, or the network does not carry.
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
    /// A packet that has no place in a link, or not at this time.
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
        /// The number of the one that came.
        got: u64,
    },
    /// A packet above the limit.
    #[error("a packet of more than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// A frame that does not hold messages of this link.
    #[error("{0}")]
    Frame(#[from] FrameError),
}

/// Why a message cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    /// It does not serialise.
    #[error("it does not serialise: {0}")]
    NotSerializable(String),
    /// It makes a frame that every peer would refuse.
    #[error("it makes a frame of {0} bytes, and {FRAME_BYTES_MAX} are the most")]
    TooLong(usize),
}

/// What was to be sent was not: the link is closed, or about to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the link is closed: {0}")]
pub struct Closed(pub CloseReason);
