//! The nodes without their data.

use std::collections::BTreeSet;

use service::events::{Event, NodeFact};

use crate::model::Model;
use crate::seen::Seen;

/// The places of the nodes that have lost their data and have not started since.
#[derive(Debug, Default)]
pub(super) struct LostNodes(BTreeSet<usize>);

impl LostNodes {
    /// A node loses its data.
    pub(super) fn add(&mut self, place: usize) {
        self.0.insert(place);
    }

    /// Whether a node is without its data.
    pub(super) fn contains(&self, place: usize) -> bool {
        self.0.contains(&place)
    }

    /// Follows an event. Only a node's own word counts: a process with a full disk has started
    /// too, and still has no data.
    pub(super) fn follow(&mut self, model: &Model, seen: &Seen) {
        if let Seen::Inside(Event::Node { node, event: NodeFact::Starts { .. } }) = seen
            && let Some(place) = model.ring.place_of(node)
        {
            self.0.remove(&place.index());
        }
    }
}
