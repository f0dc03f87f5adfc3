//! The events of a copy. A node turns each of its events into one of these, or handles it itself.

use protocol::id::Incarnation;
use protocol::message::{AskNumber, CopyMessage, Request};
use protocol::view::View;

use crate::link::LinkId;
use crate::store::{Mark, ReadError, ReadId, ReadRows};

/// An event of a copy.
#[derive(Debug)]
pub(crate) enum CopyEvent {
    /// The gateway's welcome on a new link, with the partition's view where the controller knows
    /// it.
    Welcomed {
        /// The view.
        view: Option<View>,
    },
    /// The controller has a view for the copy.
    Offered {
        /// The view.
        view: View,
    },
    /// The controller says that the other copy's node is linked, or the copy whole.
    JoinerMayCome,
    /// The controller refuses an ask.
    AskRefused {
        /// The number of the ask.
        ask: AskNumber,
    },
    /// A read or an update.
    Requested {
        /// The request.
        request: Request,
    },
    /// A new link to the other copy's node is up.
    Linked {
        /// The link.
        link: LinkId,
        /// The incarnation of that node.
        incarnation: Incarnation,
    },
    /// The other copy has sent a message.
    Said {
        /// The link of the message.
        link: LinkId,
        /// The message.
        message: CopyMessage,
    },
    /// A link is gone. It may be one of another copy.
    LinkLost {
        /// The lost link.
        link: LinkId,
    },
    /// A sync has returned.
    Synced {
        /// Everything up to this mark is durable.
        mark: Mark,
    },
    /// A read has returned.
    Read {
        /// The number of the read.
        read: ReadId,
        /// The rows, or the error.
        result: Result<ReadRows, ReadError>,
    },
    /// Time has passed.
    Tick,
}
