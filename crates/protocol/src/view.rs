//! Views: the copies of a partition in sync, and so the copies that may serve it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{Epoch, GatewayBoot, Incarnation, PartitionId};

/// One of the two places where a partition has a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Member {
    /// The copy on the partition's own node; the primary when in sync.
    Home,
    /// The copy on the node after it in the ring; the replica when in sync.
    Next,
}

impl Member {
    /// Both members.
    pub const ALL: [Self; 2] = [Self::Home, Self::Next];

    /// The other member.
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

/// The copies in sync, each with its incarnation. The type has no form without a copy.
///
/// | `in_sync` | reads go to | updates |
/// |---|---|---|
/// | both | next | at home, acked when durable on both |
/// | home only | home | at home, acked when durable there |
/// | next only | next | refused: there is no primary |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum InSync {
    /// Home and next.
    Both {
        /// The required incarnation of home.
        home: Incarnation,
        /// The required incarnation of next.
        next: Incarnation,
    },
    /// Home alone.
    HomeOnly {
        /// The required incarnation of home.
        home: Incarnation,
    },
    /// Next alone.
    NextOnly {
        /// The required incarnation of next.
        next: Incarnation,
    },
}

impl InSync {
    /// The incarnation of `member`, if it is in sync.
    pub fn incarnation(&self, member: Member) -> Option<Incarnation> {
        match (*self, member) {
            (Self::Both { home, .. } | Self::HomeOnly { home }, Member::Home) => Some(home),
            (Self::Both { next, .. } | Self::NextOnly { next }, Member::Next) => Some(next),
            (Self::HomeOnly { .. }, Member::Next) | (Self::NextOnly { .. }, Member::Home) => None,
        }
    }

    /// The copy that answers reads: the replica, or the primary if there is no replica.
    pub fn reader(&self) -> Member {
        match self {
            Self::Both { .. } | Self::NextOnly { .. } => Member::Next,
            Self::HomeOnly { .. } => Member::Home,
        }
    }

    /// The copy that sends entries to the other one: the primary if it is in sync, otherwise the
    /// donor that restores it.
    pub fn source(&self) -> Member {
        match self {
            Self::Both { .. } | Self::HomeOnly { .. } => Member::Home,
            Self::NextOnly { .. } => Member::Next,
        }
    }

    /// These copies and a joiner in the free place. *Both* stays as it is.
    pub fn with(self, joiner: Incarnation) -> Self {
        match self {
            Self::Both { .. } => self,
            Self::HomeOnly { home } => Self::Both { home, next: joiner },
            Self::NextOnly { next } => Self::Both { home: joiner, next },
        }
    }

    /// These copies without a member; none if no copy would be left.
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

    /// The sole copy in sync, and its incarnation; none if both are in sync.
    pub fn sole(&self) -> Option<(Member, Incarnation)> {
        match *self {
            Self::Both { .. } => None,
            Self::HomeOnly { home } => Some((Member::Home, home)),
            Self::NextOnly { next } => Some((Member::Next, next)),
        }
    }

    /// The copy that takes updates; none while home is out of sync.
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

/// The servers of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct View {
    /// The partition.
    pub partition: PartitionId,
    /// The number of this view. There is one view for each partition and epoch.
    pub epoch: Epoch,
    /// The copies in sync.
    pub in_sync: InSync,
    /// The boot of the controller that decided this view. Two different views of one epoch mean
    /// two controllers.
    pub decided_by: GatewayBoot,
    /// The epoch at which an operator last accepted the loss of updates, if one ever did. The copy
    /// out of sync may hold entries of older epochs that differ from the entries valid since then.
    #[serde(default)]
    pub accepted_loss: Option<Epoch>,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} epoch {}: {}", self.partition, self.epoch, self.in_sync)
    }
}
