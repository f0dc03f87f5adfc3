//! Made-up histories, to show that each check can fail.

use std::time::Duration;

use db_process::store::audit::{Audit, CopyAudit};
use history::users::{Fields, Input, Output};
use history::{ClientId, OperationId, Outcome, Recorder};
use protocol::id::{
    Boot, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position, RequestId, Seq,
};
use protocol::message::{CallId, Condition, ProbeNumber, Progress};
use protocol::user::UserId;
use protocol::view::{InSync, Member, View};
use ring_core::placement::Ring;
use ring_core::store::StoredRecord;
use service::events::{Event, FoundCopy, GatewayFact, NodeFact, Peer, ReplyKind, Said};
use uuid::Uuid;

use super::check::{Check, End};
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::swarm::Core;
use crate::seen::{Answered, ClientDid, DiskCall, Moment, Seen, ServedBy, StateDid, StorageDid};
use crate::violation::Finding;

/// The partition of the made-up histories: home is db-0, next is db-1.
pub(crate) const P0: PartitionId = PartitionId(0);

/// A check, fed with a made-up history of a ring of three.
pub(crate) struct Scene<C> {
    pub(crate) check: C,
    pub(crate) model: Model,
    at: Moment,
}

pub(crate) fn ring() -> Ring {
    Ring::new((0..3).map(Host::node_id).collect()).unwrap()
}

pub(crate) fn gateway_boot() -> GatewayBoot {
    GatewayBoot(Uuid::from_u128(100))
}

pub(crate) fn incarnation(place: usize) -> Incarnation {
    Incarnation(Uuid::from_u128(place as u128 + 1))
}

pub(crate) fn id(place: usize) -> NodeId {
    Host::node_id(place)
}

pub(crate) fn both(partition: u16, epoch: u64) -> View {
    let home = incarnation(usize::from(partition));
    let next = incarnation((usize::from(partition) + 1) % 3);
    view(partition, epoch, InSync::Both { home, next })
}

pub(crate) fn home_only(partition: u16, epoch: u64) -> View {
    view(partition, epoch, InSync::HomeOnly { home: incarnation(usize::from(partition)) })
}

pub(crate) fn view(partition: u16, epoch: u64, in_sync: InSync) -> View {
    let decided_by = gateway_boot();
    View {
        partition: PartitionId(partition),
        epoch: Epoch(epoch),
        in_sync,
        decided_by,
        accepted_loss: None,
    }
}

pub(crate) fn position(epoch: u64, seq: u64) -> Position {
    Position { epoch: Epoch(epoch), seq: Seq(seq) }
}

pub(crate) fn request(counter: u64) -> RequestId {
    RequestId { boot: gateway_boot(), counter }
}

pub(crate) fn node(place: usize, event: NodeFact) -> Seen {
    Seen::Inside(Event::Node { node: id(place), event })
}

pub(crate) fn gateway(event: GatewayFact) -> Seen {
    Seen::Inside(Event::Gateway { gateway: gateway_boot(), event })
}

pub(crate) fn storage(node: usize, did: StorageDid) -> Seen {
    Seen::Storage { node, did }
}

pub(crate) fn saved(views: Vec<View>) -> Seen {
    Seen::State { gateway: Host::Gateway, did: StateDid::Saved(views) }
}

pub(crate) fn starts(place: usize, home: FoundCopy, next: FoundCopy) -> Seen {
    starts_with(place, incarnation(place), home, next)
}

pub(crate) fn starts_with(
    place: usize,
    incarnation: Incarnation,
    home: FoundCopy,
    next: FoundCopy,
) -> Seen {
    let boot = Boot { count: 1, nonce: Uuid::from_u128(7) };
    node(place, NodeFact::Starts { incarnation, boot, home, next })
}

pub(crate) fn found(view: Option<View>, written: Position) -> FoundCopy {
    FoundCopy { view, written, log_from: Seq::ZERO, condition: Condition::Whole }
}

pub(crate) fn nothing() -> FoundCopy {
    found(None, Position::default())
}

pub(crate) fn linked(link: u64, place: usize) -> Seen {
    gateway(GatewayFact::Linked {
        link,
        node: id(place),
        incarnation: incarnation(place),
        boot: Boot { count: 1, nonce: Uuid::from_u128(7) },
    })
}

/// The gateway sends a read or an update of partition 0 to a copy.
pub(crate) fn requests(call: u64, member: Member, epoch: u64, request: Option<RequestId>) -> Seen {
    let node = id(usize::from(member == Member::Next));
    let (partition, epoch, call) = (P0, Epoch(epoch), CallId(call));
    let is_alone = false;
    gateway(GatewayFact::Requests { node, partition, member, epoch, call, request, is_alone })
}

/// The gateway hears a message of a node.
pub(crate) fn hears(place: usize, said: Said) -> Seen {
    gateway(GatewayFact::Hears { node: id(place), said })
}

/// The gateway probes a node, and hears the answer.
pub(crate) fn alive(place: usize, probe: u64) -> [Seen; 2] {
    let (node, probe) = (id(place), ProbeNumber(probe));
    [gateway(GatewayFact::Probes { node, probe }), hears(place, Said::Alive(probe))]
}

/// A copy of partition 0 answers.
pub(crate) fn replies(call: u64, member: Member, position: Option<Position>) -> Seen {
    let (call, reply) = (CallId(call), ReplyKind::Done);
    node(usize::from(member == Member::Next), NodeFact::Replies { call, reply, position })
}

pub(crate) fn applies(member: Member, position: Position, counter: u64) -> Seen {
    let place = usize::from(member == Member::Next);
    let request = request(counter);
    node(place, NodeFact::Applies { partition: P0, member, position, request })
}

/// A copy of partition 0 tells its progress.
pub(crate) fn comes(member: Member, written: Position, durable: u64, committed: u64) -> Seen {
    let place = usize::from(member == Member::Next);
    let (durable, committed) = (Seq(durable), Seq(committed));
    let progress = Progress {
        partition: P0,
        member,
        written,
        durable,
        committed,
        condition: Condition::Whole,
    };
    node(place, NodeFact::Comes(progress))
}

/// A client's operation has ended.
pub(crate) fn completed(
    input: Input,
    outcome: Outcome<Output>,
    served_by: Option<ServedBy>,
) -> Seen {
    let status = Some(200);
    let took = Duration::from_millis(20);
    let answered =
        Answered { input, outcome, status, served_by, has_retry_after: false, took, problem: None };
    client(ClientDid::Completed(answered))
}

/// The call of writes and syncs, one at a time.
pub(crate) const CALL: DiskCall = DiskCall(1);

pub(crate) fn client(did: ClientDid) -> Seen {
    Seen::Client { client: ClientId(0), operation: OperationId(0), did }
}

impl<C: Check> Scene<C> {
    /// A scene without any event.
    pub(crate) fn empty(check: C) -> Self {
        Self { check, model: Model::new(ring()), at: Moment::default() }
    }

    /// A formed cluster: every view is *both* at epoch 1, every node is linked.
    pub(crate) fn formed(check: C) -> Self {
        let mut scene = Self::empty(check);
        scene.play(gateway(GatewayFact::Starts { cluster: None, views: Vec::new() }));
        for place in 0..3 {
            scene.play(storage(place, StorageDid::Opened));
            scene.syncs(place);
            scene.play(starts(place, nothing(), nothing()));
            scene.play(linked(place as u64, place));
        }
        let views = (0..3).map(|partition| both(partition, 1)).collect::<Vec<_>>();
        for view in &views {
            scene.play(gateway(GatewayFact::Decides(*view)));
        }
        scene.play(saved(views.clone()));
        for view in &views {
            scene.play(gateway(GatewayFact::Publishes(*view)));
        }
        for place in 0..3 {
            scene.play(node(place, NodeFact::Joins { gateway: gateway_boot() }));
            let of_next = views[(place + 2) % 3];
            scene.acts(place, Member::Home, views[place]);
            scene.acts(place, Member::Next, of_next);
        }
        scene
    }

    /// A node writes everything handed over so far.
    pub(crate) fn writes(&mut self, place: usize) {
        self.play(storage(place, StorageDid::WriteBegins(CALL)));
        self.play(storage(place, StorageDid::Written(CALL)));
    }

    /// A node syncs everything written so far.
    pub(crate) fn syncs(&mut self, place: usize) {
        self.play(storage(place, StorageDid::SyncBegins(CALL)));
        self.play(storage(place, StorageDid::Synced(CALL)));
    }

    /// A copy stores a view and acts on it.
    pub(crate) fn acts(&mut self, place: usize, member: Member, view: View) {
        self.play(node(place, NodeFact::Stores { member, view, from: Peer::Gateway }));
        self.writes(place);
        self.syncs(place);
        self.play(node(place, NodeFact::Acts { member, view }));
    }

    /// The controller changes a view.
    pub(crate) fn changes(&mut self, view: View) {
        self.play(gateway(GatewayFact::Decides(view)));
        let mut views = self.model.saved.clone();
        views.insert(view.partition, view);
        self.play(saved(views.into_values().collect()));
        self.play(gateway(GatewayFact::Publishes(view)));
    }

    /// An entry of partition 0 is applied, written and durable at a copy.
    pub(crate) fn applies(&mut self, member: Member, position: Position, counter: u64) {
        let place = usize::from(member == Member::Next);
        self.play(applies(member, position, counter));
        self.writes(place);
        self.syncs(place);
    }

    /// Plays an event. The check must not object.
    pub(crate) fn play(&mut self, seen: Seen) {
        if let Err(finding) = self.try_play(seen.clone()) {
            panic!("{finding:?} of {seen:?}");
        }
    }

    /// Plays an event. The check must object.
    pub(crate) fn objects(&mut self, seen: Seen) -> Finding {
        match self.try_play(seen.clone()) {
            Ok(()) => panic!("no objection to {seen:?}"),
            Err(finding) => finding,
        }
    }

    fn try_play(&mut self, seen: Seen) -> Result<(), Finding> {
        self.at.0 += Duration::from_millis(1);
        let judged = self.check.see(&self.model, self.at, &seen);
        self.model.follow(self.at, &seen);
        judged
    }
}

pub(crate) fn fields(name: &str) -> Fields {
    Fields { name: name.to_owned(), email: format!("{name}@example.org"), group: 1 }
}

/// The end of a run with one written user, and with this history of the clients.
pub(crate) fn end_with(user: &str, name: &str, seen: &[(Input, Outcome<Output>)]) -> End {
    let ring = ring();
    let id: UserId = user.parse().unwrap();
    let partition = ring.partition_of(&id);
    let Fields { name, email, group } = fields(name);
    let json = format!(r#"{{"id":"{user}","name":"{name}","email":"{email}","group":{group}}}"#);
    let stored = StoredRecord { position: position(1, 1), record: json.into() };
    let copy = |here: bool| CopyAudit {
        view: None,
        records: here.then(|| (id.clone(), stored.clone())).into_iter().collect(),
        log: Vec::new(),
        applied: Vec::new(),
        installing: None,
        is_damaged: false,
        unreadable: None,
    };
    let audits = ring.places().map(|place| {
        let home = copy(ring.holder(partition, Member::Home) == place);
        let next = copy(ring.holder(partition, Member::Next) == place);
        (place.index(), Ok(Audit { identity: None, membership: None, home, next }))
    });
    let recorder = Recorder::new(|| 0);
    for (input, outcome) in seen {
        recorder.invoke(ClientId(0), input.clone()).complete(outcome.clone());
    }
    End { core: Some(Core::All), audits: audits.collect(), history: recorder.history() }
}
