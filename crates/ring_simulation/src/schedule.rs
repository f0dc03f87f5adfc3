//! Schedules as data: what proptest or a fuzzer draws, and proptest shrinks.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

/// A ring and what happens to it.
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) nodes: usize,
    /// In most schedules few, so that logs are trimmed all the time.
    pub(crate) log_entries_kept: u64,
    pub(crate) actions: Vec<Action>,
}

/// One step. Numbers are taken modulo what there is to choose from.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    /// Delivers messages of one queue.
    Deliver {
        queue: usize,
        count: usize,
    },
    /// Delivers whatever is under way, and what comes of it.
    DeliverAll,
    /// A node begins a sync, or its sync returns.
    Sync {
        node: usize,
    },
    /// The gateway's save returns.
    SaveReturns,
    /// Time passes; who has no link tries to connect.
    Pass {
        time: Duration,
    },
    /// A client asks for something.
    Client {
        operation: ClientOperation,
        user: u8,
    },
    /// A link breaks; each end learns of it when it does.
    BreakLink {
        link: usize,
        who_knows: WhoKnows,
    },
    /// Two neighbours or a node and the gateway cannot connect any more, or can again.
    Cut {
        ends: usize,
    },
    HealCuts,
    /// A process is killed: unsynced writes stay.
    Kill {
        node: usize,
    },
    /// A host loses power: all but the first few of the unsynced writes are lost.
    PowerLoss {
        node: usize,
        kept: usize,
    },
    /// A host loses its disk, where the design promises to bear it; its node comes back with an empty one.
    LoseData {
        node: usize,
    },
    /// A record of a copy cannot be read any more, where the design promises to bear it.
    Rot {
        node: usize,
        user: u8,
        of_home: bool,
    },
    /// The gateway dies and its state file is lost, where the design promises to bear it.
    LoseState,
    /// A dead node starts again.
    Start {
        node: usize,
    },
    KillGateway,
    StartGateway,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum WhoKnows {
    Client,
    Server,
    Both,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum ClientOperation {
    Create,
    Read,
    Change,
    ChangeIfMatch,
    Delete,
    DeleteIfMatch,
}

/// Any schedule.
pub fn plan() -> impl Strategy<Value = Plan> {
    let kept = prop_oneof![Just(0_u64), 0..20_u64, Just(1_000_000)];
    (2_usize..=4, kept, vec(action(), 10..200))
        .prop_map(|(nodes, log_entries_kept, actions)| Plan { nodes, log_entries_kept, actions })
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
        5 => Just(Action::SaveReturns),
        14 => millis.prop_map(|millis| Action::Pass { time: Duration::from_millis(millis) }),
        30 => (operation, 0_u8..4).prop_map(|(operation, user)| Action::Client { operation, user }),
        3 => (0_usize..16, who_knows).prop_map(|(link, who_knows)| Action::BreakLink { link, who_knows }),
        1 => (0_usize..8).prop_map(|ends| Action::Cut { ends }),
        1 => Just(Action::HealCuts),
        2 => (0_usize..4).prop_map(|node| Action::Kill { node }),
        2 => (0_usize..4, 0_usize..8).prop_map(|(node, kept)| Action::PowerLoss { node, kept }),
        1 => (0_usize..4).prop_map(|node| Action::LoseData { node }),
        2 => (0_usize..4, 0_u8..4, any::<bool>())
            .prop_map(|(node, user, of_home)| Action::Rot { node, user, of_home }),
        1 => prop_oneof![1 => Just(Action::LoseState), 2 => Just(Action::HealCuts)],
        8 => (0_usize..4).prop_map(|node| Action::Start { node }),
        1 => Just(Action::KillGateway),
        8 => Just(Action::StartGateway),
    ]
}
