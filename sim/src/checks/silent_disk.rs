//! Slow and hung disks: a node tells the gateway when it has written, and its disk has returned
//! no sync for a second.

use std::collections::BTreeMap;
use std::time::Duration;

use protocol::message::DiskState;
use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::step::Condition;
use crate::seen::{Moment, Seen, StorageDid, WorldDid};
use crate::violation::{Finding, Rule};

/// A node has to tell within this time: a second, plus the inaccuracy of its timer.
const TOLD_WITHIN: Duration = Duration::from_millis(1_200);

/// See the [module](self).
#[derive(Debug, Default)]
pub struct SilentDisk {
    nodes: BTreeMap<usize, NodeState>,
}

/// The state of a running node.
#[derive(Debug, Default)]
struct NodeState {
    /// When a gateway welcomed the node over the present link.
    joined: Option<Moment>,
    /// When the first write after the last sync began; none if nothing is unsynced.
    waits: Option<Moment>,
    /// Whether its machine stands still.
    is_paused: bool,
    /// The state of the disk, as told over the present link.
    told: DiskState,
}

impl NodeState {
    /// By when the node has to tell of its silent disk; none if it need not, or has told
    /// already.
    fn due(&self) -> Option<Moment> {
        let since = self.joined?.max(self.waits?);
        let is_to_tell = self.told == DiskState::Answers && !self.is_paused;
        is_to_tell.then_some(Moment(since.0 + TOLD_WITHIN))
    }

    fn follow(&mut self, at: Moment, event: &NodeFact) {
        match event {
            NodeFact::Joins { .. } => self.joined = Some(at),
            NodeFact::Leaves => {
                self.joined = None;
                self.told = DiskState::Answers;
            }
            NodeFact::TellsDisk { state } => self.told = *state,
            _ => {}
        }
    }
}

impl SilentDisk {
    fn follow(&mut self, model: &Model, at: Moment, seen: &Seen) {
        match seen {
            Seen::Inside(Event::Node { node, event }) => {
                if let Some(place) = model.ring.place_of(node) {
                    self.nodes.entry(place.index()).or_default().follow(at, event);
                }
            }
            Seen::Storage { node, did } => {
                let state = self.nodes.entry(*node).or_default();
                match did {
                    StorageDid::Opened => *state = NodeState::default(),
                    StorageDid::WriteBegins(_) => {
                        state.waits.get_or_insert(at);
                    }
                    StorageDid::Synced(_) => state.waits = None,
                    StorageDid::Written(_) | StorageDid::SyncBegins(_) => {}
                    // The node ends after a failure, so it need not tell.
                    StorageDid::Failed(_) | StorageDid::ReadFailed => state.joined = None,
                }
            }
            Seen::World(
                WorldDid::Kills(Host::Node(place), _)
                | WorldDid::Ended(Host::Node(place), _)
                | WorldDid::Stops(Host::Node(place)),
            ) => {
                self.nodes.remove(place);
            }
            Seen::World(WorldDid::Begins(Condition::Paused(Host::Node(place)))) => {
                self.nodes.entry(*place).or_default().is_paused = true;
            }
            Seen::World(WorldDid::Ends(Condition::Paused(Host::Node(place)))) => {
                let state = self.nodes.entry(*place).or_default();
                state.is_paused = false;
                state.waits = state.waits.map(|_| at);
            }
            _ => {}
        }
    }
}

impl Check for SilentDisk {
    fn rule(&self) -> Rule {
        Rule {
            check: "silent-disk",
            says: "a node tells the gateway when no sync has returned for a second",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let late = self.nodes.iter().find(|(_, state)| state.due().is_some_and(|due| due < at));
        if let Some((place, NodeState { waits: Some(since), .. })) = late {
            let host = Host::Node(*place);
            let detail = format!("{host} waits for its disk since {since}, and has not told");
            return Err(Finding::safety(at, detail));
        }
        self.follow(model, at, seen);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    fn pass(scene: &mut Scene<SilentDisk>, ms: u64) {
        (0..ms).for_each(|_| scene.play(storage(2, StorageDid::Synced(CALL))));
    }

    #[test]
    fn a_node_that_does_not_tell_of_its_silent_disk_is_seen() {
        let mut scene = Scene::formed(SilentDisk::default());
        scene.writes(0);
        pass(&mut scene, 1_199);
        scene.objects(storage(2, StorageDid::Synced(CALL)));
    }

    #[test]
    fn a_node_that_tells_or_has_no_link_is_fine() {
        let mut scene = Scene::formed(SilentDisk::default());
        (0..2).for_each(|place| scene.writes(place));
        scene.play(node(1, NodeFact::Leaves));
        pass(&mut scene, 1_000);
        scene.play(node(0, NodeFact::TellsDisk { state: DiskState::Silent }));
        pass(&mut scene, 3_000);
    }
}
