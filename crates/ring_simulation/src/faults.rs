//! Faults: processes that die, machines that lose power or data, links that break.

use ring_core::placement::Place;

use crate::gateway::SaveAtDeath;
use crate::network::Ends;
use crate::promises::Promises;
use crate::schedule::WhoKnows;
use crate::simulation::Simulation;

/// Makes faults happen in a simulation. A fault may concern every part: whoever is left learns of
/// it at once, and acts on it.
pub(crate) struct Faults<'a> {
    pub(crate) simulation: &'a mut Simulation,
}

impl Faults<'_> {
    /// Kills a node. Unsynced writes stay.
    pub(crate) fn kill_node(&mut self, place: Place) {
        if self.simulation.machines.at(place).node().is_none() {
            return;
        }
        self.simulation.machines.at_mut(place).kill();
        self.simulation.totals.node_deaths += 1;
        for link in self.simulation.network.links_of_node(place) {
            // The kernel of a killed process tells its peers at once. The messages under way are
            // lost.
            self.simulation.network.close_end_at(link, place);
            self.simulation.break_link(link, WhoKnows::Both);
        }
    }

    /// Kills a node, and loses its unsynced writes except the first `kept` ones.
    pub(crate) fn power_loss(&mut self, place: Place, kept: usize) {
        if self.simulation.machines.at(place).node().is_some() {
            self.kill_node(place);
            self.simulation.machines.at_mut(place).disk.power_loss(kept);
            self.forget_lost_views();
        }
    }

    /// Destroys the disk of a machine, if the design promises to survive the loss of each copy on
    /// it.
    pub(crate) fn lose_data(&mut self, place: Place) {
        if !self.promises().survive_loss_of_disk(place) {
            return;
        }
        self.kill_node(place);
        self.simulation.totals.data_losses += 1;
        self.simulation.machines.lose_disk(place);
    }

    /// Kills the gateway, if the design promises to survive this.
    pub(crate) fn kill_gateway(&mut self) {
        let is_borne = self.promises().survive_end_of_gateway();
        if self.simulation.gateway.gateway().is_none() || !is_borne {
            return;
        }
        // The atomic replacement of the file may or may not be durable. The elapsed time
        // decides.
        let is_durable = self.simulation.clock.elapsed().as_millis().is_multiple_of(2);
        let save = if is_durable { SaveAtDeath::Durable } else { SaveAtDeath::Lost };
        self.simulation.gateway.kill(save);
        self.simulation.totals.gateway_deaths += 1;
        self.simulation.clients.abandon_open();
        self.simulation.requests.abandon_open();
        for link in self.simulation.network.links_of_gateway() {
            self.simulation.break_link(link, WhoKnows::Both);
        }
    }

    /// Kills the gateway and deletes its state, if its nodes know enough to rebuild it.
    pub(crate) fn lose_state(&mut self) {
        let promises = self.promises();
        if !promises.survive_loss_of_state() || !promises.survive_end_of_gateway() {
            return;
        }
        self.kill_gateway();
        self.simulation.gateway.disk.durable = None;
        self.simulation.totals.state_losses += 1;
        self.forget_lost_views();
    }

    /// Breaks one of the links.
    pub(crate) fn break_some_link(&mut self, nth: usize, who_knows: WhoKnows) {
        if let Some(link) = self.simulation.network.any_link(nth) {
            self.simulation.totals.broken_links += 1;
            self.simulation.break_link(link, who_knows);
        }
    }

    /// Breaks the links between two machines, and keeps them from connecting again.
    pub(crate) fn cut(&mut self, nth: usize) {
        let machines = &self.simulation.machines;
        let place = machines.place(nth / 2);
        let ends = if nth.is_multiple_of(2) {
            Ends::Gateway { node: place }
        } else {
            Ends::Neighbours { home: place, next: machines.ring().next(place) }
        };
        self.simulation.network.cut(ends);
        for link in self.simulation.network.links_between(ends) {
            self.simulation.break_link(link, WhoKnows::Both);
        }
    }

    fn forget_lost_views(&mut self) {
        let Simulation { views, machines, gateway, .. } = &mut *self.simulation;
        views.forget_lost(machines, &gateway.disk);
    }

    fn promises(&self) -> Promises<'_> {
        let Simulation { machines, gateway, views, .. } = &*self.simulation;
        Promises { machines, gateway, views }
    }
}
