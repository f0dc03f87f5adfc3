//! The decisions and messages of a gateway when stored rows are damaged.

use std::time::Duration;

use protocol::id::{Epoch, PartitionId, Position, Seq};
use protocol::message::{
    Ask, AskNumber, Condition, CopyReport, FromNode, Progress, Report, ToNode,
};
use protocol::salvage::Salvage;
use protocol::view::{InSync, Member};
use ring_core::gateway::{AcceptLossError, Gateway, GatewayEffect, GatewayEvent};
use ring_core::link::LinkId;

use crate::gateway::{
    AFTER_GRACE, accept_loss, answers, ask, comes_back_without_data, gateway, handle as at_gateway,
    handle_at, in_sync, link, passes, sent_to, settle, take_probe, views,
};
use crate::support::{both, hello, home_only, incarnation};

fn says(
    gateway: &mut Gateway,
    node: u8,
    partition: u16,
    condition: Condition,
) -> Vec<ring_core::gateway::GatewayEffect> {
    says_under(gateway, node, partition, Epoch(1), condition)
}

fn says_under(
    gateway: &mut Gateway,
    node: u8,
    partition: u16,
    epoch: Epoch,
    condition: Condition,
) -> Vec<ring_core::gateway::GatewayEffect> {
    let partition = PartitionId(partition);
    let message = FromNode::Condition { partition, epoch, condition };
    at_gateway(gateway, GatewayEvent::NodeSays { link: link(node), message })
}

/// The gateway hears this condition after the ask for the same copy. The condition is older than
/// the ask: by now the copy is whole, or will report its damage again.
#[test]
fn what_a_copy_was_worth_under_an_older_view_is_not_heard() {
    let next_only = InSync::NextOnly { next: incarnation(1) };
    let mut gateway = gateway([(4, next_only), (1, both(1)), (1, both(2))]);
    let (partition, epoch, joiner) = (PartitionId(0), Epoch(4), incarnation(0));
    let message = FromNode::Ask(Ask { ask: AskNumber(1), partition, epoch, joiner });
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message });
    for is_saved in [false, true] {
        if is_saved {
            at_gateway(&mut gateway, GatewayEvent::Saved);
        }
        assert_eq!(says_under(&mut gateway, 0, 0, epoch, Condition::Partial), []);
    }
    let effects = says_under(&mut gateway, 0, 0, Epoch(5), Condition::Damaged);
    assert_eq!(views(&effects)[0], Some(next_only), "that counts");
}

#[test]
fn a_view_does_not_shrink_in_favour_of_a_damaged_home() {
    for (condition, expected) in [(Condition::Whole, home_only(0)), (Condition::Damaged, both(0))] {
        let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
        for lost in [0, 1] {
            at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(lost) });
        }
        // Most links were lost at once, so the nodes have time to return.
        let later = AFTER_GRACE + Duration::from_secs(3);
        passes(&mut gateway, AFTER_GRACE, later);
        let again = LinkId(99);
        let linked = GatewayEvent::NodeLinked { link: again, hello: hello(0) };
        handle_at(&mut gateway, later, linked);
        let home = CopyReport { condition, ..CopyReport::default() };
        let message = FromNode::Report(Report { home, ..Report::default() });
        handle_at(&mut gateway, later, GatewayEvent::NodeSays { link: again, message });
        while gateway.is_saving() {
            handle_at(&mut gateway, later, GatewayEvent::Saved);
        }
        let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
        assert_eq!(view.in_sync, expected, "{condition:?}");
    }
}

#[test]
fn a_home_that_is_damaged_serves_what_is_whole_where_next_was_damaged_too() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    for node in [0, 1] {
        // No node has answered a probe yet when the second one reports damage too.
        let (partition, epoch, condition) = (PartitionId(0), Epoch(1), Condition::Damaged);
        let message = FromNode::Condition { partition, epoch, condition };
        let says = GatewayEvent::NodeSays { link: link(node), message };
        gateway.handle(AFTER_GRACE, says, &mut Vec::new());
    }
    let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!(view.in_sync, both(0), "each has rows that the other one lacks");
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    while gateway.is_saving() {
        at_gateway(&mut gateway, GatewayEvent::Saved);
    }
    let view = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap();
    assert_eq!(view.in_sync, home_only(0));
    assert_eq!(accept_loss(&mut gateway, "db-0").0, Ok(()));
}

#[test]
fn a_damaged_copy_leaves_the_view_in_favour_of_a_whole_one() {
    let next_only = InSync::NextOnly { next: incarnation(1) };
    for (node, expected) in [(0, next_only), (1, home_only(0))] {
        let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
        let effects = says(&mut gateway, node, 0, Condition::Damaged);
        assert_eq!(views(&effects)[0], Some(expected), "db-{node} is damaged");
    }
}

#[test]
fn a_damaged_copy_stays_while_there_is_no_whole_one() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    while gateway.is_saving() {
        at_gateway(&mut gateway, GatewayEvent::Saved);
    }
    assert!(says(&mut gateway, 1, 0, Condition::Damaged).is_empty());
    let problems = gateway.overview(AFTER_GRACE).partitions.swap_remove(0).problems;
    assert!(problems.iter().any(|problem| problem.starts_with("damaged: ")), "{problems:?}");
}

#[test]
fn an_ask_for_a_joiner_that_is_not_whole_is_refused_until_it_is() {
    let mut gateway = gateway([(4, home_only(0)), (1, both(1)), (1, both(2))]);
    says_under(&mut gateway, 1, 0, Epoch(4), Condition::Damaged);
    let effects = at_gateway(&mut gateway, ask(0, 0, 4));
    assert!(matches!(sent_to(&effects, 0)[..], [ToNode::AskRefused { .. }]), "{effects:?}");
    let effects = says_under(&mut gateway, 1, 0, Epoch(4), Condition::Whole);
    let whole = ToNode::JoinerIsWhole { partition: PartitionId(0) };
    assert_eq!(sent_to(&effects, 0), [&whole]);
    let effects = at_gateway(&mut gateway, ask(0, 0, 4));
    assert_eq!(views(&effects)[0], Some(both(0)));
}

#[test]
fn a_copy_that_was_restored_need_not_have_what_it_had_before() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let progress = |seq, condition| {
        FromNode::Progress(Progress {
            partition: PartitionId(0),
            member: Member::Home,
            written: Position { epoch: Epoch(1), seq: Seq(seq) },
            durable: Seq(seq),
            committed: Seq::ZERO,
            condition,
        })
    };
    let says = |gateway: &mut Gateway, message| {
        at_gateway(gateway, GatewayEvent::NodeSays { link: link(0), message });
        while gateway.is_saving() {
            at_gateway(gateway, GatewayEvent::Saved);
        }
    };
    says(&mut gateway, progress(8, Condition::Whole));
    let condition = |epoch, condition| {
        let (partition, epoch) = (PartitionId(0), Epoch(epoch));
        FromNode::Condition { partition, epoch, condition }
    };
    says(&mut gateway, condition(1, Condition::Damaged));
    says(&mut gateway, progress(8, Condition::Damaged));
    says(&mut gateway, condition(2, Condition::Whole));
    let ask = Ask {
        ask: AskNumber(1),
        partition: PartitionId(0),
        epoch: Epoch(2),
        joiner: incarnation(0),
    };
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message: FromNode::Ask(ask) });
    at_gateway(&mut gateway, GatewayEvent::Saved);
    at_gateway(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(0) });
    let position = Position { epoch: Epoch(1), seq: Seq(4) };
    let copy = CopyReport { view: None, position, condition: Condition::Whole };
    let message = FromNode::Report(Report { home: copy, next: copy });
    let effects = at_gateway(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message });
    let is_dropped = effects.iter().any(|effect| matches!(effect, GatewayEffect::Drop { .. }));
    assert!(!is_dropped, "{effects:?}");
}

#[test]
fn a_node_that_ends_says_why_in_the_status() {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let message = FromNode::Goodbye("the disk is full".to_owned());
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: link(1), message });
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    let status = gateway.overview(AFTER_GRACE);
    assert_eq!(status.nodes[1].last_words.as_deref(), Some("the disk is full"));
    let problems = &status.partitions[1].problems;
    assert!(problems[0].contains("it ended: the disk is full"), "{problems:?}");
}

/// A gateway with these conditions of P0 at home and next. Both are reported before any node
/// answers a probe.
fn with_conditions(home: Condition, next: Condition) -> Gateway {
    let mut gateway = gateway([(1, both(0)), (1, both(1)), (1, both(2))]);
    let mut effects = Vec::new();
    for (node, condition) in [(0, home), (1, next)] {
        let (partition, epoch) = (PartitionId(0), Epoch(1));
        let message = FromNode::Condition { partition, epoch, condition };
        let says = GatewayEvent::NodeSays { link: link(node), message };
        gateway.handle(AFTER_GRACE, says, &mut effects);
    }
    while let Some((link, probe)) = take_probe(&mut effects) {
        gateway.handle(AFTER_GRACE, answers(link, probe), &mut effects);
    }
    settle(&mut gateway);
    gateway
}

#[test]
fn the_copy_that_is_worth_less_leaves_though_neither_is_whole() {
    use Condition::{Damaged, Partial, Unreadable};
    let next_only = InSync::NextOnly { next: incarnation(1) };
    for (home, next, expected) in [
        (Damaged, Damaged, both(0)),
        (Damaged, Unreadable, home_only(0)),
        (Unreadable, Damaged, next_only),
        (Damaged, Partial, home_only(0)),
        (Unreadable, Unreadable, both(0)),
    ] {
        let gateway = with_conditions(home, next);
        assert_eq!(in_sync(&gateway, 0), expected, "home {home:?}, next {next:?}");
    }
}

#[test]
fn a_damaged_copy_goes_on_alone_where_the_other_one_is_lost() {
    let mut gateway = with_conditions(Condition::Whole, Condition::Damaged);
    let mut gateway_of_both = with_conditions(Condition::Damaged, Condition::Damaged);
    for gateway in [&mut gateway, &mut gateway_of_both] {
        comes_back_without_data(gateway);
        settle(gateway);
    }
    let next_only = InSync::NextOnly { next: incarnation(1) };
    assert_eq!(in_sync(&gateway_of_both, 0), next_only);
    assert_eq!(in_sync(&gateway, 0), home_only(0), "next had left before: that data is lost");
}

fn accept(gateway: &mut Gateway, node: &str) -> Result<(), AcceptLossError> {
    let (accepted, _) = accept_loss(gateway, node);
    settle(gateway);
    accepted
}

fn problems(gateway: &Gateway) -> Vec<String> {
    gateway.overview(AFTER_GRACE).partitions.swap_remove(0).problems
}

#[test]
fn an_operator_is_told_to_accept_what_a_damaged_copy_has_lost_and_may_do_so() {
    for (home, next, named, other) in [
        (Condition::Damaged, Condition::Damaged, "db-0", "db-1"),
        (Condition::Unreadable, Condition::Unreadable, "db-0", "db-1"),
    ] {
        for node in [named, other] {
            let mut gateway = with_conditions(home, next);
            let advice = format!("accept-loss --partition 0 --from {named}");
            assert!(problems(&gateway).iter().any(|problem| problem.contains(&advice)));
            accept(&mut gateway, node).unwrap();
            let sole = in_sync(&gateway, 0).sole().map(|(member, _)| member);
            let expected = if node == "db-0" { Member::Home } else { Member::Next };
            assert_eq!(sole, Some(expected));
        }
    }
}

#[test]
fn a_copy_that_is_only_partly_restored_is_not_gone_on_with() {
    let mut gateway = with_conditions(Condition::Damaged, Condition::Partial);
    let refused = accept(&mut gateway, "db-1");
    assert_eq!(refused, Err(AcceptLossError::NotWhole("db-1".parse().unwrap())));
}

#[test]
fn the_status_names_what_was_dropped_until_another_loss_is_accepted() {
    let mut gateway = with_conditions(Condition::Damaged, Condition::Damaged);
    accept(&mut gateway, "db-0").unwrap();
    let accepted = gateway.state().and_then(|state| state.view(PartitionId(0))).unwrap().epoch;
    let mut salvage = Salvage::begin(accepted);
    let tells = |gateway: &mut Gateway, salvage: &Salvage| {
        let (partition, salvage) = (PartitionId(0), salvage.clone());
        let message = FromNode::Salvage { partition, salvage };
        at_gateway(gateway, GatewayEvent::NodeSays { link: link(0), message });
    };
    tells(&mut gateway, &salvage);
    let is_dropping = |problem: &String| problem.contains("what cannot be read is dropped");
    assert!(problems(&gateway).iter().any(is_dropping), "{:?}", problems(&gateway));
    salvage.drop_record(Some("ada".parse().unwrap()));
    salvage.ended = true;
    tells(&mut gateway, &salvage);
    says_under(&mut gateway, 0, 0, accepted, Condition::Whole);
    at_gateway(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    settle(&mut gateway);
    let status =
        |gateway: &Gateway| gateway.overview(AFTER_GRACE).partitions.swap_remove(0).salvage;
    assert_eq!(status(&gateway), Some(salvage), "whatever becomes of the link");
    says_under(&mut gateway, 1, 0, accepted, Condition::Whole);
    at_gateway(&mut gateway, GatewayEvent::NodeLinked { link: LinkId(99), hello: hello(0) });
    let home = CopyReport { condition: Condition::Damaged, ..CopyReport::default() };
    let message = FromNode::Report(Report { home, ..Report::default() });
    at_gateway(&mut gateway, GatewayEvent::NodeSays { link: LinkId(99), message });
    settle(&mut gateway);
    accept(&mut gateway, "db-0").unwrap();
    assert_eq!(status(&gateway), None);
}
