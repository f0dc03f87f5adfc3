//! Carries out the steps of a fault in the world, and ends the conditions begun by them.

use std::time::Duration;

use process::threads::Blocking;

use super::World;
use super::state::StateDisk;
use crate::plan::host::Host;
use crate::plan::step::{Condition, Death, Step};
use crate::seen::{Seen, WorldDid};

impl World {
    /// Carries out a step.
    pub(crate) fn carry_out(&mut self, step: Step) {
        self.last_step = self.now();
        match step {
            Step::Down { host, how } => {
                self.log.tell(Seen::World(WorldDid::Kills(host, how)));
                if how != Death::Killed && self.gone.insert(host) {
                    self.network.begin(&self.sim, Condition::Gone(host));
                }
                self.end_process(host, how);
                *self.down.entry(host).or_default() += 1;
            }
            Step::Stop(host) => self.machine(host).stop(),
            Step::Up(host) => {
                let reasons = self.down.entry(host).or_default();
                *reasons = reasons.saturating_sub(1);
                if *reasons == 0 {
                    self.start(host);
                }
            }
            Step::Leap(host, ms) => {
                let end = self.now() + Duration::from_millis(ms);
                self.machine(host).clock().stands_still_until(end);
            }
            Step::Begin(condition) => self.begin(condition),
            Step::End(condition) => self.end(condition),
            Step::Corrupt(host, rot) => {
                if self.machine(host).faults().corrupt(rot) {
                    let did = WorldDid::Corrupts(host, rot.member, rot.row);
                    self.log.tell(Seen::World(did));
                }
            }
            Step::Arm(host, error) => self.machine(host).faults().arm(error),
            Step::Disarm(host) => self.machine(host).faults().disarm(),
            Step::SecondGateway(led) => self.second_gateway(led),
        }
    }

    fn begin(&mut self, condition: Condition) {
        self.log.tell(Seen::World(WorldDid::Begins(condition.clone())));
        self.network.begin(&self.sim, condition.clone());
        match condition {
            Condition::Paused(host) | Condition::Hung(host) | Condition::HungReads(host) => {
                self.stall(host);
            }
            Condition::Full(host) => self.machine(host).faults().fill(),
            Condition::Undecodable(host, user) => {
                if let Some(undecodable) = self.machine(host).undecodable() {
                    undecodable.add(&user);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, condition: Condition) {
        self.log.tell(Seen::World(WorldDid::Ends(condition.clone())));
        self.network.end(&self.sim, &condition);
        // The same condition may be present twice.
        if self.network.any(|other| *other == condition) {
            return;
        }
        match condition {
            Condition::Paused(host) | Condition::Hung(host) | Condition::HungReads(host) => {
                self.stall(host);
            }
            Condition::Full(host) => self.machine(host).faults().free(),
            Condition::Undecodable(host, user) => {
                if let Some(undecodable) = self.machine(host).undecodable() {
                    undecodable.remove(&user);
                }
            }
            _ => {}
        }
    }

    /// Sets whether blocking calls of a machine return, by all its present conditions.
    fn stall(&self, host: Host) {
        let conditions = [
            (Condition::Paused(host), &Blocking::ALL[..]),
            (Condition::Hung(host), &[Blocking::Write, Blocking::Sync, Blocking::Save][..]),
            (Condition::HungReads(host), &[Blocking::Read][..]),
        ];
        let present = conditions
            .into_iter()
            .filter(|(condition, _)| self.network.any(|other| other == condition));
        let stalled = present.flat_map(|(_, kinds)| kinds.iter().copied());
        self.machine(host).stall().set(stalled.collect());
    }

    fn second_gateway(&mut self, led: Option<Vec<Host>>) {
        let second = self.machine(Host::SecondGateway);
        self.end_process(Host::SecondGateway, Death::Killed);
        let Some(led) = led else {
            self.names.lead([]);
            return second.set_state(None);
        };
        let state = self.machine(Host::Gateway).state().filter(StateDisk::is_taken);
        second.set_state(if led.is_empty() { state } else { state.map(|state| state.copy()) });
        for node in &led {
            // The node loses its link, and finds the other gateway when it dials.
            self.begin(Condition::Cut(Host::Gateway, *node));
        }
        let heal = led.iter().map(|node| Step::End(Condition::Cut(Host::Gateway, *node)));
        for step in heal.collect::<Vec<_>>() {
            self.agenda.add(self.now() + Duration::from_secs(3), step);
        }
        self.names.lead(led);
        self.start(Host::SecondGateway);
    }

    /// Ends the process of a host, if one runs.
    pub(super) fn end_process(&mut self, host: Host, death: Death) {
        let machine = self.machine(host);
        machine.dies(death);
        if self.sim.is_host_running(host.to_string()) {
            self.sim.crash(host.to_string());
        }
        machine.has_died();
    }

    fn start(&mut self, host: Host) {
        if self.gone.remove(&host) {
            self.network.end(&self.sim, &Condition::Gone(host));
        }
        if !self.sim.is_host_running(host.to_string()) {
            self.sim.bounce(host.to_string());
        }
    }

    /// Ends all faults. One host may stay down.
    pub(crate) fn heal(&mut self, kept_down: Option<Host>) {
        self.agenda.clear();
        for condition in self.network.all() {
            match condition {
                Condition::Gone(_) => {}
                condition => self.end(condition),
            }
        }
        for machine in self.machines.values() {
            machine.faults().disarm();
        }
        self.second_gateway(None);
        let down = std::mem::take(&mut self.down).into_iter().filter(|(_, reasons)| *reasons > 0);
        for (host, _) in down {
            if Some(host) == kept_down {
                self.down.insert(host, 1);
            } else {
                self.start(host);
            }
        }
    }
}
