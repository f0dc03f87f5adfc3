//! The service of a partition while a node's data is lost, and the recovery from the loss.

use std::time::Duration;

use protocol::id::PartitionId;
use protocol::message::{Action, Condition, CopyReport, Report, ToNode};
use protocol::precondition::Precondition;
use protocol::view::InSync;
use ring_core::gateway::{
    ClientRequest, Gateway, GatewayEffect, GatewayEvent, Outcome, Ticket, Unavailable,
};

use crate::gateway::{
    AFTER_GRACE, accept_loss, answers, comes_back_without_data, handle, in_sync, link, newborn,
    reports, ring_of_both, sent_to, settle, take_probe, unanswered,
};
use crate::support::{both, hello, home_only, incarnation, user_of};

/// Submits a client's request for P0. Returns the effects.
fn submit(gateway: &mut Gateway, request: ClientRequest) -> Vec<GatewayEffect> {
    let time_allowed = Duration::from_secs(5);
    unanswered(
        gateway,
        AFTER_GRACE,
        GatewayEvent::Submit { ticket: Ticket(1), request, time_allowed },
    )
}

fn read() -> ClientRequest {
    ClientRequest::Read(user_of(0))
}

fn ends_as(why: Unavailable) -> [GatewayEffect; 1] {
    [GatewayEffect::Complete { ticket: Ticket(1), outcome: Outcome::NotDone(why) }]
}

/// db-1 links, and reports the condition of its copy of P0.
fn next_comes(gateway: &mut Gateway, condition: Condition) {
    handle(gateway, GatewayEvent::NodeLinked { link: link(1), hello: hello(1) });
    let next = CopyReport { condition, ..CopyReport::default() };
    handle(gateway, reports(1, Report { next, ..Report::default() }));
    settle(gateway);
}

#[test]
fn reads_go_on_at_the_replica_before_it_has_taken_over() {
    let mut gateway = ring_of_both();
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(0) });
    unanswered(
        &mut gateway,
        AFTER_GRACE,
        GatewayEvent::NodeLinked { link: link(0), hello: newborn(0) },
    );
    let mut effects = unanswered(&mut gateway, AFTER_GRACE, reports(0, Report::default()));
    effects.extend(unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::Saved));
    assert_eq!(in_sync(&gateway, 0), both(0), "db-1 has not shown yet that it is alive");
    assert!(sent_to(&effects, 0).is_empty(), "no welcome before it is dropped: {effects:?}");
    let of_next = std::iter::from_fn(|| take_probe(&mut effects)).find(|(of, _)| *of == link(1));
    let (of_next, probe) = of_next.expect("db-1 is probed");
    let effects = submit(&mut gateway, read());
    assert!(matches!(sent_to(&effects, 1)[..], [ToNode::Request(_)]), "{effects:?}");
    // The coming view has no primary.
    let (id, precondition) = (user_of(0), Precondition::NONE);
    let delete = ClientRequest::Update(Action::Delete { id, precondition });
    assert_eq!(submit(&mut gateway, delete), ends_as(Unavailable::NoPrimary));
    handle(&mut gateway, answers(of_next, probe));
    settle(&mut gateway);
    // db-0 was the next of P2 too.
    let mut effects = handle(&mut gateway, GatewayEvent::NodeLost { link: link(2) });
    effects.extend(settle(&mut gateway));
    let [ToNode::Welcome(welcome)] = sent_to(&effects, 0)[..] else { panic!("{effects:?}") };
    assert_eq!(welcome.views[0].in_sync, InSync::NextOnly { next: incarnation(1) });
}

#[test]
fn where_both_nodes_have_lost_their_data_an_operator_decides() {
    let mut gateway = ring_of_both();
    unanswered(&mut gateway, AFTER_GRACE, GatewayEvent::NodeLost { link: link(1) });
    comes_back_without_data(&mut gateway);
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), both(0), "db-1 may have it all");
    handle(&mut gateway, GatewayEvent::NodeLinked { link: link(1), hello: newborn(1) });
    let mut effects = handle(&mut gateway, reports(1, Report::default()));
    effects.extend(settle(&mut gateway));
    let [ToNode::Welcome(welcome), ..] = sent_to(&effects, 1)[..] else { panic!("{effects:?}") };
    assert!(welcome.views.iter().all(|view| view.partition != PartitionId(0)), "{welcome:?}");
    assert_eq!(submit(&mut gateway, read()), ends_as(Unavailable::Lost));
    let problems = gateway.overview(AFTER_GRACE).partitions.swap_remove(0).problems;
    assert!(problems[0].contains("both came back without it"), "{problems:?}");

    assert_eq!(accept_loss(&mut gateway, "db-0").0, Ok(()));
    settle(&mut gateway);
    assert_eq!(in_sync(&gateway, 0), InSync::HomeOnly { home: incarnation(50) });
}

/// Home never acted alone on its view, so next would have everything; but next cannot read all
/// of it.
#[test]
fn a_next_that_is_not_whole_is_not_waited_for() {
    for condition in [Condition::Damaged, Condition::Partial] {
        let mut gateway = ring_of_both();
        handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
        settle(&mut gateway);
        comes_back_without_data(&mut gateway);
        settle(&mut gateway);
        let waits = submit(&mut gateway, read());
        assert_eq!(waits, [], "db-1 may be whole");
        next_comes(&mut gateway, condition);
        assert_eq!(in_sync(&gateway, 0), home_only(0));
        assert_eq!(submit(&mut gateway, read()), ends_as(Unavailable::Lost), "{condition:?}");
    }
}
