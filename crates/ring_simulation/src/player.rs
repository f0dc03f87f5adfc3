//! Plays a schedule to a simulation: each action, then the end of all faults, then the judgement.

use std::time::Duration;

use history::Budget;
use history::users::check_users;
use protocol::view::Member;
use ring_core::placement::Place;

use crate::clients::user;
use crate::faults::Faults;
use crate::operator::Operator;
use crate::rot::Rot;
use crate::rules::AtTheEnd;
use crate::schedule::{Action, ClientOperation, WhoKnows};
use crate::simulation::Simulation;

/// How many steps all partitions have to come back by themselves.
const STEPS_TO_HEAL: usize = 60;

/// The time of one of these steps.
const STEP: Duration = Duration::from_millis(200);

/// The most steps of the checker of histories.
const CHECKER_STEPS_MAX: u64 = 2_000_000;

/// Plays a schedule to a simulation.
pub(crate) struct Player<'a> {
    pub(crate) simulation: &'a mut Simulation,
    pub(crate) has_operator: bool,
}

impl Player<'_> {
    /// Plays one action.
    pub(crate) fn play(&mut self, action: &Action) {
        let simulation = &mut *self.simulation;
        simulation.log.push(format!("{:?} {action:?}", simulation.clock.elapsed()));
        let places = simulation.machines.places().collect::<Vec<_>>();
        let place = |number: usize| places[number % places.len()];
        match *action {
            Action::Deliver { queue, count } => self.deliver(queue, count),
            Action::DeliverAll => self.simulation.deliver_all(),
            Action::Sync { node } => self.simulation.sync(place(node)),
            Action::Read { node, nth } => self.simulation.read(place(node), nth),
            Action::SaveReturns => self.simulation.save_returns(),
            Action::Pass { time } => self.simulation.pass(time),
            Action::Client { operation, user } => self.ask(operation, user),
            Action::BreakLink { link, who_knows } => self.faults().break_some_link(link, who_knows),
            Action::Cut { ends } => self.faults().cut(ends),
            Action::HealCuts => self.simulation.network.heal_cuts(),
            Action::Kill { node } => self.faults().kill_node(place(node)),
            Action::PowerLoss { node, kept } => self.faults().power_loss(place(node), kept),
            Action::LoseData { node } => self.faults().lose_data(place(node)),
            Action::Rot { node, user, member } => self.rot(place(node), member, user),
            Action::AcceptLoss { node, member } => self.accept_loss(place(node), member),
            Action::LoseState => self.faults().lose_state(),
            Action::Start { node } => self.simulation.start_node(place(node)),
            Action::KillGateway => self.faults().kill_gateway(),
            Action::StartGateway => self.simulation.start_gateway(),
        }
        self.simulation.check();
    }

    /// Delivers messages of one queue.
    fn deliver(&mut self, nth: usize, count: usize) {
        let mut queues = self.simulation.network.queues().collect::<Vec<_>>();
        let Some(at) = nth.checked_rem(queues.len()) else { return };
        let queue = queues.swap_remove(at);
        for _ in 0..count {
            self.simulation.deliver(queue);
        }
    }

    /// A client makes a request, if there is a gateway.
    fn ask(&mut self, operation: ClientOperation, user: u8) {
        let Simulation { clock, gateway, clients, .. } = &mut *self.simulation;
        if gateway.gateway().is_some() {
            let submitted = clients.ask(clock.now_ns(), operation, user);
            self.simulation.gateway_event(submitted);
        }
    }

    fn rot(&mut self, place: Place, member: Member, number: u8) {
        let Simulation { machines, gateway, views, totals, .. } = &mut *self.simulation;
        Rot { machines, gateway, views, has_operator: self.has_operator, totals }.spoil(
            place,
            member,
            &user(number),
        );
    }

    fn accept_loss(&mut self, place: Place, member: Member) {
        if self.has_operator {
            Operator { simulation: self.simulation }.accept_loss(place, member);
        }
    }

    fn faults(&mut self) -> Faults<'_> {
        Faults { simulation: self.simulation }
    }

    /// All faults end. Within bounded time every partition must be *both* again, with identical
    /// copies.
    pub(crate) fn heal(&mut self) {
        let simulation = &mut *self.simulation;
        simulation.log.push("heal".to_owned());
        simulation.network.heal_cuts();
        simulation.start_gateway();
        for place in simulation.machines.places() {
            simulation.start_node(place);
        }
        // Heartbeats would find each link with only one open end.
        for link in simulation.network.half_open_links() {
            simulation.break_link(link, WhoKnows::Both);
        }
        for _ in 0..STEPS_TO_HEAL {
            simulation.pass_and_settle(STEP);
        }
        if self.has_operator {
            Operator { simulation }.restore();
        }
    }

    /// Judges the run after its end.
    pub(crate) fn judge(&mut self) {
        let Simulation { machines, gateway, clients, archive, requests, totals, .. } =
            &mut *self.simulation;
        AtTheEnd { machines, gateway: &gateway.disk, clients, archive }.check();
        let verdict = check_users(&clients.history(), Budget::steps(CHECKER_STEPS_MAX));
        assert!(verdict.is_good(), "{:#?}", verdict);
        totals.checker_steps += verdict.linearizability.steps;
        totals.done += clients.done;
        totals.not_done += clients.not_done;
        totals.unknown += clients.unknown;
        totals.resent += requests.resent();
    }
}
