//! The controller's publications, for the router.

use protocol::id::PartitionId;
use protocol::view::{Member, View};

use crate::link::LinkId;
use crate::placement::Place;

/// A publication of the controller, for the router to follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Published {
    /// A node was welcomed. Requests may be sent to it.
    Welcomed(Place, LinkId),
    /// A view was made or changed, or its service changed.
    View(View, Service),
    /// The view of a partition is unknown now.
    Unknown(PartitionId),
}

/// Whether a partition can be served under its view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// The copies in sync can serve.
    Available,
    /// This member came back without its data and cannot serve. The other copy takes over.
    Without(Member),
    /// Every copy in sync is gone with its data, and no other copy can take over.
    Lost,
}
