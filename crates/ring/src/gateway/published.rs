//! What the controller has published, for the router.

use protocol::id::PartitionId;
use protocol::view::{Member, View};

use crate::link::LinkId;
use crate::placement::Place;

/// What the controller has published, for the router to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    /// A node was welcomed: requests may be sent to it.
    Welcomed(Place, LinkId),
    /// A view changed, or was made, or what can be served under it.
    View(View, Service),
    /// The view of a partition is not known any more.
    Unknown(PartitionId),
}

/// Whether a partition can be served under its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// By the copies in sync.
    Available,
    /// Not by this member, which came back without its data: the other copy takes over.
    Without(Member),
    /// Every copy in sync is gone with its data.
    Lost,
}
