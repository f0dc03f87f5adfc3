//! Load: a node with a slow disk dies and comes back while clients ask for updates all the
//! time. In spite of this load the view must become *both* again.

use std::time::Duration;

use history::users::{Fields, Input, Patch};
use protocol::id::PartitionId;
use protocol::view::{InSync, Member};
use ring_core::placement::Place;

use super::Run;
use crate::checks::Check;
use crate::checks::convergence::Convergence;
use crate::plan::host::Host;
use crate::plan::step::{Death, Step};
use crate::plan::swarm::Core;
use crate::plan::workload::PlannedOperation;
use crate::report::Failure;
use crate::seen::Phase;
use crate::violation::Finding;

/// The prefix of the ids of the users under load.
const LOADED: &str = "load-";

/// The number of those users.
const USERS: usize = 12;

/// The number of clients. Each asks for one update after the other.
const CLIENTS: usize = 6;

/// How long the node is down.
const DOWN: Duration = Duration::from_millis(600);

/// How long the view may take to become *both* again after the node is up.
const BACK_MAX: Duration = Duration::from_secs(12);

/// The updates asked for while a node comes back.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// The number of unanswered updates of each client.
    open: [u32; CLIENTS],
    asked: u32,
}

impl Load {
    /// An operation has ended.
    pub(super) fn has_ended(&mut self, input: &Input, client: usize) {
        if let Some(open) = self.open.get_mut(client).filter(|_| is_of_load(input)) {
            *open -= 1;
        }
    }

    fn is_over(&self) -> bool {
        self.open.iter().all(|open| *open == 0)
    }
}

fn is_of_load(input: &Input) -> bool {
    input.id().starts_with(LOADED)
}

impl Run<'_> {
    /// Lets the node with a slow disk, if there is one, die and come back under load.
    pub(super) fn come_back_under_load(&mut self, core: Core) -> Result<(), Failure> {
        let Some(slow) = self.plan.swarm.slow_disk.filter(|_| core == Core::All) else {
            return Ok(());
        };
        self.begin(Phase::Load);
        let count = self.plan.swarm.nodes;
        let home = self.model.ring.places().nth((slow + count - 1) % count);
        let Some(home) = home else { return Ok(()) };
        let users = self.loaded_users(home);
        let (host, how) = (Host::Node(slow), Death::Killed);
        self.world.carry_out(Step::Down { host, how });
        let up_at = self.world.now() + DOWN;
        while self.world.now() < up_at || self.is_both(home.partition()) {
            self.load(&users);
            self.step()?;
            self.be_in_time(up_at + BACK_MAX, "the loss of the slow node is not noticed")?;
        }
        self.world.carry_out(Step::Up(host));
        let deadline = self.world.now() + BACK_MAX;
        while !self.acts_on_both(home.partition()) {
            self.load(&users);
            self.step()?;
            if self.world.now() >= deadline {
                let detail = format!(
                    "{BACK_MAX:?} after {host} is up again, {} is not both again, under load",
                    home.partition(),
                );
                return Err(Finding::liveness(self.log.now(), detail)
                    .breaks(Convergence.rule())
                    .into());
            }
        }
        let deadline = self.world.now() + BACK_MAX;
        while !self.load.is_over() {
            self.step()?;
            self.be_in_time(deadline, "updates of the load have no answer")?;
        }
        self.converge(core)
    }

    pub(super) fn is_both(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        view.is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }))
    }

    /// Whether both copies act on the view *both*, level or not.
    fn acts_on_both(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        let acts = |member| self.model.copy(partition, member).acting.as_ref() == view;
        self.is_both(partition) && Member::ALL.into_iter().all(acts)
    }

    /// Gives each idle client another operation.
    fn load(&mut self, users: &[String]) {
        for client in 0..CLIENTS.min(self.plan.swarm.clients) {
            if self.load.open[client] > 0 {
                continue;
            }
            self.load.asked += 1;
            self.load.open[client] += 1;
            let number = self.load.asked;
            let id = users[number as usize % users.len()].clone();
            let name = format!("load {number}");
            let input = if number as usize <= users.len() {
                let fields = Fields { name, email: format!("{id}@example.org"), group: number };
                Input::Create { id, fields }
            } else {
                let patch = Patch { name: Some(name), ..Patch::default() };
                Input::Change { id, patch, if_match: None, if_none_match: None }
            };
            let operation = PlannedOperation { at_ms: 0, client, input, if_match: false };
            self.world.ask(client, operation);
        }
    }

    /// Users of a partition, unknown to all clients before.
    fn loaded_users(&self, place: Place) -> Vec<String> {
        let is_of = |id: &String| {
            id.parse().is_ok_and(|id| self.model.ring.partition_of(&id) == place.partition())
        };
        let ids = (0..10_000).map(|number| format!("{LOADED}{number}"));
        ids.filter(is_of).take(USERS).collect()
    }
}
