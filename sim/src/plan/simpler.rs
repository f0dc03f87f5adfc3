//! Simpler plans: each differs from its plan in one respect, and may still fail like it.

use super::Plan;
use super::habit::Habit;
use super::swarm::{Core, Span};

/// The shortest safety phase worth a try, in milliseconds: the cluster has to form.
const SAFETY_MS_LEAST: u64 = 4_000;

impl Plan {
    /// This plan without the faults and operations after a time.
    #[must_use]
    pub fn until(&self, at_ms: u64) -> Self {
        let mut plan = self.clone();
        plan.faults.retain(|planned| planned.at_ms <= at_ms);
        plan.operations.retain(|operation| operation.at_ms <= at_ms);
        plan
    }

    /// Simpler plans, the simplest first: fewer nodes and clients, then usual habits, a shorter
    /// run, a healed core, quick messages and disks.
    pub fn simpler(&self) -> Vec<Self> {
        let nodes = (2..self.swarm.nodes).map(|nodes| self.on_nodes(nodes));
        let halves = std::iter::successors(Some(1), |clients| Some(clients * 2));
        let fewer = halves.take_while(|clients| *clients < self.swarm.clients);
        let clients = fewer.map(|clients| self.of_clients(clients));
        let habits = Habit::ALL.iter().map(|habit| {
            let mut plan = self.clone();
            habit.leave_out(&mut plan.swarm);
            plan
        });
        let with = |change: &dyn Fn(&mut Self)| {
            let mut plan = self.clone();
            change(&mut plan);
            plan
        };
        let last = self.faults.iter().map(|planned| planned.at_ms + planned.for_ms);
        let last = last.chain(self.operations.iter().map(|operation| operation.at_ms + 1_000));
        let end_ms = last.max().unwrap_or(0).max(SAFETY_MS_LEAST);
        let others = [
            with(&|plan| plan.swarm.safety_ms = plan.swarm.safety_ms.min(end_ms)),
            with(&|plan| plan.swarm.core = Core::All),
            with(&|plan| plan.swarm.slow_disk = None),
            with(&|plan| plan.swarm.cold_percent = 0),
            with(&|plan| plan.swarm.read_ms = Span::nothing()),
            with(&|plan| plan.swarm.save_ms = Span::new(0, 1)),
            with(&|plan| plan.swarm.sync_ms = Span::new(1, 2)),
            with(&|plan| plan.swarm.latency_ms = Span::new(1, 2)),
            with(&|plan| plan.operations.iter_mut().for_each(|one| one.if_match = false)),
        ];
        let all = nodes.chain(clients).chain(habits).chain(others).chain(self.shorter_faults());
        all.filter(|plan| plan != self && plan.check().is_ok()).collect()
    }

    /// This plan on a smaller ring, without the faults of the nodes that are gone.
    fn on_nodes(&self, nodes: usize) -> Self {
        let mut plan = self.clone();
        plan.swarm.nodes = nodes;
        plan.faults
            .retain(|planned| planned.fault.hosts().iter().all(|host| host.is_in(&plan.swarm)));
        plan.swarm.slow_disk = plan.swarm.slow_disk.filter(|place| *place < nodes);
        let is_there = |node: usize| node < nodes;
        plan.swarm.core = match plan.swarm.core {
            Core::AllBut { node } | Core::AllButLinkAfter { node } if !is_there(node) => Core::All,
            core => core,
        };
        plan
    }

    /// This plan with the same operations, of fewer clients.
    fn of_clients(&self, clients: usize) -> Self {
        let mut plan = self.clone();
        plan.swarm.clients = clients;
        plan.operations.iter_mut().for_each(|operation| operation.client %= clients);
        plan
    }

    /// This plan with one fault of half its duration.
    fn shorter_faults(&self) -> impl Iterator<Item = Self> + '_ {
        let long = self.faults.iter().enumerate().filter(|(_, planned)| planned.for_ms > 100);
        long.map(|(index, _)| {
            let mut plan = self.clone();
            plan.faults[index].for_ms /= 2;
            plan
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Options;
    use super::*;

    #[test]
    fn every_simpler_plan_can_be_run_and_the_simplest_has_none() {
        for seed in 0..40 {
            let mut plan = Plan::draw(seed, &Options::default());
            let mut steps = 0;
            while let Some(simpler) = plan.simpler().into_iter().next() {
                assert_eq!(Plan::from_json(&simpler.to_json()).unwrap(), simpler);
                plan = simpler;
                steps += 1;
                assert!(steps < 2_000, "seed {seed} never ends");
            }
            assert_eq!((plan.swarm.nodes, plan.swarm.clients), (2, 1));
        }
    }

    #[test]
    fn nothing_is_left_after_a_time() {
        let plan = Plan::draw(1, &Options::default());
        let cut = plan.until(10_000);
        assert!(cut.operations.len() < plan.operations.len());
        assert!(cut.faults.iter().all(|planned| planned.at_ms <= 10_000));
    }
}
