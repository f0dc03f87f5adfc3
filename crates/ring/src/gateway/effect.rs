//! The effects of a gateway: the work for its driver.

use protocol::message::ToNode;
use protocol::refusal::Refusal;

use super::accept_loss_error::AcceptLossError;
use super::cluster_state::ClusterState;
use super::request::{Outcome, Ticket};
use crate::link::LinkId;

/// Work for the gateway's driver, to do in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GatewayEffect {
    /// Send a message to a node.
    Send {
        /// The link to send it on.
        link: LinkId,
        /// The message.
        message: Box<ToNode>,
    },
    /// Send a message to a node, in a frame of its own.
    SendAlone {
        /// The link to send it on.
        link: LinkId,
        /// The message.
        message: Box<ToNode>,
    },
    /// Tell the operator about a defect of Chainring.
    Defect(String),
    /// Close a link. The gateway has forgotten it already.
    Drop {
        /// The link.
        link: LinkId,
        /// The reason.
        refusal: Refusal,
    },
    /// Make this state durable in place of the old one, then hand in
    /// [`GatewayEvent::Saved`](super::GatewayEvent::Saved).
    Save(ClusterState),
    /// A client's request has ended.
    Complete {
        /// The ticket of the request.
        ticket: Ticket,
        /// The outcome.
        outcome: Outcome,
    },
    /// The answer to an operator's
    /// [`GatewayEvent::AcceptLoss`](super::GatewayEvent::AcceptLoss): the partition goes on, or
    /// the reason against it.
    LossAccepted(Result<(), AcceptLossError>),
    /// The cluster's state changed: a published view, the linked nodes, or a disk.
    Changed,
}

impl GatewayEffect {
    pub(crate) fn send(link: LinkId, message: ToNode) -> Self {
        Self::Send { link, message: Box::new(message) }
    }
}
