//! The return of everything needed, within a bounded time.

use protocol::id::PartitionId;
use protocol::view::{InSync, Member};

use super::borne::Limits;
use super::course::{CONVERGENCE_MAX, Course};
use crate::model::copies_of;
use crate::plan::host::Host;
use crate::plan::swarm::Core;
use crate::report::Failure;

/// Waits until everything is back, and has been so for a while.
///
/// # Errors
///
/// The first violation. Something not back in time is one.
pub(super) fn converge(course: &mut Course<'_>, core: Core) -> Result<(), Failure> {
    let calm = course.plan.swarm.calm();
    let began = course.world.now();
    let deadline = began + CONVERGENCE_MAX;
    let mut back_since = began;
    while course.world.now() < back_since + calm {
        if let Some(missing) = (Returning { limits: course.limits(), core }).missing() {
            course.be_in_time(deadline, &missing)?;
            back_since = course.world.now();
        }
        course.step()?;
    }
    course.has_converged(back_since - began);
    Ok(())
}

/// Looks for what has not come back. It changes nothing.
struct Returning<'a> {
    limits: Limits<'a>,
    /// The part healed.
    core: Core,
}

impl Returning<'_> {
    /// The first thing that has not come back yet.
    fn missing(&self) -> Option<String> {
        if let Some(host) = self.limits.world.stopping() {
            return Some(format!("{host} is stopping, and has not been started again"));
        }
        self.missing_copy().or_else(|| self.missing_link())
    }

    /// The gateway may not know yet that a link is gone, and a node may not know that the
    /// gateway is gone. The views and copies look well then.
    fn missing_link(&self) -> Option<String> {
        let is_left_out =
            |place: &usize| matches!(self.core, Core::AllBut { node } if node == *place);
        let Limits { swarm, model, .. } = &self.limits;
        let mut needed = (0..swarm.nodes).filter(|place| !is_left_out(place));
        let place = needed.find(|place| !model.is_linked_now(*place))?;
        Some(format!("{} is not back: it has no link to the gateway", Host::node_id(place)))
    }

    fn missing_copy(&self) -> Option<String> {
        let missing = self.limits.model.partitions().find(|partition| !self.is_back(*partition))?;
        Some(self.describe(missing))
    }

    /// Whether a partition is served as well as the core can.
    fn is_back(&self, partition: PartitionId) -> bool {
        let Limits { swarm, model, .. } = &self.limits;
        let home = model.ring.holder(partition, Member::Home).index();
        let next = model.ring.holder(partition, Member::Next).index();
        match self.core {
            Core::AllBut { node } if node == home => self.is_served_by_next_alone(partition),
            Core::AllBut { node } if node == next => self.is_served_by_home_alone(partition),
            // With two nodes, the cut lies between the neighbours of both partitions.
            Core::AllButLinkAfter { node }
                if node == home || (swarm.nodes == 2 && node == next) =>
            {
                self.is_served_by_home_alone(partition)
                    || self.is_served_by_next_as_home_is_lost(partition)
            }
            _ => {
                model.is_both_and_level(partition)
                    && copies_of(partition).all(|copy| !self.limits.is_rotten(copy))
            }
        }
    }

    fn describe(&self, partition: PartitionId) -> String {
        let model = self.limits.model;
        let view = model.published.get(&partition);
        let view = view.map_or("no view".to_owned(), ToString::to_string);
        let progress = |member| {
            let copy = model.copy(partition, member);
            let acting = copy.acting.map_or("no view".to_owned(), |view| view.to_string());
            let at = copy.progress.map(|progress| progress.written.to_string());
            format!("{member} acts on {acting}, at {}", at.unwrap_or_default())
        };
        let (home, next) = (progress(Member::Home), progress(Member::Next));
        format!("{partition} is not back ({:?}): published {view}; {home}; {next}", self.core)
    }

    fn is_served_by_home_alone(&self, partition: PartitionId) -> bool {
        let model = self.limits.model;
        let view = model.published.get(&partition);
        let is_alone = view.is_some_and(|view| matches!(view.in_sync, InSync::HomeOnly { .. }));
        is_alone && model.copy(partition, Member::Home).acting.as_ref() == view
    }

    /// Whether next serves alone: home has lost its data, and cannot be restored over a cut
    /// link.
    fn is_served_by_next_as_home_is_lost(&self, partition: PartitionId) -> bool {
        self.limits.model.has_no_primary(partition) && self.is_served_by_next_alone(partition)
    }

    fn is_served_by_next_alone(&self, partition: PartitionId) -> bool {
        let model = self.limits.model;
        let view = model.published.get(&partition);
        model.copy(partition, Member::Next).acting.as_ref() == view && view.is_some()
    }
}
