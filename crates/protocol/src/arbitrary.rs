//! Arbitrary values of the messages' types, for the property tests.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use crate::entry::{Answer, Change, Entry, RecordJson};
use crate::id::{
    COUNTED_MAX, ClusterId, Epoch, GatewayBoot, Incarnation, NodeId, PartitionId, Position,
    RequestId, Seq,
};
use crate::message::{
    Action, AppliedRow, Ask, AskNumber, CallId, Condition, CopyMessage, CopyReport, Cursor, Data,
    DiskState, FromNode, Greeting, Holds, Neighbour, Operation, ProbeNumber, Progress, RecordRow,
    Reply, Report, Request, Rows, Stretch, ToNode, Update, Verdict, Welcome,
};
use crate::precondition::{Precondition, TAGS_MAX, Tags};
use crate::refusal::{Refusal, RefusalCode};
use crate::user::{Email, Name, User, UserId, UserPatch};
use crate::view::{InSync, Member, View};

/// Says how to make an arbitrary value of a type.
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

fn uuid() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn checked<T>(pattern: &'static str) -> impl Strategy<Value = T>
where
    T: TryFrom<String, Error: std::fmt::Debug> + std::fmt::Debug,
{
    pattern.prop_map(|text| T::try_from(text).expect("the pattern makes valid texts"))
}

fn record() -> impl Strategy<Value = RecordJson> {
    vec(any::<u8>(), 0..64).prop_map(RecordJson::from)
}

arbitrary! {
    NodeId => checked("[A-Za-z0-9._-]{1,64}");
    UserId => checked("[A-Za-z0-9._~-]{1,128}");
    Name => checked("\\PC{1,256}");
    Email => checked("[a-z]{1,20}@[a-z]{1,20}\\.[a-z]{2,3}");
    ClusterId => uuid().prop_map(Self);
    Incarnation => uuid().prop_map(Self);
    GatewayBoot => uuid().prop_map(Self);
    PartitionId => any::<u16>().prop_map(Self);
    Epoch => (0..=COUNTED_MAX).prop_map(Self);
    Seq => (0..=COUNTED_MAX).prop_map(Self);
    CallId => any::<u64>().prop_map(Self);
    AskNumber => any::<u64>().prop_map(Self);
    ProbeNumber => any::<u64>().prop_map(Self);
    DiskState => prop_oneof![Just(Self::Answers), Just(Self::Silent)];
    Position => any::<(Epoch, Seq)>().prop_map(|(epoch, seq)| Self { epoch, seq });
    RequestId => any::<(GatewayBoot, u64)>().prop_map(|(boot, counter)| Self { boot, counter });
    Member => prop_oneof![Just(Self::Home), Just(Self::Next)];
    User => any::<(UserId, Name, Email, u32)>().prop_map(|(id, name, email, group)| Self { id, name, email, group });
    UserPatch => any::<(UserId, Option<Name>, Option<Email>, Option<u32>)>()
        .prop_map(|(id, name, email, group)| Self { id, name, email, group });
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
    Entry => any::<(Position, RequestId, u64, Change)>().prop_map(|(position, request, unsettled_from, change)| {
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
    Refusal => (prop::sample::select(RefusalCode::ALL), "\\PC{0,64}")
        .prop_map(|(code, detail)| Self { code, detail });
    Neighbour => (any::<Incarnation>(), "[a-z0-9.]{1,20}:[0-9]{1,5}")
        .prop_map(|(incarnation, address)| Self { incarnation, address });
    Welcome => (
        any::<(ClusterId, GatewayBoot)>(), vec(any::<NodeId>(), 2..5), vec(any::<View>(), 0..3),
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
    Update => any::<(RequestId, u64, Action)>()
        .prop_map(|(request, unsettled_from, action)| Self { request, unsettled_from, action });
    Operation => prop_oneof![any::<UserId>().prop_map(Self::Read), any::<Update>().prop_map(Self::Update)];
    Request => any::<(CallId, PartitionId, Member, Epoch, Operation)>().prop_map(
        |(call, partition, member, epoch, operation)| Self { call, partition, member, epoch, operation },
    );
    Reply => prop_oneof![any::<Answer>().prop_map(Self::Done), Just(Self::Fenced), Just(Self::Settled)];
    Ask => any::<(AskNumber, PartitionId, Epoch, Incarnation)>()
        .prop_map(|(ask, partition, epoch, joiner)| Self { ask, partition, epoch, joiner });
    Condition => prop_oneof![Just(Self::Whole), Just(Self::Damaged), Just(Self::Partial)];
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
    Greeting => any::<(u64, Option<View>, Holds)>()
        .prop_map(|(session, view, holds)| Self { session, view, holds });
    Stretch => any::<(Cursor, Option<Cursor>, u64, u128)>()
        .prop_map(|(after, to, rows, digest)| Self { after, to, rows, digest });
    Data => prop_oneof![
        (any::<Position>(), vec(any::<Entry>(), 1..4))
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
        "\\PC{0,64}".prop_map(Self::Goodbye),
    ];
    CopyMessage => prop_oneof![
        any::<Greeting>().prop_map(Self::Greeting),
        any::<(u64, View, Data)>().prop_map(|(session, view, data)| Self::Data { session, view, data }),
        any::<(u64, Seq, u64)>().prop_map(|(session, seq, data)| Self::Durable { session, seq, data }),
        any::<Refusal>().prop_map(Self::Goodbye),
    ];
}
