//! Rule 5: a view changes only in favour of a member that is alive now.

use std::time::Duration;

use protocol::id::{Epoch, PartitionId};
use protocol::message::{DiskState, FromNode, ProbeNumber, Report, ToNode};
use protocol::view::InSync;
use ring_core::gateway::{Gateway, GatewayEffect, GatewayEvent};
use ring_core::link::LinkId;

use crate::gateway::{
    AFTER_GRACE, answers, handle, in_sync, link, newborn, passes, ring_of_both, settle, take_probe,
    unanswered,
};
use crate::support::{both, hello, home_only, incarnation};

fn says(node: u8, message: FromNode) -> GatewayEvent {
    GatewayEvent::NodeSays { link: link(node), message }
}

/// The probes sent to a node.
fn probes(effects: &[GatewayEffect], node: u8) -> Vec<ProbeNumber> {
    let probe = |effect: &GatewayEffect| match effect {
        GatewayEffect::Send { link: to, message } if *to == link(node) => match **message {
            ToNode::Probe(probe) => Some(probe),
            _ => None,
        },
        _ => None,
    };
    effects.iter().filter_map(probe).collect()
}

#[test]
fn a_view_shrinks_once_its_home_has_answered_a_probe_that_was_sent_after_the_loss() {
    let mut gateway = ring_of_both();
    let effects = unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(1) });
    let [probe] = probes(&effects, 0)[..] else { panic!("db-0 is probed: {effects:?}") };
    assert!(!gateway.is_saving(), "nothing is decided before it has answered");
    unanswered(&mut gateway, AFTER_GRACE, says(0, FromNode::Alive(probe)));
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), home_only(0));
}

#[test]
fn an_answer_to_a_probe_before_the_loss_does_not_count() {
    let mut gateway = ring_of_both();
    let unreachable = FromNode::NextUnreachable { partition: PartitionId(0), epoch: Epoch(1) };
    let effects = unanswered(&mut gateway, AFTER_GRACE, says(0, unreachable));
    let [before] = probes(&effects, 0)[..] else { panic!("db-0 is probed: {effects:?}") };
    unanswered(
        &mut gateway,
        AFTER_GRACE,
        says(0, FromNode::NextReachable { partition: PartitionId(0) }),
    );
    let effects = unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(1) });
    let [after] = probes(&effects, 0)[..] else { panic!("db-0 is probed again: {effects:?}") };
    assert!(after > before);
    unanswered(&mut gateway, AFTER_GRACE, says(0, FromNode::Alive(before)));
    assert!(!gateway.is_saving(), "it was sent before the loss was noticed");
    unanswered(&mut gateway, AFTER_GRACE, says(0, FromNode::Alive(after)));
    assert!(gateway.is_saving());
}

/// db-0 returns without its data, leaves, and returns again. The probe for the loss of its link
/// is still under way then.
#[test]
fn a_greeting_without_the_data_that_a_view_counts_on_is_a_loss_of_its_own() {
    let mut gateway = ring_of_both();
    let comes = || GatewayEvent::NodeLinked { link: link(0), hello: newborn(0) };
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(0) });
    unanswered(&mut gateway, AFTER_GRACE, comes());
    unanswered(&mut gateway, AFTER_GRACE, says(0, FromNode::Report(Report::default())));
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::Saved);
    let effects = unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(0) });
    let [before] = probes(&effects, 1)[..] else { panic!("db-1 is probed: {effects:?}") };
    let effects = unanswered(&mut gateway, AFTER_GRACE, comes());
    let [after] = probes(&effects, 1)[..] else { panic!("db-1 is probed again: {effects:?}") };
    unanswered(&mut gateway, AFTER_GRACE, says(1, FromNode::Alive(before)));
    assert!(!gateway.is_saving(), "it was sent before db-0 came without its data");
    unanswered(&mut gateway, AFTER_GRACE, says(1, FromNode::Alive(after)));
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), InSync::NextOnly { next: incarnation(1) });
}

#[test]
fn a_home_that_dies_before_it_has_answered_keeps_the_view() {
    let mut gateway = ring_of_both();
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(1) });
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(0) });
    let mut now = AFTER_GRACE;
    for _ in 0..20 {
        now = now + Duration::from_millis(500);
        unanswered(&mut gateway, now, GatewayEvent::Tick);
    }
    assert!(!gateway.is_saving());
    assert_eq!(in_sync(&gateway, 0), both(0));
}

/// The gateway finds its links dead one after the other, and its nodes return one after the
/// other.
#[test]
fn a_gateway_that_stood_still_changes_no_view_for_that() {
    for (stood_still, changes) in [(Duration::from_secs(3), false), (Duration::ZERO, true)] {
        let mut gateway = ring_of_both();
        let now = AFTER_GRACE + stood_still;
        let effects = unanswered(&mut gateway, now, GatewayEvent::NodeLost { link: link(1) });
        for probe in probes(&effects, 0) {
            unanswered(&mut gateway, now, says(0, FromNode::Alive(probe)));
        }
        assert_eq!(gateway.is_saving(), changes, "after {stood_still:?}");
    }
}

#[test]
fn where_most_links_are_lost_at_once_nodes_get_time_to_come_back() {
    let mut gateway = ring_of_both();
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), home_only(0), "one link is not most of them");
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(2) });
    assert_eq!(in_sync(&gateway, 1), both(1));
    // db-1 returns first. The gateway does not act on the loss of db-2 yet.
    handle(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(1) });
    let report = FromNode::Report(Report::default());
    handle(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message: report });
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 1), both(1));
    passes(&mut gateway, AFTER_GRACE, AFTER_GRACE + Duration::from_millis(1_500));
    let mut probes = Vec::new();
    for half_seconds in 4..=8 {
        let now = AFTER_GRACE + Duration::from_millis(500 * half_seconds);
        let mut effects = unanswered(&mut gateway, now, GatewayEvent::Tick);
        probes.extend(take_probe(&mut effects));
    }
    let [(LinkId(99), probe)] = probes[..] else { panic!("db-1 is probed: {probes:?}") };
    let later = AFTER_GRACE + Duration::from_secs(4);
    unanswered(&mut gateway, later, answers(LinkId(99), probe));
    assert!(gateway.is_saving(), "but then it is");
}

#[test]
fn a_node_that_loses_its_link_twice_is_one_node() {
    let mut gateway = ring_of_both();
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(1) });
    unanswered(
        &mut gateway,
        AFTER_GRACE,
        GatewayEvent::NodeLinked { link: link(1), hello: hello(1) },
    );
    unanswered(&mut gateway, AFTER_GRACE, says(1, FromNode::Report(Report::default())));
    handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), home_only(0), "and not most of three");
}

#[test]
fn an_answer_to_a_probe_that_was_not_sent_is_a_violation() {
    let mut gateway = ring_of_both();
    let effects = unanswered(&mut gateway, AFTER_GRACE, says(0, FromNode::Alive(ProbeNumber(99))));
    let is_dropped = |effect: &GatewayEffect| matches!(effect, GatewayEffect::Drop { link: of, .. } if *of == link(0));
    assert!(effects.iter().any(is_dropped), "{effects:?}");
}

#[test]
fn a_node_whose_disk_does_not_answer_counts_as_lost_until_it_answers() {
    let mut gateway = ring_of_both();
    handle(&mut gateway, says(1, FromNode::Disk(DiskState::Silent)));
    settle(&mut gateway);
    // db-1 is the next of P0 and the home of P1. The view of P1 cannot change in favour of db-1,
    // nor in favour of another node.
    assert_eq!((in_sync(&gateway, 0), in_sync(&gateway, 1)), (home_only(0), both(1)));
    let status = gateway.overview(AFTER_GRACE);
    let told = status.partitions.iter().filter(|partition| {
        partition.problems.iter().any(|problem| problem.contains("the disk of db-1"))
    });
    assert_eq!(told.count(), 2, "{status:?}");
    let effects = handle(&mut gateway, says(1, FromNode::Disk(DiskState::Answers)));
    let worth_asking = ToNode::JoinerIsWhole { partition: PartitionId(0) };
    assert_eq!(crate::gateway::sent_to(&effects, 0), [&worth_asking]);
}

#[test]
fn a_save_that_has_not_returned_for_a_second_is_a_problem_of_every_partition() {
    let mut gateway = ring_of_both();
    handle(&mut gateway, says(1, FromNode::Goodbye("it was told to stop".to_owned())));
    assert!(gateway.is_saving());
    let is_told = |gateway: &Gateway, ms| {
        let status = gateway.overview(AFTER_GRACE + Duration::from_millis(ms));
        let told = status.partitions.iter().filter(|partition| {
            let is_of_disk = |problem: &String| problem.contains("the gateway's state directory");
            partition.problems.iter().any(is_of_disk)
        });
        told.count()
    };
    assert_eq!((is_told(&gateway, 999), is_told(&gateway, 1_000)), (0, 3));
    settle(&mut gateway);
    assert_eq!(is_told(&gateway, 9_000), 0);
}

#[test]
fn a_next_that_says_that_it_ends_is_not_waited_for() {
    let mut gateway = ring_of_both();
    handle(&mut gateway, says(1, FromNode::Goodbye("it was told to stop".to_owned())));
    settle(&mut gateway);
    assert_eq!((in_sync(&gateway, 0), in_sync(&gateway, 1)), (home_only(0), both(1)));
}
