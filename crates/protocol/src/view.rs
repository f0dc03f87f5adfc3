//! Views: which copies of a partition are in sync, and so who may serve it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, GatewayBoot, Incarnation, PartitionId};

/// One of the two places where a partition has a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Member {
    /// On the partition's own node; the primary when in sync.
    Home,
    /// On the node after it in the ring; the replica when in sync.
    Next,
}

impl Member {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Home, Self::Next];

    /// The other one.
    pub fn other(self) -> Self {
        match self {
            Self::Home => Self::Next,
            Self::Next => Self::Home,
        }
    }
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Home => "home",
            Self::Next => "next",
        })
    }
}

/// The copies in sync, each with the incarnation that is meant. There is no way to write an empty one.
///
/// | `in_sync` | reads go to | updates |
/// |---|---|---|
/// | both | next | at home, acked when durable on both |
/// | home only | home | at home, acked when durable there |
/// | next only | next | refused: there is no primary |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InSync {
    /// Home and next.
    Both {
        /// The data that home must have.
        home: Incarnation,
        /// The data that next must have.
        next: Incarnation,
    },
    /// Home alone.
    HomeOnly {
        /// The data that home must have.
        home: Incarnation,
    },
    /// Next alone.
    NextOnly {
        /// The data that next must have.
        next: Incarnation,
    },
}

impl InSync {
    /// The incarnation of `member` that is in sync, if it is.
    pub fn incarnation(&self, member: Member) -> Option<Incarnation> {
        match (*self, member) {
            (Self::Both { home, .. } | Self::HomeOnly { home }, Member::Home) => Some(home),
            (Self::Both { next, .. } | Self::NextOnly { next }, Member::Next) => Some(next),
            (Self::HomeOnly { .. }, Member::Next) | (Self::NextOnly { .. }, Member::Home) => None,
        }
    }

    /// The copy that answers reads: the replica, or the primary where there is no replica.
    pub fn reader(&self) -> Member {
        match self {
            Self::Both { .. } | Self::NextOnly { .. } => Member::Next,
            Self::HomeOnly { .. } => Member::Home,
        }
    }

    /// The copy that sends entries to the other one: the primary where it is in sync, else the donor that restores it.
    pub fn source(&self) -> Member {
        match self {
            Self::Both { .. } | Self::HomeOnly { .. } => Member::Home,
            Self::NextOnly { .. } => Member::Next,
        }
    }

    /// This and a joiner, which takes the place that is free.
    pub fn with(self, joiner: Incarnation) -> Self {
        match self {
            Self::Both { .. } => self,
            Self::HomeOnly { home } => Self::Both { home, next: joiner },
            Self::NextOnly { next } => Self::Both { home: joiner, next },
        }
    }

    /// This without a member; none if nobody would be left.
    pub fn without(self, member: Member) -> Option<Self> {
        match (self, member) {
            (Self::Both { home, .. }, Member::Next) => Some(Self::HomeOnly { home }),
            (Self::Both { next, .. }, Member::Home) => Some(Self::NextOnly { next }),
            (Self::HomeOnly { .. }, Member::Next) | (Self::NextOnly { .. }, Member::Home) => {
                Some(self)
            }
            (Self::HomeOnly { .. }, Member::Home) | (Self::NextOnly { .. }, Member::Next) => None,
        }
    }

    /// One copy alone.
    pub fn only(member: Member, incarnation: Incarnation) -> Self {
        match member {
            Member::Home => Self::HomeOnly { home: incarnation },
            Member::Next => Self::NextOnly { next: incarnation },
        }
    }

    /// The copy that is in sync alone, and its data.
    pub fn sole(&self) -> Option<(Member, Incarnation)> {
        match *self {
            Self::Both { .. } => None,
            Self::HomeOnly { home } => Some((Member::Home, home)),
            Self::NextOnly { next } => Some((Member::Next, next)),
        }
    }

    /// The copy that takes updates; none while home, which does, is not in sync.
    pub fn primary(&self) -> Option<Member> {
        match self {
            Self::Both { .. } | Self::HomeOnly { .. } => Some(Member::Home),
            Self::NextOnly { .. } => None,
        }
    }
}

impl fmt::Display for InSync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both { .. } => "both",
            Self::HomeOnly { .. } => "home only",
            Self::NextOnly { .. } => "next only",
        })
    }
}

/// Who may serve a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct View {
    /// The partition.
    pub partition: PartitionId,
    /// The number of this view: there is one view for each partition and epoch.
    pub epoch: Epoch,
    /// The copies in sync.
    pub in_sync: InSync,
    /// The start of the controller that decided it. Two views of one epoch that differ in anything are the work of
    /// two controllers.
    pub decided_by: GatewayBoot,
    /// The epoch at which an operator last accepted that updates are lost, if one ever did. What the copy that is out
    /// of sync holds of older epochs may differ from what counts since then.
    #[serde(default)]
    pub accepted_loss: Option<Epoch>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epoch {}: {}", self.partition, self.epoch, self.in_sync)
    }
}
