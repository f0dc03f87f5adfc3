//! What a gateway wants done.

use protocol::message::ToNode;
use protocol::refusal::Refusal;

use super::cluster_state::ClusterState;
use super::controller::AcceptLossError;
use super::request::{Outcome, Ticket};
use crate::link::LinkId;

/// What a gateway wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEffect {
    /// Send to a node.
    Send {
        /// Over which link.
        link: LinkId,
        /// What.
        message: Box<ToNode>,
    },
    /// Send to a node, in a frame that holds nothing else.
    SendAlone {
        /// Over which link.
        link: LinkId,
        /// What.
        message: Box<ToNode>,
    },
    /// Tell the operator of a defect of Chainring.
    Defect(String),
    /// Close a link; the gateway has forgotten it already.
    Drop {
        /// Which.
        link: LinkId,
        /// Why.
        refusal: Refusal,
    },
    /// Make this state durable in the place of the one before, then hand in [`GatewayEvent::Saved`](super::GatewayEvent::Saved).
    Save(ClusterState),
    /// A client's request has ended.
    Complete {
        /// Which.
        ticket: Ticket,
        /// How.
        outcome: Outcome,
    },
    /// The answer to an operator's [`GatewayEvent::AcceptLoss`](super::GatewayEvent::AcceptLoss): the partition goes on, or
    /// why not.
    LossAccepted(Result<(), AcceptLossError>),
    /// The published views or the nodes that are linked have changed.
    Changed,
}

impl GatewayEffect {
    pub(crate) fn send(link: LinkId, message: ToNode) -> Self {
        Self::Send { link, message: Box::new(message) }
    }
}
