//! The router and its requests: where a request waits, for how long, and how an unreadable
//! request ends.

use std::time::Duration;

use protocol::entry::Answer;
use protocol::message::{Action, CallId, DiskState, FromNode, Reply, ToNode};
use protocol::precondition::Precondition;
use ring_core::gateway::{
    ClientRequest, Gateway, GatewayEffect, GatewayEvent, NodeLimits, Outcome, Ticket, Unavailable,
};

use crate::gateway::{AFTER_GRACE, link, ring_of_both, unanswered};
use crate::support::user_of;

const TIME_ALLOWED: Duration = Duration::from_secs(5);

fn at(gateway: &mut Gateway, ms: u64, event: GatewayEvent) -> Vec<GatewayEffect> {
    unanswered(gateway, AFTER_GRACE + Duration::from_millis(ms), event)
}

fn read() -> ClientRequest {
    ClientRequest::Read(user_of(0))
}

fn delete(partition: u16) -> ClientRequest {
    ClientRequest::Update(Action::Delete {
        id: user_of(partition),
        precondition: Precondition::NONE,
    })
}

/// Submits requests at the start, with tickets from `first` on. Returns the effects.
fn submit(
    gateway: &mut Gateway,
    request: &ClientRequest,
    first: u64,
    count: u64,
) -> Vec<GatewayEffect> {
    let submit = |ticket| GatewayEvent::Submit {
        ticket: Ticket(ticket),
        request: request.clone(),
        time_allowed: TIME_ALLOWED,
    };
    (first..first + count).flat_map(|ticket| at(gateway, 0, submit(ticket))).collect()
}

/// The sent calls, and whether each is alone in its frame.
fn calls(effects: &[GatewayEffect]) -> Vec<(CallId, bool)> {
    let call = |effect: &GatewayEffect| {
        let (message, is_alone) = match effect {
            GatewayEffect::Send { message, .. } => (message, false),
            GatewayEffect::SendAlone { message, .. } => (message, true),
            _ => return None,
        };
        match &**message {
            ToNode::Request(request) => Some((request.call, is_alone)),
            _ => None,
        }
    };
    effects.iter().filter_map(call).collect()
}

fn completed(effects: &[GatewayEffect]) -> Vec<(Ticket, Outcome)> {
    let complete = |effect: &GatewayEffect| match effect {
        GatewayEffect::Complete { ticket, outcome } => Some((*ticket, outcome.clone())),
        _ => None,
    };
    effects.iter().filter_map(complete).collect()
}

fn turned_away(effects: &[GatewayEffect]) -> Vec<Ticket> {
    let overloaded = Outcome::NotDone(Unavailable::Overloaded);
    let completed = completed(effects).into_iter();
    completed.filter(|(_, outcome)| *outcome == overloaded).map(|(ticket, _)| ticket).collect()
}

fn replies(node: u8, call: CallId) -> GatewayEvent {
    let message = FromNode::Reply { call, reply: Reply::Done(Answer::Deleted) };
    GatewayEvent::NodeSays { link: link(node), message }
}

#[test]
fn what_finds_its_node_full_waits_for_room_in_the_order_in_which_it_came() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().updates_max as u64;
    let sent = calls(&submit(&mut gateway, &delete(0), 1, most + 2));
    assert_eq!(sent.len() as u64, most, "two wait");
    assert_eq!(calls(&submit(&mut gateway, &delete(1), 10_000, 1)).len(), 1, "another node");
    assert_eq!(calls(&submit(&mut gateway, &read(), 20_000, 1)).len(), 1, "a read");
    // A later update does not overtake.
    assert_eq!(calls(&submit(&mut gateway, &delete(0), 30_000, 1)), []);
    let effects = at(&mut gateway, 1, replies(0, sent[0].0));
    assert_eq!(calls(&effects).len(), 1, "the first of them takes the room");
    let effects = at(&mut gateway, 2, replies(0, sent[1].0));
    assert_eq!(calls(&effects).len(), 1);
    let settled = completed(&effects);
    assert_eq!(settled.len(), 1, "{settled:?}");
}

#[test]
fn where_all_nodes_have_much_to_do_each_gets_half_of_its_limit() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().updates_max as u64;
    let sent = calls(&submit(&mut gateway, &delete(0), 1, most));
    assert_eq!(sent.len() as u64, most, "it is slow, and has its fill");
    assert_eq!(calls(&submit(&mut gateway, &delete(1), 10_000, most)).len() as u64, most);
    let of_third = calls(&submit(&mut gateway, &delete(2), 20_000, most));
    assert_eq!(of_third.len() as u64, most / 2, "all together have enough");
    let effects = at(&mut gateway, 1, replies(2, of_third[0].0));
    assert_eq!(calls(&effects).len(), 1, "{effects:?}");
    // No update waits for the other two nodes, so their answers leave room in the total.
    let others = calls(&submit(&mut gateway, &read(), 30_000, 1));
    assert_eq!(others.len(), 1, "reads go on");
    let mut more = 0;
    for (call, _) in &sent {
        more += calls(&at(&mut gateway, 1, replies(0, *call))).len() as u64;
    }
    assert!(more > most / 3, "the third has more once the others have less: {more}");
}

#[test]
fn a_request_is_turned_away_after_a_quarter_of_a_second_in_which_its_node_answered_others() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().reads_max as u64;
    let sent = calls(&submit(&mut gateway, &read(), 1, most + 1_000));
    assert_eq!(sent.len() as u64, most);
    let mut turned = Vec::new();
    let (mut under_way, mut ms) = (std::collections::VecDeque::from(sent), 0);
    while turned.is_empty() && ms < 2_000 {
        ms += 10;
        let (call, _) = under_way.pop_front().expect("more are under way");
        let effects = at(&mut gateway, ms, replies(1, call));
        under_way.extend(calls(&effects));
        turned = turned_away(&effects);
    }
    assert!((250..320).contains(&ms), "{ms} ms");
    assert_eq!(
        turned.len() as u64,
        1_000 - ms / 10,
        "all that came at that time and were not sent"
    );
}

#[test]
fn while_its_node_is_silent_a_request_waits_to_its_deadline() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().reads_max as u64;
    let sent = calls(&submit(&mut gateway, &read(), 1, most + 10));
    at(&mut gateway, 1, replies(1, sent[0].0));
    for ms in (100..3_000).step_by(100) {
        assert_eq!(completed(&at(&mut gateway, ms, GatewayEvent::Tick)), []);
    }
    // The node answers again. The updates that waited during its silence are served.
    let effects = at(&mut gateway, 3_000, replies(1, sent[1].0));
    assert_eq!((turned_away(&effects), calls(&effects).len()), (Vec::new(), 1));
    let effects = at(&mut gateway, 5_000, GatewayEvent::Tick);
    let late = completed(&effects);
    let outcome = Outcome::NotDone(Unavailable::DeadlinePassed);
    assert!(late.len() as u64 > most && late.iter().all(|(_, ended)| *ended == outcome));
}

/// A node answers one request each millisecond, the oldest first. Returns the rejected tickets,
/// each with its time in milliseconds.
fn answer_one_by_one(
    gateway: &mut Gateway,
    node: u8,
    sent: Vec<(CallId, bool)>,
    from_ms: u64,
) -> Vec<(u64, Ticket)> {
    let (mut under_way, mut turned, mut ms) =
        (std::collections::VecDeque::from(sent), Vec::new(), from_ms);
    while let Some((call, _)) = under_way.pop_front() {
        ms += 1;
        let effects = at(gateway, ms, replies(node, call));
        under_way.extend(calls(&effects));
        turned.extend(turned_away(&effects).into_iter().map(|ticket| (ms - from_ms, ticket)));
    }
    turned
}

#[test]
fn what_waited_for_a_view_is_no_load() {
    const WAITED: u64 = 3_000;
    const CAME_LATER: u64 = 1_000;
    let mut gateway = ring_of_both();
    crate::gateway::handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    assert_eq!(calls(&submit(&mut gateway, &read(), 1, WAITED)), []);
    let sent = calls(&crate::gateway::settle(&mut gateway));
    assert_eq!(sent.len(), NodeLimits::default().reads_max, "home takes as many as it may");
    assert_eq!(calls(&submit(&mut gateway, &read(), WAITED + 1, CAME_LATER)), []);
    let turned = answer_one_by_one(&mut gateway, 0, sent, 0);
    let (first_ms, _) = turned.first().copied().expect("whoever came later is a load");
    assert!((WAITED + 250..WAITED + 300).contains(&first_ms), "{first_ms} ms");
    assert!(turned.iter().all(|(_, ticket)| ticket.0 > WAITED), "nobody who waited for the view");
}

#[test]
fn what_waited_for_a_node_that_stood_still_is_no_load() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().reads_max as u64;
    let mut sent = calls(&submit(&mut gateway, &read(), 1, most + 1_000));
    let first = sent.remove(0);
    sent.extend(calls(&at(&mut gateway, 1, replies(1, first.0))));
    let turned = answer_one_by_one(&mut gateway, 1, sent, 2_000);
    assert_eq!(turned, [], "all of them are served");
}

#[test]
fn what_waits_takes_the_room_of_requests_that_have_reached_their_deadline() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().updates_max as u64;
    submit(&mut gateway, &delete(0), 1, most);
    let submit = |ticket| GatewayEvent::Submit {
        ticket: Ticket(ticket),
        request: delete(0),
        time_allowed: TIME_ALLOWED,
    };
    assert_eq!(calls(&at(&mut gateway, 3_000, submit(10_000))), [], "the node is full");
    let effects = at(&mut gateway, 5_000, GatewayEvent::Tick);
    assert_eq!(completed(&effects).len() as u64, most);
    let sent = calls(&effects);
    assert_eq!(sent.len(), 1, "its node is alive, and answers nothing that is given up");
    let effects = at(&mut gateway, 5_010, replies(0, sent[0].0));
    assert_eq!(completed(&effects).len(), 1);
}

#[test]
fn what_waits_takes_the_room_of_updates_whose_link_is_lost() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().updates_max as u64;
    submit(&mut gateway, &delete(0), 1, most);
    submit(&mut gateway, &delete(1), 10_000, most);
    let of_third = calls(&submit(&mut gateway, &delete(2), 20_000, most));
    assert_eq!(of_third.len() as u64, most / 2, "all together have enough");
    let effects = at(&mut gateway, 1, GatewayEvent::NodeLost { link: link(0) });
    assert!(calls(&effects).len() as u64 >= most / 2, "the third has the room of the first");
}

#[test]
fn reads_that_wait_for_room_move_with_the_view() {
    let mut gateway = ring_of_both();
    let most = NodeLimits::default().reads_max as u64;
    submit(&mut gateway, &read(), 1, most + 10);
    crate::gateway::handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    let effects = crate::gateway::settle(&mut gateway);
    assert_eq!(calls(&effects).len() as u64, most, "home takes as many as it may");
    assert_eq!(completed(&effects), []);
}

#[test]
fn an_update_is_not_sent_to_a_node_whose_disk_does_not_answer() {
    let mut gateway = ring_of_both();
    let says = |disk| GatewayEvent::NodeSays { link: link(0), message: FromNode::Disk(disk) };
    let sent = calls(&submit(&mut gateway, &delete(0), 1, 1));
    crate::gateway::handle(&mut gateway, says(DiskState::Silent));
    crate::gateway::settle(&mut gateway);
    assert_eq!(calls(&submit(&mut gateway, &delete(0), 2, 2)), []);
    assert_eq!(calls(&submit(&mut gateway, &delete(1), 10, 1)).len(), 1, "another disk");
    // The updates sent before the silence may be done, or not.
    assert_eq!(completed(&at(&mut gateway, 1, replies(0, sent[0].0))).len(), 1);
    let effects = crate::gateway::handle(&mut gateway, says(DiskState::Answers));
    assert_eq!(calls(&effects).len(), 2, "they have waited for it");
    crate::gateway::handle(&mut gateway, says(DiskState::Silent));
    assert_eq!(calls(&submit(&mut gateway, &delete(0), 4, 1)), []);
    let ended = completed(&at(&mut gateway, 5_000, GatewayEvent::Tick));
    let outcome_of = |ticket| ended.iter().find(|ended| ended.0 == Ticket(ticket)).unwrap();
    assert_eq!(outcome_of(3).1, Outcome::Unknown, "it was sent");
    assert_eq!(outcome_of(4).1, Outcome::NotDone(Unavailable::DeadlinePassed));
}

#[test]
fn a_read_is_sent_to_a_node_whose_disk_does_not_answer_as_long_as_the_view_names_it() {
    let mut gateway = ring_of_both();
    crate::gateway::handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    crate::gateway::settle(&mut gateway);
    let says = FromNode::Disk(DiskState::Silent);
    let says = GatewayEvent::NodeSays { link: link(0), message: says };
    crate::gateway::handle(&mut gateway, says);
    assert_eq!(
        calls(&submit(&mut gateway, &read(), 1, 1)).len(),
        1,
        "it has all that is committed"
    );
}

#[test]
fn thousands_that_reach_their_deadline_together_end_at_once() {
    let mut gateway = ring_of_both();
    crate::gateway::handle(&mut gateway, GatewayEvent::NodeLost { link: link(0) });
    crate::gateway::handle(&mut gateway, GatewayEvent::NodeLost { link: link(1) });
    assert_eq!(completed(&submit(&mut gateway, &read(), 1, 16_384)), []);
    let effects = at(&mut gateway, 5_000, GatewayEvent::Tick);
    assert_eq!(completed(&effects).len(), 16_384);
    assert_eq!(gateway.in_flight(), 0);
}

/// A node could not decode a frame after it had read every request up to `understood`. It
/// connects again.
fn cannot_decode(gateway: &mut Gateway, understood: Option<CallId>) -> Vec<GatewayEffect> {
    let message = FromNode::Undecodable { understood };
    let mut effects = at(gateway, 1, GatewayEvent::NodeSays { link: link(0), message });
    effects.extend(at(gateway, 1, GatewayEvent::NodeLost { link: link(0) }));
    let hello = crate::support::hello(0);
    effects.extend(at(gateway, 1, GatewayEvent::NodeLinked { link: link(0), hello }));
    let message = FromNode::Report(protocol::message::Report::default());
    effects
        .extend(crate::gateway::handle(gateway, GatewayEvent::NodeSays { link: link(0), message }));
    effects.extend(crate::gateway::settle(gateway));
    effects
}

#[test]
fn what_was_in_a_frame_that_cannot_be_decoded_is_sent_again_alone_and_only_the_culprit_ends() {
    let mut gateway = ring_of_both();
    let sent = calls(&submit(&mut gateway, &delete(0), 1, 4));
    let effects = cannot_decode(&mut gateway, Some(sent[0].0));
    assert_eq!(completed(&effects), [], "nobody knows yet whose fault it is");
    let again = calls(&effects);
    let alone = again.iter().map(|(_, is_alone)| *is_alone).collect::<Vec<_>>();
    assert_eq!(alone, [false, true, true, true], "the first one was read");
    // The third request is refused again. It ends, and is not sent a third time.
    let effects = cannot_decode(&mut gateway, Some(again[1].0));
    assert_eq!(completed(&effects), [(Ticket(3), Outcome::Unknown)]);
    assert_eq!(calls(&effects).len(), 3);
    assert!(effects.iter().any(|effect| matches!(effect, GatewayEffect::Defect(_))));
}

#[test]
fn a_link_that_ends_in_any_other_way_says_nothing_of_its_requests() {
    let mut gateway = ring_of_both();
    let mut sent = calls(&submit(&mut gateway, &delete(0), 1, 3));
    for _ in 0..5 {
        at(&mut gateway, 1, GatewayEvent::NodeLost { link: link(0) });
        let hello = crate::support::hello(0);
        at(&mut gateway, 1, GatewayEvent::NodeLinked { link: link(0), hello });
        let message = FromNode::Report(protocol::message::Report::default());
        let report = GatewayEvent::NodeSays { link: link(0), message };
        let mut effects = crate::gateway::handle(&mut gateway, report);
        effects.extend(crate::gateway::settle(&mut gateway));
        assert_eq!(completed(&effects), []);
        sent = calls(&effects);
        assert!(sent.len() == 3 && sent.iter().all(|(_, is_alone)| !is_alone), "{sent:?}");
    }
    assert_eq!(completed(&at(&mut gateway, 2, replies(0, sent[0].0))).len(), 1);
}
