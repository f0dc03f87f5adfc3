//! Arbitrary values of the messages' types, for the property tests.
//!
//! Each strategy draws from the whole range of its type: everything the type can hold and a peer
//! may send. It draws edges more often than chance would: the smallest and the largest numbers,
//! the shortest and the longest texts, records with every field at its longest.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::entry::{Answer, Change, Entry};
use crate::hello::{GatewayPeer, HomeHello, Membership, NodeHello, NodePeer};
use crate::id::{
    Boot, COUNTED_MAX, ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position,
    RequestId, Seq,
};
use crate::message::{
    Action, AppliedRow, Ask, AskNumber, CallId, Condition, CopyMessage, CopyReport, Cursor, Data,
    DiskState, FromNode, Greeting, Holds, Neighbour, Operation, ProbeNumber, Progress, RecordRow,
    Reply, Report, Request, Rows, Stretch, ToNode, Update, Verdict, Welcome,
};
use crate::precondition::{Precondition, TAGS_MAX, Tags};
use crate::refusal::{Refusal, RefusalCode};
use crate::salvage::Salvage;
use crate::user::{RecordJson, User, UserId, UserPatch};
use crate::view::{InSync, Member, View};

/// Defines the strategy of each type's arbitrary values.
macro_rules! arbitrary {
    ($($type:ty => $strategy:expr;)*) => {
        $(impl Arbitrary for $type {
            type Parameters = ();
            type Strategy = BoxedStrategy<Self>;

            fn arbitrary_with((): ()) -> BoxedStrategy<Self> {
                $strategy.boxed()
            }
        })*
    };
}

mod user;

#[cfg(test)]
mod tests;

/// Numbers from 0 to `max`, with extra weight on both ends.
fn up_to(max: u64) -> impl Strategy<Value = u64> {
    let low = max.min(2);
    prop_oneof![1 => 0..=low, 1 => max.saturating_sub(low)..=max, 2 => 0..=max]
}

/// Values of an epoch or a seq.
fn counted() -> impl Strategy<Value = u64> {
    up_to(COUNTED_MAX)
}

/// Any number of 64 bits.
fn number() -> impl Strategy<Value = u64> {
    up_to(u64::MAX)
}

/// Any number of 32 bits.
fn group() -> impl Strategy<Value = u32> {
    up_to(u32::MAX.into()).prop_map(|number| u32::try_from(number).expect("it is small enough"))
}

fn uuid() -> impl Strategy<Value = Uuid> {
    prop_oneof![
        1 => Just(Uuid::nil()),
        1 => Just(Uuid::max()),
        4 => any::<u128>().prop_map(Uuid::from_u128),
    ]
}

/// Texts of a pattern that are values of a type.
fn checked<T>(pattern: &'static str) -> impl Strategy<Value = T>
where
    T: TryFrom<String, Error: std::fmt::Debug> + std::fmt::Debug,
{
    pattern.prop_filter_map("it is not valid", |text| T::try_from(text).ok())
}

/// Any text, line feeds and control characters included.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        1 => Just(String::new()),
        4 => vec(any::<char>(), 0..64).prop_map(String::from_iter),
        1 => vec(any::<char>(), 1_000).prop_map(String::from_iter),
    ]
}

/// Records as made by nodes, and any bytes: no message looks into a record.
fn record() -> impl Strategy<Value = RecordJson> {
    prop_oneof![
        2 => any::<User>().prop_map(|user| user.to_json()),
        1 => vec(any::<u8>(), 0..64).prop_map(RecordJson::from),
    ]
}

arbitrary! {
    NodeId => prop_oneof![
        checked("[A-Za-z0-9._-]{1,64}"), checked("[A-Za-z0-9._-]"), checked("[A-Za-z0-9._-]{64}"),
    ];
    ClusterId => uuid().prop_map(Self);
    Incarnation => uuid().prop_map(Self);
    GatewayBoot => uuid().prop_map(Self);
    Boot => (number(), uuid()).prop_map(|(count, nonce)| Self { count, nonce });
    PartitionId => prop_oneof![Just(0), Just(u16::MAX), any::<u16>()].prop_map(Self);
    Epoch => counted().prop_map(Self);
    Seq => counted().prop_map(Self);
    CallId => number().prop_map(Self);
    AskNumber => number().prop_map(Self);
    ProbeNumber => number().prop_map(Self);
    DiskState => prop_oneof![Just(Self::Answers), Just(Self::Silent)];
    Position => any::<(Epoch, Seq)>().prop_map(|(epoch, seq)| Self { epoch, seq });
    RequestId => (any::<GatewayBoot>(), number()).prop_map(|(boot, counter)| Self { boot, counter });
    Member => prop_oneof![Just(Self::Home), Just(Self::Next)];
    InSync => prop_oneof![
        any::<(Incarnation, Incarnation)>().prop_map(|(home, next)| Self::Both { home, next }),
        any::<Incarnation>().prop_map(|home| Self::HomeOnly { home }),
        any::<Incarnation>().prop_map(|next| Self::NextOnly { next }),
    ];
    View => any::<(PartitionId, Epoch, InSync, GatewayBoot, Option<Epoch>)>().prop_map(
        |(partition, epoch, in_sync, decided_by, accepted_loss)| {
            Self { partition, epoch, in_sync, decided_by, accepted_loss }
        },
    );
    Change => prop_oneof![
        (any::<UserId>(), record()).prop_map(|(id, record)| Self::Create { id, record }),
        (any::<UserId>(), record()).prop_map(|(id, record)| Self::Replace { id, record }),
        any::<UserId>().prop_map(|id| Self::Delete { id }),
    ];
    Entry => (any::<(Position, RequestId)>(), number(), any::<Change>()).prop_map(|((position, request), unsettled_from, change)| {
        Self { position, request, unsettled_from, change }
    });
    Answer => prop_oneof![
        (any::<Position>(), record()).prop_map(|(position, record)| Self::Found { position, record }),
        Just(Self::NotFound),
        (any::<Position>(), record()).prop_map(|(position, record)| Self::Created { position, record }),
        Just(Self::AlreadyExists),
        (any::<Position>(), record()).prop_map(|(position, record)| Self::Changed { position, record }),
        Just(Self::Deleted),
        Just(Self::PreconditionFailed),
    ];
    Refusal => (prop::sample::select(RefusalCode::ALL), text())
        .prop_map(|(code, detail)| Self { code, detail });
    Neighbour => (any::<Incarnation>(), text())
        .prop_map(|(incarnation, address)| Self { incarnation, address });
    Welcome => (
        any::<(ClusterId, GatewayBoot)>(), vec(any::<NodeId>(), 0..5), vec(any::<View>(), 0..3),
        option::of(any::<Neighbour>()), any::<bool>(),
    ).prop_map(|((cluster, gateway_boot), ring, views, next, home_is_linked)| {
        Self { cluster, ring, gateway_boot, views, next, home_is_linked }
    });
    Action => prop_oneof![
        any::<(User, Precondition)>().prop_map(|(user, precondition)| Self::Create { user, precondition }),
        any::<(UserPatch, Precondition)>()
            .prop_map(|(patch, precondition)| Self::Change { patch, precondition }),
        any::<(UserId, Precondition)>().prop_map(|(id, precondition)| Self::Delete { id, precondition }),
    ];
    Tags => prop_oneof![Just(Self::Any), vec(any::<Position>(), 0..=TAGS_MAX).prop_map(Self::Listed)];
    Precondition => any::<(Option<Tags>, Option<Tags>)>()
        .prop_map(|(if_match, if_none_match)| Self { if_match, if_none_match });
    Update => (any::<RequestId>(), number(), any::<Action>())
        .prop_map(|(request, unsettled_from, action)| Self { request, unsettled_from, action });
    Operation => prop_oneof![any::<UserId>().prop_map(Self::Read), any::<Update>().prop_map(Self::Update)];
    Request => any::<(CallId, PartitionId, Member, Epoch, Operation)>().prop_map(
        |(call, partition, member, epoch, operation)| Self { call, partition, member, epoch, operation },
    );
    Reply => prop_oneof![any::<Answer>().prop_map(Self::Done), Just(Self::Fenced), Just(Self::Settled)];
    Ask => any::<(AskNumber, PartitionId, Epoch, Incarnation)>()
        .prop_map(|(ask, partition, epoch, joiner)| Self { ask, partition, epoch, joiner });
    Condition => prop_oneof![
        Just(Self::Whole), Just(Self::Damaged), Just(Self::Partial), Just(Self::Unreadable),
    ];
    Salvage => (any::<(Epoch, bool)>(), number(), vec(any::<UserId>(), 0..4))
        .prop_map(|((accepted, ended), dropped, ids)| Self { accepted, ended, dropped, ids });
    Verdict => prop_oneof![Just(Self::Same), Just(Self::Different)];
    Progress => any::<(PartitionId, Member, Position, Seq, Seq, Condition)>()
        .prop_map(|(partition, member, written, durable, committed, condition)| {
            Self { partition, member, written, durable, committed, condition }
        });
    CopyReport => any::<(Option<View>, Position, Condition)>()
        .prop_map(|(view, position, condition)| Self { view, position, condition });
    Report => any::<(CopyReport, CopyReport)>().prop_map(|(home, next)| Self { home, next });
    Cursor => prop_oneof![
        any::<Option<RequestId>>().prop_map(Self::Applied),
        any::<Option<UserId>>().prop_map(Self::Records),
    ];
    AppliedRow => any::<(RequestId, Seq, Answer)>()
        .prop_map(|(request, seq, answer)| Self { request, seq, answer });
    RecordRow => (any::<UserId>(), any::<Position>(), record())
        .prop_map(|(id, position, record)| Self { id, position, record });
    Rows => prop_oneof![
        vec(any::<AppliedRow>(), 0..4).prop_map(Self::Applied),
        vec(any::<RecordRow>(), 0..4).prop_map(Self::Records),
    ];
    Holds => prop_oneof![
        any::<Position>().prop_map(Self::Whole),
        any::<(Position, Cursor)>().prop_map(|(position, cursor)| Self::Part(position, cursor)),
        Just(Self::Nothing),
    ];
    Greeting => (number(), any::<(Option<View>, Holds)>())
        .prop_map(|(session, (view, holds))| Self { session, view, holds });
    Stretch => (any::<(Cursor, Option<Cursor>)>(), number(), any::<u128>())
        .prop_map(|((after, to), rows, digest)| Self { after, to, rows, digest });
    Data => prop_oneof![
        (any::<Position>(), vec(any::<Entry>(), 0..4))
            .prop_map(|(previous, entries)| Self::Append { previous, entries }),
        any::<Option<Entry>>().prop_map(|base| Self::Install { base }),
        any::<(Rows, Option<Cursor>)>().prop_map(|(rows, then)| Self::Chunk { rows, then }),
        any::<Stretch>().prop_map(Self::Compare),
    ];
    ToNode => prop_oneof![
        any::<Welcome>().prop_map(Self::Welcome),
        any::<View>().prop_map(Self::View),
        any::<Neighbour>().prop_map(Self::NextIsLinked),
        Just(Self::HomeIsLinked),
        any::<PartitionId>().prop_map(|partition| Self::JoinerIsWhole { partition }),
        any::<(PartitionId, AskNumber)>().prop_map(|(partition, ask)| Self::AskRefused { partition, ask }),
        any::<Request>().prop_map(Self::Request),
        any::<ProbeNumber>().prop_map(Self::Probe),
        any::<Refusal>().prop_map(Self::Goodbye),
    ];
    FromNode => prop_oneof![
        any::<Report>().prop_map(Self::Report),
        any::<(CallId, Reply)>().prop_map(|(call, reply)| Self::Reply { call, reply }),
        any::<Ask>().prop_map(Self::Ask),
        any::<(PartitionId, Epoch)>().prop_map(|(partition, epoch)| Self::ServesAlone { partition, epoch }),
        any::<(PartitionId, Epoch)>().prop_map(|(partition, epoch)| Self::NextUnreachable { partition, epoch }),
        any::<PartitionId>().prop_map(|partition| Self::NextReachable { partition }),
        any::<Progress>().prop_map(Self::Progress),
        any::<(PartitionId, Epoch, Condition)>()
            .prop_map(|(partition, epoch, condition)| Self::Condition { partition, epoch, condition }),
        any::<(PartitionId, Verdict)>().prop_map(|(partition, verdict)| Self::Compared { partition, verdict }),
        any::<(PartitionId, Salvage)>()
            .prop_map(|(partition, salvage)| Self::Salvage { partition, salvage }),
        any::<ProbeNumber>().prop_map(Self::Alive),
        any::<DiskState>().prop_map(Self::Disk),
        any::<Option<CallId>>().prop_map(|understood| Self::Undecodable { understood }),
        text().prop_map(Self::Goodbye),
    ];
    CopyMessage => prop_oneof![
        any::<Greeting>().prop_map(Self::Greeting),
        (number(), any::<(View, Data)>()).prop_map(|(session, (view, data))| Self::Data { session, view, data }),
        number().prop_map(|session| Self::Compared { session }),
        (number(), any::<Seq>(), number(), any::<Seq>()).prop_map(|(session, seq, data, written)| Self::Durable {
            session,
            seq,
            data,
            written,
        }),
        any::<Refusal>().prop_map(Self::Goodbye),
    ];
    Membership => (any::<ClusterId>(), vec(any::<NodeId>(), 0..5))
        .prop_map(|(cluster, ring)| Self { cluster, ring });
    NodeHello => (any::<(NodeId, Incarnation, Boot)>(), text(), any::<Option<Membership>>()).prop_map(
        |((node, incarnation, boot), address, membership)| {
            Self { node, incarnation, boot, address, membership }
        },
    );
    HomeHello => any::<(NodeId, Incarnation, Boot, ClusterId, PartitionId, (NodeId, Incarnation))>().prop_map(
        |(node, incarnation, boot, cluster, partition, to)| {
            Self { node, incarnation, boot, cluster, partition, to }
        },
    );
    GatewayPeer => prop_oneof![any::<NodeHello>().prop_map(Self::Node), Just(Self::Observer)];
    NodePeer => any::<HomeHello>().prop_map(Self::Home);
}
