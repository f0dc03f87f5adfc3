//! The world: hosts, disks, links and clients, and what a step does to them.

use std::collections::BTreeMap;
use std::time::Duration;

use history::Budget;
use history::users::check_users;
use protocol::hello::NodeHello;
use protocol::id::{Boot, ClusterId, GatewayBoot, Incarnation, NodeId, PartitionId, Seq};
use protocol::message::{CallId, FromNode, Request, ToNode};
use protocol::refusal::Remedy;
use protocol::view::{InSync, Member, View};
use ring::controller::ClusterState;
use ring::gateway::{Gateway, GatewayEffect, GatewayEvent, GatewaySettings};
use ring::link::LinkId;
use ring::node::{DialNext, Node, NodeEffect, NodeEvent, NodeIdentity, NodeSettings};
use ring::placement::Ring;
use ring::store::Mark;
use ring::time::Time;
use uuid::Uuid;

use crate::client::Clients;
use crate::disk::{CopyOnDisk, Disk};
use crate::network::{Ends, Message, Network};
use crate::rules::Seen;
use crate::schedule::{Action, Plan, WhoKnows};

const TIME_ALLOWED: Duration = Duration::from_secs(5);

pub(crate) struct Host {
    pub(crate) id: NodeId,
    pub(crate) incarnation: Incarnation,
    pub(crate) disk: Disk,
    pub(crate) node: Option<Node>,
    boots: u64,
    syncing: Option<Mark>,
    dialling: Option<DialNext>,
}

#[derive(Debug, Default)]
pub(crate) struct GatewayDisk {
    pub(crate) durable: Option<ClusterState>,
    pub(crate) saving: Option<ClusterState>,
}

/// What happened, to see that enough did.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) schedules: u64,
    pub(crate) done: u64,
    pub(crate) not_done: u64,
    pub(crate) unknown: u64,
    pub(crate) view_changes: u64,
    pub(crate) reads_at_home: u64,
    pub(crate) reads_at_next: u64,
    pub(crate) fenced: u64,
    pub(crate) resent: u64,
    pub(crate) node_deaths: u64,
    pub(crate) gateway_deaths: u64,
    pub(crate) broken_links: u64,
    pub(crate) checker_steps: u64,
}

pub(crate) struct World {
    pub(crate) now: Time,
    pub(crate) nodes: Vec<Host>,
    pub(crate) gateway: Option<Gateway>,
    pub(crate) gateway_disk: GatewayDisk,
    pub(crate) clients: Clients,
    pub(crate) seen: Seen,
    pub(crate) totals: Totals,
    pub(crate) log: Vec<String>,
    ring: Ring,
    network: Network,
    gateway_boots: u64,
    elapsed: Duration,
    /// The requests that were sent over each link and not replied to.
    requests: BTreeMap<(LinkId, CallId), Request>,
    sent_updates: BTreeMap<protocol::id::RequestId, u32>,
}

impl World {
    pub(crate) fn new(plan: &Plan) -> Self {
        let ids =
            (0..plan.nodes).map(|i| format!("db-{i}").parse().unwrap()).collect::<Vec<NodeId>>();
        let host = |(i, id): (usize, &NodeId)| Host {
            id: id.clone(),
            incarnation: Incarnation(Uuid::from_u128(100 + i as u128)),
            disk: Disk::default(),
            node: None,
            boots: 0,
            syncing: None,
            dialling: None,
        };
        let mut world = Self {
            now: Time::ZERO,
            nodes: ids.iter().enumerate().map(host).collect(),
            gateway: None,
            gateway_disk: GatewayDisk::default(),
            clients: Clients::default(),
            seen: Seen::default(),
            totals: Totals { schedules: 1, ..Totals::default() },
            log: Vec::new(),
            ring: Ring::new(ids).unwrap(),
            network: Network::default(),
            gateway_boots: 0,
            elapsed: Duration::ZERO,
            requests: BTreeMap::new(),
            sent_updates: BTreeMap::new(),
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
                }
            }
            Action::Start { node } => self.start_node(node % count),
            Action::KillGateway => self.kill_gateway(),
            Action::StartGateway => self.start_gateway(),
        }
        self.check_always();
    }

    /// All faults end: in bounded time every partition must be *both* again, and the copies identical.
    pub(crate) fn heal(&mut self) {
        self.log.push("heal".to_owned());
        self.network.cut.clear();
        self.start_gateway();
        for node in 0..self.nodes.len() {
            self.start_node(node);
        }
        // Links of which one end does not know that they are broken would be found out by heartbeats.
        let broken =
            self.network.links.iter().filter(|(_, link)| !(link.client_open && link.server_open));
        for link in broken.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
        for _ in 0..60 {
            self.pass(Duration::from_millis(200));
            self.settle();
            self.check_always();
        }
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

    fn now_ns(&self) -> u64 {
        u64::try_from(self.elapsed.as_nanos()).unwrap()
    }

    /// Delivers, syncs and saves until nothing moves any more.
    fn settle(&mut self) {
        for _ in 0..200 {
            self.connect();
            self.deliver_all();
            self.save_returns();
            let mut moved = false;
            for node in 0..self.nodes.len() {
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

    fn pass(&mut self, time: Duration) {
        self.elapsed += time;
        self.now = Time::at(self.elapsed);
        // Timers fire late rather than never, as with any clock.
        for node in 0..self.nodes.len() {
            let due = self.nodes[node].node.as_ref().and_then(Node::next_deadline);
            if due.is_some_and(|due| due <= self.now) {
                self.node_event(node, NodeEvent::Tick);
            }
        }
        let due = self.gateway.as_ref().and_then(|gateway| gateway.next_deadline(self.now));
        if due.is_some_and(|due| due <= self.now) {
            self.gateway_event(GatewayEvent::Tick);
        }
        self.connect();
    }

    // Hosts.

    fn start_node(&mut self, i: usize) {
        let now = self.now;
        let host = &mut self.nodes[i];
        if host.node.is_some() {
            return;
        }
        host.boots += 1;
        let nonce = Uuid::from_u128((i as u128) << 64 | u128::from(host.boots));
        let identity = NodeIdentity {
            node: host.id.clone(),
            incarnation: host.incarnation,
            boot: Boot { count: host.boots, nonce },
            address: format!("host-{i}:1"),
        };
        let settings = NodeSettings { log_entries_kept: 1_000_000, ..NodeSettings::default() };
        let node = Node::recovered(identity, settings, host.disk.recover(), now);
        host.node = Some(node.expect("a node finds its place again"));
    }

    fn kill_node(&mut self, i: usize) {
        let host = &mut self.nodes[i];
        if host.node.take().is_none() {
            return;
        }
        host.syncing = None;
        host.dialling = None;
        self.totals.node_deaths += 1;
        let of_node = |ends: Ends| match ends {
            Ends::Gateway { node } => node == i,
            Ends::Neighbours { home } => home == i || (home + 1) % self.nodes.len() == i,
        };
        let links = self.network.links.iter().filter(|(_, link)| of_node(link.ends));
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.close_ends_at(link, i);
        }
    }

    fn close_ends_at(&mut self, link: LinkId, i: usize) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let is_client = match entry.ends {
            Ends::Gateway { node } => node == i,
            Ends::Neighbours { home } => home == i,
        };
        if is_client {
            entry.client_open = false;
        } else {
            entry.server_open = false;
        }
        self.network.tidy();
        // A killed process's peers are told by its kernel, after what it had sent.
        self.break_link(link, WhoKnows::Both);
    }

    fn start_gateway(&mut self) {
        if self.gateway.is_some() {
            return;
        }
        self.gateway_boots += 1;
        let boot = GatewayBoot(Uuid::from_u128(u128::from(self.gateway_boots)));
        let cluster = ClusterId(Uuid::from_u128(1_000 + u128::from(self.gateway_boots)));
        let saved = self.gateway_disk.durable.clone();
        let settings = GatewaySettings::default();
        let gateway =
            Gateway::recovered(self.ring.clone(), boot, cluster, saved, &settings, self.now);
        self.gateway = Some(gateway.expect("its own state"));
    }

    fn kill_gateway(&mut self) {
        if self.gateway.take().is_none() {
            return;
        }
        self.totals.gateway_deaths += 1;
        self.clients.abandon_open();
        self.requests.clear();
        // The atomic replacement of the file may or may not have become durable; both are drawn, by the time of day.
        if let Some(saving) = self.gateway_disk.saving.take()
            && self.elapsed.as_millis().is_multiple_of(2)
        {
            self.gateway_disk.durable = Some(saving);
        }
        let links =
            self.network.links.iter().filter(|(_, link)| matches!(link.ends, Ends::Gateway { .. }));
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
    }

    // Disks.

    fn sync(&mut self, i: usize) {
        let host = &mut self.nodes[i];
        if host.node.is_none() {
            return;
        }
        match host.syncing.take() {
            Some(mark) => {
                host.disk.sync(mark);
                self.node_event(i, NodeEvent::Synced { mark });
            }
            None => host.syncing = host.disk.written(),
        }
    }

    fn save_returns(&mut self) {
        if let Some(state) = self.gateway_disk.saving.take() {
            self.gateway_disk.durable = Some(state);
            self.gateway_event(GatewayEvent::Saved);
        }
    }

    // Links.

    /// Whoever has no link and wants one tries to connect.
    fn connect(&mut self) {
        for i in 0..self.nodes.len() {
            self.connect_gateway(i);
            self.connect_next(i);
        }
    }

    fn connect_gateway(&mut self, i: usize) {
        let ends = Ends::Gateway { node: i };
        if self.network.of_client(ends).is_some() || self.network.cut.contains(&ends) {
            return;
        }
        let (Some(node), Some(gateway)) = (&self.nodes[i].node, &self.gateway) else { return };
        let hello: NodeHello = node.hello();
        if let Err(refusal) = gateway.admit(&hello) {
            assert_eq!(refusal.code.remedy(), Remedy::Retry, "{refusal}");
            return;
        }
        let link = self.network.open(ends);
        self.gateway_event(GatewayEvent::NodeLinked { link, hello });
        self.node_event(i, NodeEvent::GatewayLinked { link });
    }

    fn connect_next(&mut self, i: usize) {
        let ends = Ends::Neighbours { home: i };
        let next = (i + 1) % self.nodes.len();
        if self.network.of_client(ends).is_some() || self.network.cut.contains(&ends) {
            return;
        }
        let Some(dial) = self.nodes[i].dialling.clone() else { return };
        if self.nodes[next].node.is_none() {
            return;
        }
        let incarnation = dial.hello.to.1;
        let link = self.network.open(ends);
        self.node_event(i, NodeEvent::NextLinked { link, incarnation });
        self.node_event(next, NodeEvent::HomeLinked { link, hello: dial.hello });
    }

    fn break_some_link(&mut self, nth: usize, who_knows: WhoKnows) {
        let count = self.network.links.len();
        if count > 0
            && let Some(link) = self.network.links.keys().nth(nth % count).copied()
        {
            self.totals.broken_links += 1;
            self.break_link(link, who_knows);
        }
    }

    /// What was under way is lost with the link.
    fn break_link(&mut self, link: LinkId, who_knows: WhoKnows) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let ends = entry.ends;
        entry.forth.clear();
        entry.back.clear();
        let knows_client = matches!(who_knows, WhoKnows::Client | WhoKnows::Both);
        let knows_server = matches!(who_knows, WhoKnows::Server | WhoKnows::Both);
        let client = knows_client && std::mem::take(&mut entry.client_open);
        let server = knows_server && std::mem::take(&mut entry.server_open);
        self.network.tidy();
        match ends {
            Ends::Gateway { node } => {
                if client {
                    self.node_event(node, NodeEvent::GatewayLost { link });
                }
                if server {
                    self.gateway_event(GatewayEvent::NodeLost { link });
                }
            }
            Ends::Neighbours { home } => {
                if client {
                    self.node_event(home, NodeEvent::NextLost { link });
                }
                if server {
                    self.node_event((home + 1) % self.nodes.len(), NodeEvent::HomeLost { link });
                }
            }
        }
    }

    fn cut(&mut self, nth: usize) {
        let i = nth / 2 % self.nodes.len();
        let ends = if nth.is_multiple_of(2) {
            Ends::Gateway { node: i }
        } else {
            Ends::Neighbours { home: i }
        };
        self.network.cut.insert(ends);
        let links = self.network.links.iter().filter(|(_, link)| link.ends == ends);
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
    }

    /// The queues that have something to deliver; a message to an end that has closed is never delivered.
    fn queues(&self) -> Vec<(LinkId, bool)> {
        let links = self.network.links.iter();
        links
            .flat_map(|(id, link)| {
                let forth = (!link.forth.is_empty() && link.server_open).then_some((*id, true));
                let back = (!link.back.is_empty() && link.client_open).then_some((*id, false));
                [forth, back]
            })
            .flatten()
            .collect()
    }

    fn deliver_some(&mut self, nth: usize, count: usize) {
        let queues = self.queues();
        if queues.is_empty() {
            return;
        }
        let (link, forth) = queues[nth % queues.len()];
        for _ in 0..count {
            self.deliver(link, forth);
        }
    }

    fn deliver_all(&mut self) {
        for _ in 0..10_000 {
            let Some((link, forth)) = self.queues().first().copied() else { return };
            self.deliver(link, forth);
        }
        panic!("messages without end");
    }

    fn deliver(&mut self, link: LinkId, forth: bool) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let ends = entry.ends;
        let message = if forth { entry.forth.pop_front() } else { entry.back.pop_front() };
        let next_of = |home: usize| (home + 1) % self.nodes.len();
        match (ends, message) {
            (_, None) => {}
            (Ends::Gateway { .. }, Some(Message::FromNode(message))) => {
                self.gateway_event(GatewayEvent::NodeSays { link, message });
            }
            (Ends::Gateway { node }, Some(Message::ToNode(message))) => {
                if let ToNode::Request(request) = &*message {
                    self.requests.insert((link, request.call), request.clone());
                }
                self.node_event(node, NodeEvent::GatewaySays { link, message: *message });
            }
            (Ends::Neighbours { home }, Some(Message::ToNext(message))) => {
                self.node_event(next_of(home), NodeEvent::HomeSays { link, message });
            }
            (Ends::Neighbours { home }, Some(Message::FromNext(message))) => {
                self.node_event(home, NodeEvent::NextSays { link, message });
            }
            (ends, Some(message)) => panic!("{message:?} over {ends:?}"),
        }
    }

    // Events and effects.

    fn node_event(&mut self, i: usize, event: NodeEvent) {
        let host = &mut self.nodes[i];
        let Some(node) = &mut host.node else { return };
        self.log.push(format!("  {:?} db-{i} <- {event:?}", self.elapsed));
        let mut effects = Vec::new();
        node.handle(self.now, event, &host.disk, &mut effects);
        for effect in effects {
            self.node_effect(i, effect);
        }
    }

    fn node_effect(&mut self, i: usize, effect: NodeEffect) {
        match effect {
            NodeEffect::Write { mark, mutation } => self.nodes[i].disk.write(mark, mutation),
            NodeEffect::ToGateway { link, message } => {
                if let FromNode::Reply { call, reply } = &message
                    && let Some(request) = self.requests.remove(&(link, *call))
                {
                    self.check_reply(i, &request, reply);
                }
                self.network.send(link, Message::FromNode(message));
            }
            NodeEffect::ToNext { link, message } => {
                self.network.send(link, Message::ToNext(message))
            }
            NodeEffect::ToHome { link, message } => {
                self.network.send(link, Message::FromNext(message))
            }
            NodeEffect::DialNext(dial) => self.nodes[i].dialling = Some(dial),
            NodeEffect::Drop { link, refusal } => {
                self.log.push(format!("  db-{i} drops {link:?}: {refusal}"));
                self.break_link(link, WhoKnows::Both);
            }
            NodeEffect::Stop(reason) => panic!("db-{i} stops: {reason}"),
        }
    }

    fn gateway_event(&mut self, event: GatewayEvent) {
        let Some(gateway) = &mut self.gateway else { return };
        self.log.push(format!("  {:?} gateway <- {event:?}", self.elapsed));
        let mut effects = Vec::new();
        gateway.handle(self.now, event, &mut effects);
        for effect in effects {
            self.gateway_effect(effect);
        }
    }

    fn gateway_effect(&mut self, effect: GatewayEffect) {
        match effect {
            GatewayEffect::Send { link, message } => {
                self.check_sent(&message);
                if let ToNode::Request(Request {
                    operation: protocol::message::Operation::Update(update),
                    ..
                }) = &*message
                {
                    *self.sent_updates.entry(update.request).or_default() += 1;
                }
                self.network.send(link, Message::ToNode(message));
            }
            GatewayEffect::Drop { link, refusal } => {
                self.log.push(format!("  gateway drops {link:?}: {refusal}"));
                self.break_link(link, WhoKnows::Both);
            }
            GatewayEffect::Save(state) => {
                self.check_decided(&state);
                assert!(self.gateway_disk.saving.is_none(), "two saves at once");
                self.gateway_disk.saving = Some(state);
            }
            GatewayEffect::Complete { ticket, outcome } => {
                let now_ns = self.now_ns();
                self.clients.complete(now_ns, ticket, &outcome);
            }
            GatewayEffect::Changed => {}
        }
    }

    // What the rules look at.

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

    /// Whether the gateway believes in a link of the node.
    pub(crate) fn is_linked_at_gateway(&self, node: usize) -> bool {
        let ends = Ends::Gateway { node };
        self.network.links.values().any(|link| link.ends == ends && link.server_open)
    }
}

impl Totals {
    pub(crate) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.done += other.done;
        self.not_done += other.not_done;
        self.unknown += other.unknown;
        self.view_changes += other.view_changes;
        self.reads_at_home += other.reads_at_home;
        self.reads_at_next += other.reads_at_next;
        self.fenced += other.fenced;
        self.resent += other.resent;
        self.node_deaths += other.node_deaths;
        self.gateway_deaths += other.gateway_deaths;
        self.broken_links += other.broken_links;
        self.checker_steps += other.checker_steps;
    }

    /// A run in which little happens proves little.
    pub(crate) fn assert_much_happened(&self) {
        let operations = self.done + self.not_done + self.unknown;
        assert!(self.done * 2 > operations, "fewer than half of the operations have been done");
        assert!(self.view_changes >= self.schedules, "fewer than one view change a schedule");
        for (what, count) in [
            ("reads at home", self.reads_at_home),
            ("reads at next", self.reads_at_next),
            ("fenced requests", self.fenced),
            ("updates sent again", self.resent),
            ("gateway deaths", self.gateway_deaths),
        ] {
            assert!(count * 1_000 >= self.schedules, "too few {what}: {count}");
        }
    }
}
