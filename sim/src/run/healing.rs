//! The faults end: all of them, or all but the part that the rest can do without. Then
//! everything that can be served comes back.

use std::time::Duration;

use protocol::id::PartitionId;
use protocol::view::{InSync, Member};

use super::{CONVERGENCE_MAX, Run};
use crate::checks::Check;
use crate::checks::convergence::Convergence;
use crate::model::named;
use crate::plan::host::Host;
use crate::plan::step::{Condition, Death, Step};
use crate::plan::swarm::Core;
use crate::report::Failure;
use crate::seen::Phase;
use crate::violation::Finding;

/// A margin, added to the time in which the loss of a link is noticed.
const CALM: Duration = Duration::from_secs(1);

impl Run<'_> {
    /// How long a dead link may look alive, with a margin: a cut is noticed by then.
    pub(super) fn calm(&self) -> Duration {
        let swarm = &self.plan.swarm;
        Duration::from_millis(swarm.heartbeat_interval_ms + swarm.heartbeat_timeout_ms) + CALM
    }

    /// Ends the faults. Returns the core: the part healed.
    pub(super) fn heal(&mut self) -> Result<Core, Failure> {
        self.begin(Phase::Liveness);
        let wanted = self.plan.swarm.core;
        let core = match wanted {
            // The part left broken may be needed to repair the damaged row.
            _ if self.is_anything_rotten() => Core::All,
            Core::AllBut { node } if !self.can_lose(node)? => Core::All,
            core => core,
        };
        match core {
            Core::All => self.world.heal(None),
            Core::AllBut { node } => self.world.heal(Some(Host::Node(node))),
            Core::AllButLinkAfter { node } => {
                self.world.heal(None);
                let next = Host::Node((node + 1) % self.plan.swarm.nodes);
                let cut = Condition::Cut(Host::Node(node), next);
                self.world.carry_out(Step::Begin(cut));
            }
        }
        Ok(core)
    }

    /// Takes a node down. Returns whether each partition has a copy in sync without it, once
    /// the gateway has noticed.
    fn can_lose(&mut self, node: usize) -> Result<bool, Failure> {
        let how = Death::Killed;
        self.world.carry_out(Step::Down { host: Host::Node(node), how });
        let noticed_by = self.world.now() + self.calm();
        while self.world.now() < noticed_by
            && (self.is_linked(node) || !self.model.deciding.is_empty())
        {
            self.step()?;
        }
        let is_settled = !self.is_linked(node) && self.model.deciding.is_empty();
        Ok(is_settled && self.is_enough_without(node))
    }

    /// Whether a node has a link to the gateway started last. No plan with a forked gateway
    /// comes this far.
    fn is_linked(&self, node: usize) -> bool {
        let place = self.model.ring.places().nth(node);
        let link = self.model.gateway.zip(place);
        link.is_some_and(|(gateway, place)| self.model.is_linked(gateway, place))
    }

    /// Whether each partition has a copy in sync without a node, by the views saved by the
    /// controller.
    fn is_enough_without(&self, node: usize) -> bool {
        let is_enough = |partition: PartitionId| {
            let mut others = [Member::Home, Member::Next]
                .into_iter()
                .filter(|member| self.model.ring.holder(partition, *member).index() != node);
            let view = self.model.saved.get(&partition);
            view.is_some_and(|view| {
                others.any(|member| {
                    let named = named(view.in_sync, member);
                    named.is_some() && named == self.data_of(partition, member)
                })
            })
        };
        self.model.partitions().all(is_enough)
    }

    pub(super) fn converge(&mut self, core: Core) -> Result<(), Failure> {
        let began = self.world.now();
        let deadline = began + CONVERGENCE_MAX;
        let mut back_since = began;
        while self.world.now() < back_since + self.calm() {
            if let Some(missing) = self.missing(core) {
                self.be_in_time(deadline, &missing)?;
                back_since = self.world.now();
            }
            self.step()?;
        }
        self.counter.converged(back_since - began);
        Ok(())
    }

    /// The first thing that has not come back yet.
    fn missing(&self, core: Core) -> Option<String> {
        if let Some(host) = self.world.stopping() {
            return Some(format!("{host} is stopping, and has not been started again"));
        }
        self.missing_copy(core).or_else(|| self.missing_link(core))
    }

    /// The gateway may not know yet that a link is gone, and a node may not know that the
    /// gateway is gone. The views and copies look well then.
    fn missing_link(&self, core: Core) -> Option<String> {
        let is_left_out = |place: &usize| matches!(core, Core::AllBut { node } if node == *place);
        let mut needed = (0..self.plan.swarm.nodes).filter(|place| !is_left_out(place));
        let place = needed.find(|place| !self.is_linked(*place))?;
        Some(format!("{} is not back: it has no link to the gateway", Host::node_id(place)))
    }

    fn missing_copy(&self, core: Core) -> Option<String> {
        self.model.partitions().find_map(|partition| {
            let home = self.model.ring.holder(partition, Member::Home).index();
            let next = self.model.ring.holder(partition, Member::Next).index();
            let is_back = match core {
                Core::AllBut { node } if node == home => self.is_served_by_next_alone(partition),
                Core::AllBut { node } if node == next => self.is_served_by_home_alone(partition),
                // With two nodes, the cut lies between the neighbours of both partitions.
                Core::AllButLinkAfter { node }
                    if node == home || (self.plan.swarm.nodes == 2 && node == next) =>
                {
                    self.is_served_by_home_alone(partition)
                        || self.is_served_by_next_as_home_is_lost(partition)
                }
                _ => {
                    self.model.is_both_and_level(partition)
                        && Member::ALL.into_iter().all(|member| !self.is_rotten(partition, member))
                }
            };
            (!is_back).then(|| {
                let view = self.model.published.get(&partition);
                let view = view.map_or("no view".to_owned(), ToString::to_string);
                let progress = |member| {
                    let copy = self.model.copy(partition, member);
                    let acting = copy.acting.map_or("no view".to_owned(), |view| view.to_string());
                    let at = copy.progress.map(|progress| progress.written.to_string());
                    format!("{member} acts on {acting}, at {}", at.unwrap_or_default())
                };
                let (home, next) = (progress(Member::Home), progress(Member::Next));
                format!("{partition} is not back ({core:?}): published {view}; {home}; {next}")
            })
        })
    }

    fn is_served_by_home_alone(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        let is_alone = view.is_some_and(|view| matches!(view.in_sync, InSync::HomeOnly { .. }));
        is_alone && self.model.copy(partition, Member::Home).acting.as_ref() == view
    }

    /// Whether next serves alone: home has lost its data, and cannot be restored over a cut
    /// link.
    fn is_served_by_next_as_home_is_lost(&self, partition: PartitionId) -> bool {
        self.has_no_primary(partition) && self.is_served_by_next_alone(partition)
    }

    /// Whether updates of a partition are turned away until its home is restored.
    pub(super) fn has_no_primary(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        view.is_some_and(|view| matches!(view.in_sync, InSync::NextOnly { .. }))
    }

    fn is_served_by_next_alone(&self, partition: PartitionId) -> bool {
        let view = self.model.published.get(&partition);
        self.model.copy(partition, Member::Next).acting.as_ref() == view && view.is_some()
    }

    pub(super) fn be_in_time(&self, deadline: Duration, missing: &str) -> Result<(), Failure> {
        if self.world.now() < deadline {
            return Ok(());
        }
        let detail = format!("{CONVERGENCE_MAX:?} after the faults have ended, {missing}");
        Err(Finding::liveness(self.log.now(), detail).breaks(Convergence.rule()).into())
    }
}
