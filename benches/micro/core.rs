//! The core's `handle`, by size of the batch: of a gateway with the events of a read, and of a
//! node with the events of a read at next and of an update at home.

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use protocol::entry::Answer;
use protocol::hello::{Membership, NodeHello};
use protocol::id::{Boot, ClusterId, PartitionId, Position, Seq};
use protocol::message::{
    Action, CallId, CopyMessage, FromNode, Greeting, Holds, Operation, Reply, Report, Request,
    ToNode, Update, Welcome,
};
use protocol::precondition::Precondition;
use protocol::user::{RecordJson, UserId};
use protocol::view::Member;
use ring_core::gateway::{
    ClientRequest, ClusterState, Gateway, GatewayEffect, GatewayEvent, GatewaySettings, NodeState,
    Ticket,
};
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeIdentity, NodeSettings};
use ring_core::placement::Place;
use ring_core::store::{AtHand, Mark, ReadError, Recovered, Stored, StoredRecord};
use ring_core::time::Time;
use uuid::Uuid;

use crate::samples::{
    BATCHES, BOOT, CLUSTER, EPOCH, both, incarnation, node_ids, position, record, request_id, ring,
    user, user_id,
};

const NODES: usize = 3;
const BYTES: usize = 120;
const NOW: Time = Time::at(Duration::from_secs(60));

pub(crate) fn bench(criterion: &mut Criterion) {
    gateway(criterion);
    node(criterion);
}

/// Reads are submitted, then answered by the nodes: two events each.
fn gateway(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/gateway");
    for batch in BATCHES {
        group.throughput(Throughput::Elements(2 * batch));
        let mut gateway = a_gateway();
        let mut tickets = 0;
        group.bench_function(BenchmarkId::new("read", batch), |bencher| {
            bencher.iter(|| {
                let mut effects = Vec::new();
                for _ in 0..batch {
                    tickets += 1;
                    let request = ClientRequest::Read(user_id(tickets));
                    let submit = GatewayEvent::Submit {
                        ticket: Ticket(tickets),
                        request,
                        time_allowed: Duration::from_secs(5),
                    };
                    gateway.handle(NOW, submit, &mut effects);
                }
                let mut completed = Vec::new();
                for effect in effects {
                    let GatewayEffect::Send { link, message } = effect else { continue };
                    let ToNode::Request(Request { call, .. }) = *message else { continue };
                    let message = FromNode::Reply { call, reply: Reply::Done(found()) };
                    gateway.handle(NOW, GatewayEvent::NodeSays { link, message }, &mut completed);
                }
                completed
            });
        });
    }
    group.finish();
}

/// Reads at next: one event each. Updates at home: one event each, and two more for the batch.
/// These are the finished sync of the batch, so that home sends it to next, and the
/// acknowledgement from next.
fn node(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("core/node");
    let stored = Made { record: record(1, BYTES) };
    for batch in BATCHES {
        group.throughput(Throughput::Elements(batch));
        let mut node = a_node();
        group.bench_function(BenchmarkId::new("read", batch), |bencher| {
            bencher.iter(|| {
                let mut effects = Vec::new();
                for call in 0..batch {
                    let read = Operation::Read(user_id(call));
                    node.handle(NOW, request(0, Member::Next, call, read), &stored, &mut effects);
                }
                effects
            });
        });
        let (mut home, mut counter) = (Home { node: a_node(), data_sent: 0 }, 0);
        group.bench_function(BenchmarkId::new("update", batch), |bencher| {
            bencher.iter_batched(
                || {
                    let from = counter + 1;
                    counter += batch;
                    (from..=counter).map(update).collect::<Vec<_>>()
                },
                |updates| home.carry_out(updates, &stored),
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn found() -> Answer {
    Answer::Found { position: position(1), record: RecordJson::from_static(b"{}") }
}

fn hello(place: usize) -> NodeHello {
    NodeHello {
        node: node_ids(NODES).swap_remove(place),
        incarnation: incarnation(place),
        boot: Boot { count: 1, nonce: Uuid::from_u128(place as u128) },
        address: format!("host-{place}:1"),
        membership: Some(Membership { cluster: CLUSTER, ring: node_ids(NODES) }),
    }
}

/// A gateway with all views *both*, and with all nodes linked and welcomed.
fn a_gateway() -> Gateway {
    let state_of = |(id, place)| NodeState { id, incarnation: Some(incarnation(place)), boots: 1 };
    let saved = ClusterState {
        cluster: CLUSTER,
        boot: BOOT,
        nodes: node_ids(NODES).into_iter().zip(0..).map(state_of).collect(),
        views: ring(NODES)
            .places()
            .map(Place::index)
            .map(|p| Some(both(&ring(NODES), p)))
            .collect(),
    };
    let settings = GatewaySettings::default();
    let new_cluster = ClusterId(Uuid::from_u128(3));
    let mut gateway =
        Gateway::recovered(ring(NODES), BOOT, new_cluster, Some(saved), &settings, Time::ZERO)
            .expect("it is valid");
    let mut effects = Vec::new();
    for place in 0..NODES {
        let link = LinkId(place as u64);
        gateway.handle(NOW, GatewayEvent::NodeLinked { link, hello: hello(place) }, &mut effects);
        let message = FromNode::Report(Report::default());
        gateway.handle(NOW, GatewayEvent::NodeSays { link, message }, &mut effects);
        while gateway.is_saving() {
            gateway.handle(NOW, GatewayEvent::Saved, &mut effects);
        }
    }
    gateway
}

const GATEWAY: LinkId = LinkId(1);
const NEXT: LinkId = LinkId(2);

/// Node db-1, welcomed under views *both*, with a session with next.
fn a_node() -> Node {
    let identity = NodeIdentity {
        node: node_ids(NODES).swap_remove(1),
        incarnation: incarnation(1),
        boot: Boot { count: 1, nonce: Uuid::from_u128(1) },
        address: "host-1:1".to_owned(),
    };
    let settings = NodeSettings::default();
    let mut node =
        Node::recovered(identity, settings, Recovered::default(), Time::ZERO).expect("it is valid");
    let stored = Made { record: record(1, BYTES) };
    let mut effects = Vec::new();
    let welcome = Welcome {
        cluster: CLUSTER,
        ring: node_ids(NODES),
        gateway_boot: BOOT,
        views: vec![both(&ring(NODES), 1), both(&ring(NODES), 0)],
        next: None,
        home_is_linked: false,
    };
    let holds = Holds::Whole(Position::ZERO);
    let greeting = CopyMessage::Greeting(Greeting { session: 1, view: None, holds });
    for event in [
        NodeEvent::GatewayLinked { link: GATEWAY },
        NodeEvent::GatewaySays { link: GATEWAY, message: ToNode::Welcome(welcome) },
        NodeEvent::Synced { mark: Mark(u64::MAX) },
        NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) },
        NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message: greeting },
    ] {
        node.handle(NOW, event, &stored, &mut effects);
    }
    node
}

fn request(partition: u16, member: Member, call: u64, operation: Operation) -> NodeEvent {
    let (partition, call) = (PartitionId(partition), CallId(call));
    let request = Request { call, partition, member, epoch: EPOCH, operation };
    NodeEvent::GatewaySays { link: GATEWAY, message: ToNode::Request(request) }
}

fn update(counter: u64) -> NodeEvent {
    let action = Action::Create { user: user(counter, BYTES), precondition: Precondition::NONE };
    let update = Update { request: request_id(counter), unsettled_from: counter, action };
    request(1, Member::Home, counter, Operation::Update(update))
}

/// A home copy. It sends its durable entries to a next copy, and that one is always linked.
struct Home {
    node: Node,
    data_sent: u64,
}

impl Home {
    /// Handles the updates, their sync, and the acknowledgement from next.
    fn carry_out(&mut self, updates: Vec<NodeEvent>, stored: &Made) -> Vec<NodeEffect> {
        let mut effects = Vec::new();
        for update in updates {
            self.node.handle(NOW, update, stored, &mut effects);
        }
        self.node.handle(NOW, NodeEvent::Synced { mark: Mark(u64::MAX) }, stored, &mut effects);
        let is_data = |effect: &&NodeEffect| {
            matches!(effect, NodeEffect::ToNeighbour { message: CopyMessage::Data { .. }, .. })
        };
        self.data_sent += effects.iter().filter(is_data).count() as u64;
        let seq = self.node.home().map_or(Seq::ZERO, |home| home.progress().durable);
        let (data, written) = (self.data_sent, seq);
        let message = CopyMessage::Durable { session: 1, seq, data, written };
        let durable = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message };
        self.node.handle(NOW, durable, stored, &mut effects);
        effects
    }
}

/// A storage with one record for every user of the next copy, and no data for the home copy.
struct Made {
    record: RecordJson,
}

impl Stored for Made {
    fn at_hand(&self, member: Member, _: &UserId) -> Result<AtHand, ReadError> {
        let record = StoredRecord { position: position(0), record: self.record.clone() };
        Ok(if member == Member::Next { AtHand::Record(record) } else { AtHand::Absent })
    }
}
