//! The events of a node.

use protocol::hello::HomeHello;
use protocol::id::Incarnation;
use protocol::message::{CopyMessage, ToNode};
use protocol::view::Member;

use crate::link::LinkId;
use crate::store::{Mark, ReadError, ReadId, ReadRows};

/// An event of a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEvent {
    /// The link to the gateway is up. The welcome has not come yet.
    GatewayLinked {
        /// The link.
        link: LinkId,
    },
    /// The gateway has sent a message.
    GatewaySays {
        /// The link of the message.
        link: LinkId,
        /// The message.
        message: ToNode,
    },
    /// A frame of the gateway cannot be decoded. The link closes after the messages of this
    /// event's effects are written.
    GatewayUndecodable {
        /// The link of the frame.
        link: LinkId,
    },
    /// The link to the gateway is gone.
    GatewayLost {
        /// The lost link.
        link: LinkId,
    },
    /// The link to next's node is up, after a [`DialNext`](super::DialNext).
    NextLinked {
        /// The link.
        link: LinkId,
        /// The incarnation in the dial request.
        incarnation: Incarnation,
    },
    /// A node has connected and says that it is home's node.
    HomeLinked {
        /// The link.
        link: LinkId,
        /// The hello of that node.
        hello: HomeHello,
    },
    /// A neighbour has sent a message.
    NeighbourSays {
        /// The member of the neighbour's copy.
        from: Member,
        /// The link of the message.
        link: LinkId,
        /// The message.
        message: CopyMessage,
    },
    /// A frame of a neighbour cannot be decoded. The link closes after the messages of this
    /// event's effects are written.
    NeighbourUndecodable {
        /// The member of the neighbour's copy.
        from: Member,
        /// The link of the frame.
        link: LinkId,
    },
    /// The link to a neighbour is gone.
    NeighbourLost {
        /// The member of the neighbour's copy.
        from: Member,
        /// The lost link.
        link: LinkId,
    },
    /// A sync has returned. It began after the write of this mark.
    Synced {
        /// Everything up to this mark is durable.
        mark: Mark,
    },
    /// A read has returned.
    Read {
        /// The number of the read.
        read: ReadId,
        /// The copy of the read.
        member: Member,
        /// The rows, or the error.
        result: Result<ReadRows, ReadError>,
    },
    /// Time has passed.
    Tick,
}
