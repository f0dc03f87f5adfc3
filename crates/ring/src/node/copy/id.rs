//! Which copy it is.

use protocol::id::{Incarnation, PartitionId};
use protocol::view::{Member, View};

/// A copy of a partition, with the data of its node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CopyId {
    /// The partition.
    pub(crate) partition: PartitionId,
    /// Home or next.
    pub(crate) member: Member,
    /// The data of the node with this copy.
    pub(crate) incarnation: Incarnation,
}

impl CopyId {
    /// Whether a view counts on this copy, with the data that it has.
    pub(crate) fn is_in(&self, view: &View) -> bool {
        view.in_sync.incarnation(self.member) == Some(self.incarnation)
    }

    /// Whether a view counts on this copy alone, with the data that it has.
    pub(crate) fn is_alone_in(&self, view: &View) -> bool {
        view.in_sync.sole() == Some((self.member, self.incarnation))
    }
}
