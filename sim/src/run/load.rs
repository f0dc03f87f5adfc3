//! Load: a node with a slow disk dies and comes back while clients ask for updates all the
//! time. In spite of this load the view must become *both* again.

use std::time::Duration;

use history::users::{Fields, Input, Patch};
use protocol::id::PartitionId;
use protocol::view::Member;

use super::convergence::converge;
use super::course::Course;
use crate::plan::host::Host;
use crate::plan::new_users::NewUsers;
use crate::plan::step::{Death, Step};
use crate::plan::swarm::Core;
use crate::report::Failure;
use crate::seen::Phase;

/// The number of users under load.
const USERS: usize = 12;

/// The number of clients. Each asks for one update after the other.
const CLIENTS: usize = 6;

/// How long the node is down.
const DOWN: Duration = Duration::from_millis(600);

/// How long the view may take to become *both* again after the node is up.
const BACK_MAX: Duration = Duration::from_secs(12);

/// Lets the node with a slow disk, if there is one, die and come back under load.
///
/// # Errors
///
/// The first violation. A view that is not *both* in time is one.
pub(super) fn come_back_under_load(course: &mut Course<'_>, core: Core) -> Result<(), Failure> {
    let slow = course.plan.swarm.slow_disk.filter(|_| core == Core::All);
    // The slow node joins the partition of the node before it.
    let next = slow.and_then(|slow| course.model.copy_at(slow, Member::Next));
    let Some((slow, next)) = slow.zip(next) else { return Ok(()) };
    course.begin(Phase::Load);
    Loading::new(course, next.partition).come_back(Host::Node(slow))?;
    converge(course, core)
}

/// Keeps clients busy with updates of one partition while its next node comes back.
struct Loading<'a, 'w> {
    course: &'a mut Course<'w>,
    partition: PartitionId,
    users: Vec<String>,
    /// The number of updates asked for.
    asked: usize,
}

impl<'a, 'w> Loading<'a, 'w> {
    fn new(course: &'a mut Course<'w>, partition: PartitionId) -> Self {
        let users = NewUsers::Loaded.of_partition(&course.model.ring, partition);
        let users = users.take(USERS).collect();
        Self { course, partition, users, asked: 0 }
    }

    fn come_back(&mut self, host: Host) -> Result<(), Failure> {
        self.course.world.carry_out(Step::Down { host, how: Death::Killed });
        let up_at = self.course.world.now() + DOWN;
        while self.course.world.now() < up_at || self.course.model.is_both(self.partition) {
            self.step()?;
            self.course.be_in_time(up_at + BACK_MAX, "the loss of the slow node is not noticed")?;
        }
        self.course.world.carry_out(Step::Up(host));
        let deadline = self.course.world.now() + BACK_MAX;
        while !self.acts_on_both() {
            self.step()?;
            if self.course.world.now() >= deadline {
                let detail = format!(
                    "{BACK_MAX:?} after {host} is up again, {} is not both again, under load",
                    self.partition,
                );
                return Err(self.course.is_not_back(detail));
            }
        }
        let deadline = self.course.world.now() + BACK_MAX;
        while !self.course.unanswered.are_all_idle(NewUsers::Loaded) {
            self.course.step()?;
            self.course.be_in_time(deadline, "updates of the load have no answer")?;
        }
        Ok(())
    }

    /// Whether both copies act on the view *both*, level or not.
    fn acts_on_both(&self) -> bool {
        let model = &self.course.model;
        let view = model.published.get(&self.partition);
        let acts = |member| model.copy(self.partition, member).acting.as_ref() == view;
        model.is_both(self.partition) && Member::ALL.into_iter().all(acts)
    }

    /// Gives each idle client another operation, and lets a tick pass.
    fn step(&mut self) -> Result<(), Failure> {
        for client in 0..CLIENTS.min(self.course.plan.swarm.clients) {
            if self.course.unanswered.is_idle(NewUsers::Loaded, client) {
                let update = self.next_update();
                self.course.ask(client, update);
            }
        }
        self.course.step()
    }

    /// Creates each user, then changes one after the other.
    fn next_update(&mut self) -> Input {
        self.asked += 1;
        let number = self.asked;
        let id = self.users[number % self.users.len()].clone();
        let name = format!("load {number}");
        if number > self.users.len() {
            let patch = Patch { name: Some(name), ..Patch::default() };
            return Input::Change { id, patch, if_match: None, if_none_match: None };
        }
        let group = u32::try_from(number).unwrap_or_else(|_| unreachable!("users are few"));
        Input::Create { fields: Fields { name, email: format!("{id}@example.org"), group }, id }
    }
}
