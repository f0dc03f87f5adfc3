//! The effects of a node: the work for its driver.

use std::time::Duration;

use protocol::hello::HomeHello;
use protocol::id::PartitionId;
use protocol::message::{CopyMessage, FromNode};
use protocol::refusal::Refusal;
use protocol::salvage::Salvage;
use protocol::view::{Member, View};

use crate::link::LinkId;
use crate::store::{Mark, Mutation, ReadError, ReadId, ReadWhat};

/// Work for the node's driver, to do in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEffect {
    /// Write, and sync soon. Many writes can share a sync.
    Write {
        /// The number of this write.
        mark: Mark,
        /// The mutation to write.
        mutation: Mutation,
    },
    /// Read, outside the core. Many reads may run at once and return in any order.
    Read {
        /// The number of this read.
        read: ReadId,
        /// The copy to read.
        member: Member,
        /// The rows to read.
        what: ReadWhat,
    },
    /// Send a message to the gateway.
    ToGateway {
        /// The link to send it on.
        link: LinkId,
        /// The message.
        message: FromNode,
    },
    /// Send a message to a neighbour.
    ToNeighbour {
        /// The member of the neighbour's copy, which receives the message.
        to: Member,
        /// The link to send it on.
        link: LinkId,
        /// The message.
        message: CopyMessage,
    },
    /// Keep a link to this node from now on: dial at once, and again after every loss.
    DialNext(DialNext),
    /// Close a link. The node has forgotten it already.
    Drop {
        /// The link.
        link: LinkId,
        /// The reason.
        refusal: Refusal,
    },
    /// Tell observers: a copy has left out a part of a comparison, because the part has changed
    /// since.
    ComparisonSkipped {
        /// The copy.
        member: Member,
    },
    /// Tell the operator about the records dropped because they were unreadable.
    Salvaged {
        /// The partition.
        partition: PartitionId,
        /// The copy.
        member: Member,
        /// The dropped records.
        salvage: Salvage,
    },
    /// Tell the operator, loudly.
    Alarm(String),
    /// End the process.
    Stop(StopReason),
}

/// The address of next's node, and the hello for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialNext {
    /// `host:port`.
    pub address: String,
    /// The hello.
    pub hello: HomeHello,
}

/// Why a node cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// The storage failed, or its data is damaged.
    #[error(transparent)]
    Storage(#[from] ReadError),
    /// The disk has not answered for this long.
    #[error(
        "the disk has not answered for {0:?}: no sync, or no read, has returned. Look at the disk and at what else uses it, and \
         start the node again; with an empty data directory it is restored from its neighbours"
    )]
    DiskSilent(Duration),
    /// The gateway refuses this node.
    #[error("the gateway refuses this node: {0}")]
    Refused(Refusal),
    /// This node has lost data: the other copy knows that it had more.
    #[error("{0}. This data directory is an old copy: start the node with its newest one")]
    LostData(String),
    /// There are two different views of one epoch, so there is a second controller.
    #[error(
        "there are two different views of one epoch ({known} and {offered}): two gateways are at work. Stop both, \
         find out which one has the cluster's state directory, and start that one only"
    )]
    TwoControllers {
        /// The view known before.
        known: String,
        /// The view offered now.
        offered: String,
    },
}

impl StopReason {
    /// The reason for two different views of one epoch.
    pub(crate) fn conflict(known: Option<&View>, offered: &View) -> Self {
        let text = |view: &View| format!("{view}, decided by {}", view.decided_by);
        Self::TwoControllers { known: known.map(text).unwrap_or_default(), offered: text(offered) }
    }
}
