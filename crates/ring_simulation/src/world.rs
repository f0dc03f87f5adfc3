//! The world: hosts, disks, links and clients, and the effect of each step on them.

use std::collections::BTreeMap;
use std::time::Duration;

use history::Budget;
use history::users::check_users;
use protocol::entry::Entry;
use protocol::id::{Incarnation, NodeId, PartitionId, Seq};
use protocol::message::{CallId, Request};
use protocol::view::{InSync, Member, View};
use ring_core::gateway::{ClusterState, Gateway, GatewayEvent};
use ring_core::link::LinkId;
use ring_core::node::{DialNext, Node, NodeEvent};
use ring_core::placement::Ring;
use ring_core::store::Mark;
use ring_core::time::Time;
use uuid::Uuid;

use crate::client::Clients;
use crate::disk::{CopyOnDisk, Disk};
use crate::network::{Ends, Network};
use crate::reads::Read;
use crate::rules::KnownViews;
use crate::schedule::{Action, Plan, WhoKnows};
use crate::totals::Totals;

/// The longest time between two turns of a process.
const STEP_MAX: Duration = Duration::from_millis(500);

const TIME_ALLOWED: Duration = Duration::from_secs(5);

pub(crate) struct Host {
    pub(crate) id: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) disk: Disk,
    pub(crate) node: Option<Node>,
    pub(crate) boots: u64,
    pub(crate) syncing: Option<Mark>,
    pub(crate) reads: Vec<Read>,
    pub(crate) dialling: Option<DialNext>,
}

#[derive(Debug, Default)]
pub(crate) struct GatewayDisk {
    pub(crate) durable: Option<ClusterState>,
    pub(crate) saving: Option<ClusterState>,
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Host>,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) gateway_disk: GatewayDisk,
    pub(crate) clients: Clients,
    pub(crate) seen: KnownViews,
    pub(crate) totals: Totals,
    pub(crate) log: Vec<String>,
    pub(crate) ring: Ring,
    pub(crate) log_entries_kept: u64,
    pub(crate) is_cold: bool,
    pub(crate) has_operator: bool,
    pub(crate) network: Network,
    pub(crate) gateway_boots: u64,
    pub(crate) elapsed: Duration,
    /// The requests sent over each link without a reply yet.
    pub(crate) requests: BTreeMap<(LinkId, CallId), Request>,
    pub(crate) sent_updates: BTreeMap<protocol::id::RequestId, u32>,
    /// Every entry made by a home copy, unless another entry has replaced it at the same seq.
    pub(crate) archive: BTreeMap<PartitionId, BTreeMap<Seq, Entry>>,
    /// How many times a node got new data.
    pub(crate) incarnations: u128,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let ids =
            (0..plan.nodes).map(|i| format!("db-{i}").parse().unwrap()).collect::<Vec<NodeId>>();
        let host = |(i, id): (usize, &NodeId)| Host {
            id: id.clone(),
            incarnation: Incarnation(Uuid::from_u128(100 + i as u128)),
            disk: Disk::new(plan.is_cold),
            node: None,
            boots: 0,
            syncing: None,
            reads: Vec::new(),
            dialling: None,
        };
        let mut world = Self {
            now: Time::ZERO,
            nodes: ids.iter().enumerate().map(host).collect(),
            gateway: None,
            gateway_disk: GatewayDisk::default(),
            clients: Clients::default(),
            seen: KnownViews::default(),
            totals: Totals { schedules: 1, ..Totals::default() },
            log: Vec::new(),
            ring: Ring::new(ids).unwrap(),
            log_entries_kept: plan.log_entries_kept,
            is_cold: plan.is_cold,
            has_operator: plan.has_operator,
            network: Network::default(),
            gateway_boots: 0,
            elapsed: Duration::ZERO,
            requests: BTreeMap::new(),
            sent_updates: BTreeMap::new(),
            archive: BTreeMap::new(),
            incarnations: 0,
        };
        world.start_gateway();
        for node in 0..plan.nodes {
            world.start_node(node);
        }
        world.settle();
        world
    }

    pub(crate) fn play(&mut self, action: &Action) {
        self.log.push(format!("{:?} {action:?}", self.elapsed));
        let count = self.nodes.len();
        match *action {
            Action::Deliver { queue, count } => self.deliver_some(queue, count),
            Action::DeliverAll => self.deliver_all(),
            Action::Sync { node } => self.sync(node % count),
            Action::Read { node, nth } => self.read(node % count, nth),
            Action::SaveReturns => self.save_returns(),
            Action::Pass { time } => self.pass(time),
            Action::Client { operation, user } => {
                if self.gateway.is_some() {
                    let (ticket, request) = self.clients.ask(self.now_ns(), operation, user);
                    let time_allowed = TIME_ALLOWED;
                    self.gateway_event(GatewayEvent::Submit { ticket, request, time_allowed });
                }
            }
            Action::BreakLink { link, who_knows } => self.break_some_link(link, who_knows),
            Action::Cut { ends } => self.cut(ends),
            Action::HealCuts => self.network.cut.clear(),
            Action::Kill { node } => self.kill_node(node % count),
            Action::PowerLoss { node, kept } => {
                if self.nodes[node % count].node.is_some() {
                    self.kill_node(node % count);
                    self.nodes[node % count].disk.power_loss(kept);
                    self.forget_views_that_nobody_has();
                }
            }
            Action::LoseData { node } => self.lose_data(node % count),
            Action::Rot { node, user, of_home } => {
                let member = if of_home { Member::Home } else { Member::Next };
                self.rot(node % count, member, user);
            }
            Action::AcceptLoss { node, of_home } => {
                let member = if of_home { Member::Home } else { Member::Next };
                self.accept_loss(node % count, member);
            }
            Action::LoseState => self.lose_state(),
            Action::Start { node } => self.start_node(node % count),
            Action::KillGateway => self.kill_gateway(),
            Action::StartGateway => self.start_gateway(),
        }
        self.check_always();
    }

    /// All faults end. Within bounded time every partition must be *both* again, with identical
    /// copies.
    pub(crate) fn heal(&mut self) {
        self.log.push("heal".to_owned());
        self.network.cut.clear();
        self.start_gateway();
        for node in 0..self.nodes.len() {
            self.start_node(node);
        }
        // Heartbeats would find each link with only one open end.
        let broken =
            self.network.links.iter().filter(|(_, link)| !(link.client_open && link.server_open));
        for link in broken.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
        for _ in 0..60 {
            self.heal_for_a_while();
        }
        self.operate();
        for partition in self.partitions() {
            let state = self.gateway_disk.durable.as_ref().expect("formed");
            let view = state.view(partition).expect("a view");
            assert!(
                matches!(view.in_sync, InSync::Both { .. }),
                "not both again after the faults ended: {view}"
            );
        }
        assert_eq!(self.clients.waiting(), 0, "requests outlive their deadline");
    }

    pub(crate) fn heal_for_a_while(&mut self) {
        self.pass(Duration::from_millis(200));
        self.settle();
        self.check_always();
    }

    pub(crate) fn judge(&mut self) {
        self.check_finally();
        let verdict = check_users(&self.clients.history(), Budget::steps(2_000_000));
        assert!(verdict.is_good(), "{:#?}", verdict);
        self.totals.checker_steps += verdict.linearizability.steps;
        self.totals.done += self.clients.done;
        self.totals.not_done += self.clients.not_done;
        self.totals.unknown += self.clients.unknown;
        self.totals.resent += self.sent_updates.values().filter(|count| **count > 1).count() as u64;
    }

    pub(crate) fn now_ns(&self) -> u64 {
        u64::try_from(self.elapsed.as_nanos()).unwrap()
    }

    /// Delivers, reads, syncs and saves until nothing moves any more.
    pub(crate) fn settle(&mut self) {
        for _ in 0..200 {
            self.connect();
            self.deliver_all();
            self.save_returns();
            let mut moved = false;
            for node in 0..self.nodes.len() {
                moved |= !self.nodes[node].reads.is_empty();
                self.read_all(node);
                while self.nodes[node].syncing.is_some()
                    || self.nodes[node].disk.written().is_some()
                {
                    if self.nodes[node].node.is_none() {
                        break;
                    }
                    self.sync(node);
                    moved = true;
                }
            }
            if !moved && self.queues().is_empty() && self.gateway_disk.saving.is_none() {
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Lets time pass in short steps. Every process has its turn in each step, so none stands
    /// still.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.elapsed + time;
        while self.elapsed < end {
            self.step(STEP_MAX.min(end - self.elapsed));
        }
        self.connect();
    }

    fn step(&mut self, time: Duration) {
        self.elapsed += time;
        self.now = Time::at(self.elapsed);
        // Timers may fire late but never fail to fire, as with any clock.
        for node in 0..self.nodes.len() {
            let due = self.nodes[node].node.as_ref().and_then(Node::next_deadline);
            if due.is_some_and(|due| due <= self.now) {
                self.node_event(node, NodeEvent::Tick);
            }
            let due = self.nodes[node].node.as_ref().and_then(Node::next_deadline);
            assert!(due.is_none_or(|due| due > self.now), "db-{node} would tick for ever");
        }
        let due = self.gateway.as_ref().and_then(|gateway| gateway.next_deadline(self.now));
        if due.is_some_and(|due| due <= self.now) {
            self.gateway_event(GatewayEvent::Tick);
        }
    }

    pub(crate) fn partitions(&self) -> Vec<PartitionId> {
        self.ring.places().map(|place| place.partition()).collect()
    }

    pub(crate) fn holder(&self, partition: PartitionId, member: Member) -> usize {
        self.ring.holder(partition, member).index()
    }

    pub(crate) fn durable_copy(&self, partition: PartitionId, member: Member) -> &CopyOnDisk {
        self.nodes[self.holder(partition, member)].disk.durable.copy(member)
    }

    pub(crate) fn current_copy(&self, partition: PartitionId, member: Member) -> &CopyOnDisk {
        self.nodes[self.holder(partition, member)].disk.current.copy(member)
    }

    pub(crate) fn acting_view(&self, node: usize, member: Member) -> Option<View> {
        let node = self.nodes[node].node.as_ref()?;
        match member {
            Member::Home => node.home()?.view().copied(),
            Member::Next => node.next()?.view().copied(),
        }
    }

    pub(crate) fn home_committed(&self, partition: PartitionId) -> Seq {
        let node = self.nodes[self.holder(partition, Member::Home)].node.as_ref();
        node.and_then(Node::home).map_or(Seq::ZERO, |home| home.progress().committed)
    }

    /// Whether the gateway regards a link of the node as open.
    pub(crate) fn is_linked_at_gateway(&self, node: usize) -> bool {
        let ends = Ends::Gateway { node };
        self.network.links.values().any(|link| link.ends == ends && link.server_open)
    }
}
