//! The events of a gateway.

use std::time::Duration;

use protocol::hello::NodeHello;
use protocol::id::{NodeId, PartitionId};
use protocol::message::FromNode;

use super::request::{ClientRequest, Ticket};
use crate::link::LinkId;

/// An event of a gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEvent {
    /// A link to a node is up.
    NodeLinked {
        /// The link.
        link: LinkId,
        /// The hello of the node.
        hello: NodeHello,
    },
    /// A node has sent a message.
    NodeSays {
        /// The link of the message.
        link: LinkId,
        /// The message.
        message: FromNode,
    },
    /// A frame of a node cannot be decoded. The link closes after the messages of this event's
    /// effects are written.
    NodeUndecodable {
        /// The link of the frame.
        link: LinkId,
    },
    /// A link to a node is gone.
    NodeLost {
        /// The lost link.
        link: LinkId,
    },
    /// The state of the last [`Save`](super::GatewayEffect::Save) is durable.
    Saved,
    /// A client's request.
    Submit {
        /// Names the request. A ticket is never used twice.
        ticket: Ticket,
        /// The request.
        request: ClientRequest,
        /// How long the request may take.
        time_allowed: Duration,
    },
    /// An operator accepts a loss: the partition shall go on with the copy on one node, whatever
    /// is lost with the other. The answer is
    /// [`GatewayEffect::LossAccepted`](super::GatewayEffect::LossAccepted).
    AcceptLoss {
        /// The partition.
        partition: PartitionId,
        /// The node of the copy.
        node: NodeId,
    },
    /// Time has passed.
    Tick,
}
