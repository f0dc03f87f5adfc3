//! Schedules as data: drawn and shrunk by proptest, or written byte by byte by a fuzzer.

use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;
use protocol::view::Member;

/// A ring and its schedule.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The size of the ring.
    pub(crate) nodes: usize,
    /// How many log entries a copy keeps. Most schedules keep few, so that logs are trimmed all
    /// the time.
    pub(crate) log_entries_kept: u64,
    /// Whether reads take time and some records are not at hand. Otherwise each read returns at
    /// once.
    pub(crate) is_cold: bool,
    /// Whether records may become unreadable in both copies of a partition. An operator then
    /// accepts the loss.
    pub(crate) has_operator: bool,
    /// The steps, in order.
    pub(crate) actions: Vec<Action>,
}

/// The most actions of a schedule, so that a fuzzer's run is short.
const ACTIONS_MAX: usize = 200;
/// The number of users in the clients' requests.
const USERS: u8 = 4;

/// One step. Each number is taken modulo the number of choices.
#[derive(Debug, Clone, Arbitrary)]
pub(crate) enum Action {
    /// Delivers messages of one queue.
    Deliver {
        #[arbitrary(with = byte)]
        queue: usize,
        #[arbitrary(with = byte)]
        count: usize,
    },
    /// Delivers all messages under way, and the messages they cause.
    DeliverAll,
    /// A node begins a sync, or its sync returns.
    Sync {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A node's disk carries out a read, or returns the result of a read carried out before.
    Read {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = byte)]
        nth: usize,
    },
    /// The gateway's save returns.
    SaveReturns,
    /// Time passes. Each host without a link tries to connect.
    Pass {
        #[arbitrary(with = up_to_three_seconds)]
        time: Duration,
    },
    /// A client makes a request.
    Client {
        operation: ClientOperation,
        #[arbitrary(with = one_of_few)]
        user: u8,
    },
    /// A link breaks. The ends in `who_knows` learn of it at once.
    BreakLink {
        #[arbitrary(with = byte)]
        link: usize,
        who_knows: WhoKnows,
    },
    /// The links between two neighbours, or between a node and the gateway, break. The two hosts
    /// cannot connect again before `HealCuts`.
    Cut {
        #[arbitrary(with = byte)]
        ends: usize,
    },
    /// Every machine can connect again.
    HealCuts,
    /// A process is killed. Unsynced writes stay.
    Kill {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A host loses power. All its unsynced writes except the first few are lost.
    PowerLoss {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = byte)]
        kept: usize,
    },
    /// A host loses its disk, if the design promises to survive this. Its node comes back with
    /// an empty disk.
    LoseData {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// A record of a copy becomes unreadable, if the design promises to survive this or there is
    /// an operator.
    Rot {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = one_of_few)]
        user: u8,
        #[arbitrary(with = either)]
        member: Member,
    },
    /// The operator, if there is one, lets a partition go on with the readable part of a copy in
    /// sync, if none is whole.
    AcceptLoss {
        #[arbitrary(with = byte)]
        node: usize,
        #[arbitrary(with = either)]
        member: Member,
    },
    /// The gateway dies and loses its state file, if the design promises to survive this.
    LoseState,
    /// A dead node starts again.
    Start {
        #[arbitrary(with = byte)]
        node: usize,
    },
    /// The gateway dies, if the design promises to survive this.
    KillGateway,
    /// The gateway starts, unless it runs.
    StartGateway,
}

/// The ends told at once of a broken link.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum WhoKnows {
    /// The client of the link.
    Client,
    /// The server of the link.
    Server,
    /// Both ends.
    Both,
}

/// A kind of request.
#[derive(Debug, Clone, Copy, Arbitrary)]
pub(crate) enum ClientOperation {
    /// Makes a record.
    Create,
    /// Reads a record.
    Read,
    /// Changes the name in a record.
    Change,
    /// Changes the name, if the record is the one seen last.
    ChangeIfMatch,
    /// Removes a record.
    Delete,
    /// Removes a record, if it is the one seen last.
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

fn either(bytes: &mut Unstructured<'_>) -> arbitrary::Result<Member> {
    Ok(if bytes.arbitrary()? { Member::Home } else { Member::Next })
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
    let node = || 0_usize..4;
    let member = || any::<bool>().prop_map(|is| if is { Member::Home } else { Member::Next });
    let deliver = (0_usize..32, 1_usize..6);
    let millis = prop_oneof![4 => 1_u64..50, 3 => 50_u64..400, 1 => 400_u64..3000];
    let who_knows =
        prop_oneof![Just(WhoKnows::Client), Just(WhoKnows::Server), Just(WhoKnows::Both)];
    prop_oneof![
        20 => deliver.prop_map(|(queue, count)| Action::Deliver { queue, count }),
        13 => Just(Action::DeliverAll),
        16 => node().prop_map(|node| Action::Sync { node }),
        16 => (node(), 0_usize..8).prop_map(|(node, nth)| Action::Read { node, nth }),
        5 => Just(Action::SaveReturns),
        14 => millis.prop_map(|millis| Action::Pass { time: Duration::from_millis(millis) }),
        30 => (operation(), 0..USERS)
            .prop_map(|(operation, user)| Action::Client { operation, user }),
        3 => (0_usize..16, who_knows)
            .prop_map(|(link, who_knows)| Action::BreakLink { link, who_knows }),
        1 => (0_usize..8).prop_map(|ends| Action::Cut { ends }),
        1 => Just(Action::HealCuts),
        2 => node().prop_map(|node| Action::Kill { node }),
        2 => (node(), 0_usize..8).prop_map(|(node, kept)| Action::PowerLoss { node, kept }),
        1 => node().prop_map(|node| Action::LoseData { node }),
        4 => (node(), 0..USERS, member())
            .prop_map(|(node, user, member)| Action::Rot { node, user, member }),
        1 => (node(), member()).prop_map(|(node, member)| Action::AcceptLoss { node, member }),
        1 => prop_oneof![1 => Just(Action::LoseState), 2 => Just(Action::HealCuts)],
        8 => node().prop_map(|node| Action::Start { node }),
        1 => Just(Action::KillGateway),
        8 => Just(Action::StartGateway),
    ]
}

fn operation() -> impl Strategy<Value = ClientOperation> {
    use ClientOperation::{Change, ChangeIfMatch, Create, Delete, DeleteIfMatch, Read};
    prop_oneof![
        3 => Just(Create),
        6 => Just(Read),
        5 => Just(Change),
        1 => Just(ChangeIfMatch),
        2 => Just(Delete),
        1 => Just(DeleteIfMatch),
    ]
}
