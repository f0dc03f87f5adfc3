//! What a node wants done.

use std::time::Duration;

use protocol::hello::HomeHello;
use protocol::id::PartitionId;
use protocol::message::{CopyMessage, FromNode};
use protocol::refusal::Refusal;
use protocol::salvage::Salvage;
use protocol::view::{Member, View};

use crate::link::LinkId;
use crate::store::{Mark, Mutation, ReadError, ReadId, ReadWhat};

/// What a node wants done, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeEffect {
    /// Write, and sync soon; many writes can share a sync.
    Write {
        /// Numbers the writes.
        mark: Mark,
        /// What to write.
        mutation: Mutation,
    },
    /// Read, apart from the core; many reads may be under way, and return in any order.
    Read {
        /// Numbers the reads.
        read: ReadId,
        /// Of which copy.
        member: Member,
        /// What to read.
        what: ReadWhat,
    },
    /// Send to the gateway.
    ToGateway {
        /// Over which link.
        link: LinkId,
        /// What.
        message: FromNode,
    },
    /// Send to a neighbour.
    ToNeighbour {
        /// Which copy the neighbour holds that it is for.
        to: Member,
        /// Over which link.
        link: LinkId,
        /// What.
        message: CopyMessage,
    },
    /// Keep up a link to this node, from now: dial at once, and again whenever it is lost.
    DialNext(DialNext),
    /// Close a link; the node has forgotten it already.
    Drop {
        /// Which.
        link: LinkId,
        /// Why.
        refusal: Refusal,
    },
    /// Tell those who watch that a copy has left out a part of a comparison, as it has changed meanwhile.
    ComparisonSkipped {
        /// Which copy.
        member: Member,
    },
    /// Tell the operator which records were dropped, as they could not be read.
    Salvaged {
        /// Of which partition.
        partition: PartitionId,
        /// In which copy.
        member: Member,
        /// Which records.
        salvage: Salvage,
    },
    /// Tell the operator, loudly.
    Alarm(String),
    /// End the process.
    Stop(StopReason),
}

/// Where next's node serves its predecessor, and what to say to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialNext {
    /// `host:port`.
    pub address: String,
    /// What to say.
    pub hello: HomeHello,
}

/// Why a node cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// Storage does not give what it should.
    #[error(transparent)]
    Storage(#[from] ReadError),
    /// The disk has not answered for this long.
    #[error(
        "the disk has not answered for {0:?}: no write or sync has returned. Look at the disk and at what else uses it, and \
         start the node again; with an empty data directory it is restored from its neighbours"
    )]
    DiskSilent(Duration),
    /// The gateway does not want this node.
    #[error("the gateway refuses this node: {0}")]
    Refused(Refusal),
    /// This node's data is not what the other copy knows it had.
    #[error("{0}. This data directory is an old copy: start the node with its newest one")]
    LostData(String),
    /// Two views of one epoch: there is a second controller.
    #[error(
        "there are two different views of one epoch ({known} and {offered}): two gateways are at work. Stop both, \
         find out which one has the cluster's state directory, and start that one only"
    )]
    TwoControllers {
        /// The view that was known.
        known: String,
        /// The view that was offered.
        offered: String,
    },
}

impl StopReason {
    /// Two views of one epoch.
    pub(crate) fn conflict(known: Option<&View>, offered: &View) -> Self {
        let text = |view: &View| format!("{view}, decided by {}", view.decided_by);
        Self::TwoControllers { known: known.map(text).unwrap_or_default(), offered: text(offered) }
    }
}
