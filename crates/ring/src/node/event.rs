//! What happens to a node.

use protocol::hello::HomeHello;
use protocol::id::Incarnation;
use protocol::message::{CopyMessage, ToNode};
use protocol::view::Member;

use crate::link::LinkId;
use crate::store::{Mark, ReadError, ReadId, ReadRows};

/// What happens to a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEvent {
    /// The link to the gateway is up; its welcome is to come.
    GatewayLinked {
        /// The link.
        link: LinkId,
    },
    /// A message of the gateway.
    GatewaySays {
        /// Over which link.
        link: LinkId,
        /// What.
        message: ToNode,
    },
    /// A frame of the gateway cannot be decoded: the link closes once what is said now is written.
    GatewayUndecodable {
        /// Over which link.
        link: LinkId,
    },
    /// The link to the gateway is gone.
    GatewayLost {
        /// Which.
        link: LinkId,
    },
    /// The link to next's node, which [`DialNext`](super::DialNext) asked for, is up.
    NextLinked {
        /// The link.
        link: LinkId,
        /// The data that was dialled.
        incarnation: Incarnation,
    },
    /// A link from a node that says it is home's is up.
    HomeLinked {
        /// The link.
        link: LinkId,
        /// What that node says of itself.
        hello: HomeHello,
    },
    /// A message of a neighbour.
    NeighbourSays {
        /// The copy that the neighbour holds.
        from: Member,
        /// Over which link.
        link: LinkId,
        /// What.
        message: CopyMessage,
    },
    /// A frame of a neighbour cannot be decoded: the link closes once what is said now is written.
    NeighbourUndecodable {
        /// The copy that the neighbour holds.
        from: Member,
        /// Over which link.
        link: LinkId,
    },
    /// The link to a neighbour is gone.
    NeighbourLost {
        /// The copy that the neighbour holds.
        from: Member,
        /// Which.
        link: LinkId,
    },
    /// A sync that began after the write of this mark has returned.
    Synced {
        /// Everything up to it is durable.
        mark: Mark,
    },
    /// A read has returned.
    Read {
        /// Its number.
        read: ReadId,
        /// The copy that was read.
        member: Member,
        /// What was read, or why it could not be.
        result: Result<ReadRows, ReadError>,
    },
    /// Time has passed.
    Tick,
}
