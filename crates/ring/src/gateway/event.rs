//! What happens to a gateway.

use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{NodeId, PartitionId};
use protocol::message::FromNode;

use super::request::{ClientRequest, Ticket};
use crate::link::LinkId;

/// What happens to a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    /// A link of a node is up.
    NodeLinked {
        /// The link.
        link: LinkId,
        /// What the node says of itself.
        hello: NodeHello,
    },
    /// A message of a node.
    NodeSays {
        /// Over which link.
        link: LinkId,
        /// What.
        message: FromNode,
    },
    /// A frame of a node cannot be decoded: the link closes once what is said now is written.
    NodeUndecodable {
        /// Over which link.
        link: LinkId,
    },
    /// A link of a node is gone.
    NodeLost {
        /// Which.
        link: LinkId,
    },
    /// The last state handed out to be saved is durable.
    Saved,
    /// A client's request.
    Submit {
        /// Names it; not used twice.
        ticket: Ticket,
        /// What is asked.
        request: ClientRequest,
        /// How long it may take.
        time_allowed: Duration,
    },
    /// An operator wants a partition to go on with the copy on one node, whatever is lost with the other. Answered by
    /// [`GatewayEffect::LossAccepted`](super::GatewayEffect::LossAccepted).
    AcceptLoss {
        /// The partition.
        partition: PartitionId,
        /// The node.
        node: NodeId,
    },
    /// Time has passed.
    Tick,
}
