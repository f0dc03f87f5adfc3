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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::documented::Documented;
    use crate::checks::support::{Scene, nothing, starts};
    use crate::plan::host::Host;
    use crate::seen::WorldDid;

    #[test]
    fn a_node_is_without_its_data_until_it_says_that_it_starts() {
        let model = Scene::formed(Documented).model;
        let mut lost = LostNodes::default();
        lost.add(1);
        lost.follow(&model, &Seen::World(WorldDid::Starts(Host::Node(1))));
        lost.follow(&model, &starts(2, nothing(), nothing()));
        assert!(lost.contains(1));
        lost.follow(&model, &starts(1, nothing(), nothing()));
        assert!(!lost.contains(1));
    }
}
