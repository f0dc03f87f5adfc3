//! Schedules that once broke a rule, or seemed to, as shrunk by proptest.

use std::time::Duration;

use protocol::view::Member;

use crate::play;
use crate::schedule::Action::{
    BreakLink, Client, Cut, Deliver, DeliverAll, Kill, KillGateway, LoseData, LoseState, Pass,
    PowerLoss, Rot, SaveReturns, Start, StartGateway, Sync,
};
use crate::schedule::ClientOperation::{Change, Create, Delete, Read};
use crate::schedule::{Action, Plan, WhoKnows};

fn pass(millis: u64) -> Action {
    Pass { time: Duration::from_millis(millis) }
}

/// Home is alone and asks for next. The ask is granted, and next hears of it. Then home loses
/// power, the gateway loses its file, and next is killed. The new gateway welcomes home without
/// a view. Home must not take this as the end of its ask and commit its written entries alone,
/// because next will report the view *both*.
#[test]
fn an_ask_that_was_granted_outlives_the_donors_start_and_the_controllers_file() {
    let plan = Plan {
        nodes: 2,
        log_entries_kept: 0,
        is_cold: false,
        has_operator: false,
        actions: vec![
            LoseData { node: 0 },
            Start { node: 0 },
            BreakLink { link: 0, who_knows: WhoKnows::Client },
            pass(1),
            Client { operation: Create, user: 1 },
            Deliver { queue: 6, count: 1 },
            SaveReturns,
            DeliverAll,
            Kill { node: 0 },
            Start { node: 2 },
            Sync { node: 1 },
            pass(1),
            Sync { node: 1 },
            Client { operation: Change, user: 1 },
            DeliverAll,
            SaveReturns,
            DeliverAll,
            PowerLoss { node: 1, kept: 2 },
            SaveReturns,
            Deliver { queue: 0, count: 1 },
            LoseState,
            Kill { node: 2 },
            Start { node: 1 },
            StartGateway,
            pass(1),
            Deliver { queue: 0, count: 1 },
            SaveReturns,
        ],
    };
    play(&plan).unwrap();
}

/// A home cannot read an entry that no other copy has. It reports the damage, is dropped for it,
/// and loses power before it has stored the damage. It comes back whole, with this entry, and
/// out of sync.
#[test]
fn a_home_that_was_dropped_for_damage_may_come_back_without_it() {
    let plan = Plan {
        nodes: 3,
        log_entries_kept: 1_000_000,
        is_cold: false,
        has_operator: false,
        actions: vec![
            pass(250),
            Client { operation: Create, user: 0 },
            Deliver { queue: 4, count: 1 },
            Sync { node: 1 },
            Rot { node: 1, user: 0, member: Member::Home },
            pass(250),
            Sync { node: 1 },
            Deliver { queue: 4, count: 1 },
            PowerLoss { node: 1, kept: 0 },
            SaveReturns,
        ],
    };
    play(&plan).unwrap();
}

/// A view is lost with the controller's file, and with the power of the only node that had
/// written it. The rebuilt view has the same epoch.
#[test]
fn the_epoch_of_a_view_that_nobody_has_stored_is_used_again() {
    let plan = Plan {
        nodes: 3,
        log_entries_kept: 0,
        is_cold: false,
        has_operator: false,
        actions: vec![
            Client { operation: Create, user: 0 },
            pass(2_000),
            Cut { ends: 4 },
            SaveReturns,
            Deliver { queue: 0, count: 1 },
            Client { operation: Read, user: 3 },
            Deliver { queue: 8, count: 1 },
            LoseState,
            StartGateway,
            pass(1),
            DeliverAll,
            SaveReturns,
            PowerLoss { node: 1, kept: 0 },
        ],
    };
    play(&plan).unwrap();
}

/// Next is restored by a snapshot during updates. Entries come between the begin of the snapshot
/// and the table of applied ids, so the table has rows for their requests too. The log must
/// still contain these requests.
#[test]
fn rows_of_a_snapshot_do_not_take_the_place_of_the_log() {
    let plan = Plan {
        nodes: 2,
        log_entries_kept: 0,
        is_cold: true,
        has_operator: false,
        actions: vec![
            Client { operation: Create, user: 3 },
            Deliver { queue: 0, count: 1 },
            KillGateway,
            Deliver { queue: 0, count: 1 },
            LoseData { node: 1 },
            Deliver { queue: 0, count: 1 },
            StartGateway,
            Client { operation: Create, user: 2 },
            Client { operation: Change, user: 3 },
            Client { operation: Change, user: 2 },
        ],
    };
    play(&plan).unwrap();
}

/// The gateway loses its file, and rebuilds the view *home only* with the next epoch. A message
/// of next is under way meanwhile: next is partly restored, under the older view. Then next is
/// whole, and home asks for it. The controller grants that, because next tells its condition again
/// under the new view.
#[test]
fn a_condition_told_under_an_older_view_does_not_count() {
    let first = || Deliver { queue: 0, count: 1 };
    let plan = Plan {
        nodes: 4,
        log_entries_kept: 0,
        is_cold: true,
        has_operator: false,
        actions: vec![
            first(),
            first(),
            Client { operation: Create, user: 2 },
            first(),
            first(),
            Client { operation: Delete, user: 2 },
            Sync { node: 0 },
            first(),
            first(),
            first(),
            Sync { node: 0 },
            first(),
            first(),
            first(),
            first(),
            first(),
            Sync { node: 0 },
            Sync { node: 1 },
            first(),
            Sync { node: 0 },
            first(),
            first(),
            pass(109),
            first(),
            first(),
            pass(271),
            first(),
            pass(292),
            Sync { node: 1 },
            pass(1_828),
            first(),
            first(),
            DeliverAll,
            first(),
            SaveReturns,
            Deliver { queue: 6, count: 1 },
            Sync { node: 0 },
            pass(1_000),
            Sync { node: 0 },
            DeliverAll,
            Client { operation: Create, user: 2 },
            first(),
            LoseState,
        ],
    };
    play(&plan).unwrap();
}
