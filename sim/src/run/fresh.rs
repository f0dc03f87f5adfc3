//! Fresh operations: once everything is back, operations on users unknown to all clients
//! before.

use history::users::{Fields, Input, Patch};
use ring_core::placement::Place;

use super::Run;
use crate::plan::swarm::Core;
use crate::plan::workload::PlannedOperation;

/// The prefix of the ids of those users.
const FRESH: &str = "fresh-";

/// Whether an operation is a fresh one, and so must succeed.
pub(crate) fn is_fresh(input: &Input) -> bool {
    input.id().starts_with(FRESH)
}

impl Run<'_> {
    /// Asks for fresh operations on each partition. All of them must succeed. Without a live
    /// primary, a partition gets only reads.
    pub(super) fn ask_fresh(&mut self, core: Core) {
        for place in self.model.ring.places().collect::<Vec<_>>() {
            let inputs = match core {
                Core::AllBut { node } if node == place.index() => self.fresh_reads(place),
                _ if self.has_no_primary(place.partition()) => self.fresh_reads(place),
                _ => self.fresh_operations(place),
            };
            // One client for each partition keeps the order of its operations.
            let client = place.index() % self.plan.swarm.clients;
            for input in inputs {
                self.fresh_waiting += 1;
                let operation = PlannedOperation { at_ms: 0, client, input, if_match: false };
                self.world.ask(client, operation);
            }
        }
    }

    fn fresh_operations(&self, place: Place) -> Vec<Input> {
        let id = self.fresh_user(place);
        let name = format!("fresh {id}");
        let fields = Fields { name, email: format!("{id}@example.org"), group: 0 };
        let patch = Patch { name: Some(format!("changed {id}")), ..Patch::default() };
        vec![
            Input::Create { id: id.clone(), fields },
            Input::Read { id: id.clone() },
            Input::Change { id: id.clone(), patch, if_match: None, if_none_match: None },
            Input::Read { id },
        ]
    }

    fn fresh_reads(&self, place: Place) -> Vec<Input> {
        vec![Input::Read { id: self.fresh_user(place) }]
    }

    /// A user of a partition, unknown to all clients before.
    fn fresh_user(&self, place: Place) -> String {
        let is_of = |id: &String| {
            id.parse().is_ok_and(|id| self.model.ring.partition_of(&id) == place.partition())
        };
        let mut ids = (0..10_000).map(|number| format!("{FRESH}{number}"));
        ids.find(is_of).unwrap_or_else(|| panic!("no id falls into {}", place.partition()))
    }
}
