//! Schedules as data: what proptest draws and shrinks, and a fuzzer writes byte by byte.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;

/// A ring and what happens to it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) nodes: usize,
    /// In most schedules few, so that logs are trimmed all the time.
    pub(crate) log_entries_kept: u64,
    /// Reads take time, and not every record is at hand. Otherwise each returns at once.
    pub(crate) is_cold: bool,
    /// Records may become unreadable in both copies of a partition: an operator accepts what is lost then.
    pub(crate) has_operator: bool,
    pub(crate) actions: Vec<Action>,
}

/// The most actions of a schedule: what a fuzzer plays is to be over soon.
const ACTIONS_MAX: usize = 200;
/// The users that clients ask for.
const USERS: u8 = 4;

/// One step. Numbers are taken modulo what there is to choose from.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) enum Action {
    /// Delivers messages of one queue.
    Deliver {
        #[arbitrary(with = byte)]
        queue: usize,
        #[arbitrary(with = byte)]
        count: usize,
    },
    /// Delivers whatever is under way, and what comes of it.
    DeliverAll,
    /// A node begins a sync, or its sync returns.
    Sync {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A node's disk carries out a read, or a read that was carried out returns.
    Read {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = byte)]
        nth: usize,
    },
    /// The gateway's save returns.
    SaveReturns,
    /// Time passes; who has no link tries to connect.
    Pass {
        #[arbitrary(with = up_to_three_seconds)]
        time: Duration,
    },
    /// A client asks for something.
    Client {
        operation: ClientOperation,
        #[arbitrary(with = one_of_few)]
        user: u8,
    },
    /// A link breaks; each end learns of it when it does.
    BreakLink {
        #[arbitrary(with = byte)]
        link: usize,
        who_knows: WhoKnows,
    },
    /// Two neighbours or a node and the gateway cannot connect any more, or can again.
    Cut {
        #[arbitrary(with = byte)]
        ends: usize,
    },
    HealCuts,
    /// A process is killed: unsynced writes stay.
    Kill {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A host loses power: all but the first few of the unsynced writes are lost.
    PowerLoss {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = byte)]
        kept: usize,
    },
    /// A host loses its disk, where the design promises to bear it; its node comes back with an empty one.
    LoseData {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A record of a copy cannot be read any more, where the design promises to bear it, or there is an operator.
    Rot {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = one_of_few)]
        user: u8,
        of_home: bool,
    },
    /// The operator, if there is one, lets a partition go on with what a copy in sync can read, if none is whole.
    AcceptLoss {
        #[arbitrary(with = byte)]
        node: usize,
        of_home: bool,
    },
    /// The gateway dies and its state file is lost, where the design promises to bear it.
    LoseState,
    /// A dead node starts again.
    Start {
        #[arbitrary(with = byte)]
        node: usize,
    },
    KillGateway,
    StartGateway,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum WhoKnows {
    Client,
    Server,
    Both,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum ClientOperation {
    Create,
    Read,
    Change,
    ChangeIfMatch,
    Delete,
    DeleteIfMatch,
}

impl<'a> Arbitrary<'a> for Plan {
    fn arbitrary(bytes: &mut Unstructured<'a>) -> arbitrary::Result<Self> {
        let nodes = bytes.int_in_range(2..=4)?;
        let drawn: u64 = bytes.int_in_range(0..=83)?;
        let (log_entries_kept, is_cold) = (drawn / 4, drawn % 2 == 1);
        let has_operator = drawn / 2 % 2 == 1;
        let mut actions = Vec::new();
        while !bytes.is_empty() && actions.len() < ACTIONS_MAX {
            actions.push(bytes.arbitrary()?);
        }
        Ok(Self { nodes, log_entries_kept, is_cold, has_operator, actions })
    }
}

fn byte(bytes: &mut Unstructured<'_>) -> arbitrary::Result<usize> {
    bytes.arbitrary::<u8>().map(usize::from)
}

fn one_of_few(bytes: &mut Unstructured<'_>) -> arbitrary::Result<u8> {
    bytes.int_in_range(0..=USERS - 1)
}

fn up_to_three_seconds(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Duration> {
    bytes.int_in_range(1..=3_000).map(Duration::from_millis)
}

/// Any schedule.
pub fn plan() -> impl Strategy<Value = Plan> {
    let kept = prop_oneof![Just(0_u64), 0..20_u64, Just(1_000_000)];
    let options = (any::<bool>(), any::<bool>());
    (2_usize..=4, kept, options, vec(action(), 10..ACTIONS_MAX)).prop_map(
        |(nodes, log_entries_kept, (is_cold, has_operator), actions)| Plan {
            nodes,
            log_entries_kept,
            is_cold,
            has_operator,
            actions,
        },
    )
}

fn action() -> impl Strategy<Value = Action> {
    use ClientOperation::{Change, ChangeIfMatch, Create, Delete, DeleteIfMatch, Read};
    let operation = prop_oneof![
        3 => Just(Create), 6 => Just(Read), 5 => Just(Change), 1 => Just(ChangeIfMatch), 2 => Just(Delete),
        1 => Just(DeleteIfMatch),
    ];
    let millis = prop_oneof![4 => 1_u64..50, 3 => 50_u64..400, 1 => 400_u64..3000];
    let who_knows =
        prop_oneof![Just(WhoKnows::Client), Just(WhoKnows::Server), Just(WhoKnows::Both)];
    prop_oneof![
        20 => (0_usize..32, 1_usize..6).prop_map(|(queue, count)| Action::Deliver { queue, count }),
        13 => Just(Action::DeliverAll),
        16 => (0_usize..4).prop_map(|node| Action::Sync { node }),
        16 => (0_usize..4, 0_usize..8).prop_map(|(node, nth)| Action::Read { node, nth }),
        5 => Just(Action::SaveReturns),
        14 => millis.prop_map(|millis| Action::Pass { time: Duration::from_millis(millis) }),
        30 => (operation, 0..USERS).prop_map(|(operation, user)| Action::Client { operation, user }),
        3 => (0_usize..16, who_knows).prop_map(|(link, who_knows)| Action::BreakLink { link, who_knows }),
        1 => (0_usize..8).prop_map(|ends| Action::Cut { ends }),
        1 => Just(Action::HealCuts),
        2 => (0_usize..4).prop_map(|node| Action::Kill { node }),
        2 => (0_usize..4, 0_usize..8).prop_map(|(node, kept)| Action::PowerLoss { node, kept }),
        1 => (0_usize..4).prop_map(|node| Action::LoseData { node }),
        4 => (0_usize..4, 0..USERS, any::<bool>())
            .prop_map(|(node, user, of_home)| Action::Rot { node, user, of_home }),
        1 => (0_usize..4, any::<bool>())
            .prop_map(|(node, of_home)| Action::AcceptLoss { node, of_home }),
        1 => prop_oneof![1 => Just(Action::LoseState), 2 => Just(Action::HealCuts)],
        8 => (0_usize..4).prop_map(|node| Action::Start { node }),
        1 => Just(Action::KillGateway),
        8 => Just(Action::StartGateway),
    ]
}
