//! A home copy, and the messages it gets from next.

use std::time::Duration;

use protocol::entry::{Answer, Change, Entry};
use protocol::hello::Membership;
use protocol::id::{Epoch, Incarnation, PartitionId, Position, RequestId, Seq};
use protocol::message::{
    Action, AskNumber, CallId, CopyMessage, Data, FromNode, Greeting, Holds, Operation, Reply,
    Request, Rows, ToNode, Update,
};
use protocol::precondition::Precondition;
use protocol::user::User;
use protocol::view::{Member, View};
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::{Mark, Mutation, Recovered, RecoveredCopy};
use ring_core::time::Time;

use crate::shelf::Shelf;
use crate::support::{
    BOOT, CLUSTER, both, from_gateway, handle, handle_with, home_only, ids, incarnation, node,
    recovered, user_of, view, welcome,
};

pub(crate) const NEXT: LinkId = LinkId(3);

/// Node db-1 under the view *both* of epoch 1, with an open session to an empty next.
pub(crate) fn linked_to_next() -> Node {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    says(&mut node, greeting(1, None));
    node
}

pub(crate) fn says(node: &mut Node, message: CopyMessage) -> Vec<NodeEffect> {
    handle(node, NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message })
}

/// The greeting of a next without any durable entry.
pub(crate) fn greeting(session: u64, view: Option<View>) -> CopyMessage {
    CopyMessage::Greeting(Greeting { session, view, holds: Holds::Whole(Position::ZERO) })
}

/// Next greets as empty, in a session of its own.
pub(crate) fn greets(session: u64) -> NodeEvent {
    greets_with(session, Position::ZERO)
}

/// Next greets with its position, in a session of its own.
pub(crate) fn greets_with(session: u64, position: Position) -> NodeEvent {
    let holds = Holds::Whole(position);
    let message = CopyMessage::Greeting(Greeting { session, view: None, holds });
    NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message }
}

/// db-1's storage at its start: a home copy with a view and a log up to this entry.
pub(crate) fn found_at_home(view: View, last: Seq) -> Recovered {
    let last = Entry {
        position: Position { epoch: view.epoch, seq: last },
        request: RequestId { boot: BOOT, counter: 1 },
        unsettled_from: 1,
        change: Change::Delete { id: user_of(1) },
    };
    let home = RecoveredCopy {
        view: Some(view),
        log_from: Seq(1),
        last: Some(last),
        ..RecoveredCopy::default()
    };
    let membership = Some(Membership { cluster: CLUSTER, ring: ids() });
    Recovered { membership, home, next: RecoveredCopy::default() }
}

pub(crate) fn durable(session: u64, seq: u64, data: u64) -> CopyMessage {
    CopyMessage::Durable { session, seq: Seq(seq), data, written: Seq(seq) }
}

/// The data sent to next.
pub(crate) fn sent(effects: &[NodeEffect]) -> Vec<&Data> {
    let sent = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToNeighbour { message: CopyMessage::Data { data, .. }, .. } => Some(data),
        _ => None,
    });
    sent.collect()
}

pub(crate) fn update(node: &mut Node, counter: u64, action: Action) -> Vec<NodeEffect> {
    handle(node, update_event(counter, action))
}

pub(crate) fn update_event(counter: u64, action: Action) -> NodeEvent {
    update_event_under(1, counter, action)
}

/// An update, with all earlier updates settled.
pub(crate) fn update_event_under(epoch: u64, counter: u64, action: Action) -> NodeEvent {
    update_event_of(epoch, counter, counter, action)
}

fn update_event_of(epoch: u64, counter: u64, unsettled_from: u64, action: Action) -> NodeEvent {
    let request = RequestId { boot: BOOT, counter };
    let update = Update { request, unsettled_from, action };
    let request = Request {
        call: CallId(counter),
        partition: PartitionId(1),
        member: Member::Home,
        epoch: Epoch(epoch),
        operation: Operation::Update(update),
    };
    from_gateway(ToNode::Request(request))
}

pub(crate) fn create() -> Action {
    let json =
        format!(r#"{{"id":"{}","name":"Ada","email":"ada@example.org","group":1}}"#, user_of(1));
    let user = User::from_json(json.as_bytes()).expect("a user");
    Action::Create { user, precondition: Precondition::NONE }
}

/// Makes two updates durable at home and sends them to next. Returns the written entries.
fn two_entries(node: &mut Node) -> Shelf {
    let mut effects = update(node, 1, create());
    effects.extend(update(
        node,
        2,
        Action::Delete { id: user_of(1), precondition: Precondition::NONE },
    ));
    sync(node, &effects);
    Shelf::logged(&effects)
}

pub(crate) fn sync(node: &mut Node, effects: &[NodeEffect]) -> Vec<NodeEffect> {
    let marks = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mark, .. } => Some(*mark),
        _ => None,
    });
    let mark = marks.max().unwrap_or(Mark(0));
    handle(node, NodeEvent::Synced { mark })
}

pub(crate) fn drops_next(effects: &[NodeEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, NodeEffect::Drop { link, .. } if *link == NEXT))
}

#[test]
fn what_next_has_made_durable_of_a_session_before_is_trimmed_and_not_sent_again() {
    let mut node = linked_to_next();
    two_entries(&mut node);
    let newer = view(1, 2, both(1));
    let fenced = says(&mut node, greeting(2, Some(newer)));
    assert_eq!(
        sent(&fenced),
        [] as [&Data; 0],
        "nothing is sent under a view that next knows is over"
    );
    let acked = says(&mut node, durable(2, 2, 0));
    assert_eq!(kept_from(&acked), [Seq(2)]);
    let effects = sync(&mut node, &fenced);
    assert_eq!(node.home().and_then(|home| home.view().copied()), Some(newer));
    assert_eq!(sent(&effects), [] as [&Data; 0]);
}

/// The first kept entry after each trim.
fn kept_from(effects: &[NodeEffect]) -> Vec<Seq> {
    let trimmed = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mutation: Mutation::TrimLog { below, .. }, .. } => Some(*below),
        _ => None,
    });
    trimmed.collect()
}

#[test]
fn the_log_is_kept_from_the_oldest_request_that_may_be_sent_again() {
    let mut node = linked_to_next();
    let mut effects = update(&mut node, 1, create());
    let deletes = || Action::Delete { id: user_of(1), precondition: Precondition::NONE };
    for (counter, action) in [(2, deletes()), (3, create()), (4, deletes())] {
        effects.extend(handle(&mut node, update_event_of(1, counter, 2, action)));
    }
    sync(&mut node, &effects);
    assert_eq!(kept_from(&says(&mut node, durable(1, 4, 1))), [Seq(2)]);
    let again =
        handle_with(&mut node, &Shelf::logged(&effects), update_event_of(1, 2, 2, deletes()));
    let repeated = again.iter().any(|effect| {
        matches!(
            effect,
            NodeEffect::ToGateway {
                message: FromNode::Reply { reply: Reply::Done(Answer::Deleted), .. },
                ..
            }
        )
    });
    assert!(repeated, "{again:?}");
    let effects = handle(&mut node, update_event_of(1, 5, 4, create()));
    assert_eq!(kept_from(&effects), [], "the entry that settles them is not durable");
    assert_eq!(kept_from(&sync(&mut node, &effects)), [Seq(4)]);
}

#[test]
fn a_member_that_lost_what_is_trimmed_is_dropped_and_home_lives() {
    let mut node = linked_to_next();
    two_entries(&mut node);
    says(&mut node, durable(1, 2, 1));
    handle(&mut node, NodeEvent::NeighbourLost { from: Member::Next, link: NEXT });
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    let effects = says(&mut node, greeting(1, None));
    assert!(drops_next(&effects), "{effects:?}");
}

/// Home is alone, and its log begins after the position of a new joiner. Returns home's effects
/// when the joiner greets.
fn greeted_by_a_new_joiner(node: &mut Node) -> Vec<NodeEffect> {
    let logged = two_entries(node);
    says(node, durable(1, 2, 1));
    handle(node, NodeEvent::NeighbourLost { from: Member::Next, link: NEXT });
    let alone = handle(node, from_gateway(ToNode::View(view(1, 2, home_only(1)))));
    sync(node, &alone);
    handle(node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(9) });
    let (from, message) = (Member::Next, greeting(1, None));
    handle_with(node, &logged, NodeEvent::NeighbourSays { from, link: NEXT, message })
}

#[test]
fn a_joiner_that_the_log_does_not_reach_is_sent_a_snapshot() {
    let effects = greeted_by_a_new_joiner(&mut linked_to_next());
    let [
        Data::Install { base: Some(base) },
        Data::Chunk { rows: Rows::Applied(applied), then: Some(_) },
        Data::Chunk { rows: Rows::Records(_), then: None },
    ] = sent(&effects)[..]
    else {
        panic!("{effects:?}");
    };
    assert_eq!((base.position.seq, applied.len()), (Seq(2), 1));
}

#[test]
fn nobody_is_asked_for_a_joiner_before_its_snapshot_is_durable() {
    let mut node = linked_to_next();
    greeted_by_a_new_joiner(&mut node);
    assert_eq!(asks(&says(&mut node, durable(1, 2, 2))), []);
    assert_eq!(asks(&says(&mut node, durable(1, 2, 3))), [incarnation(9)]);
}

#[test]
fn an_ask_that_was_refused_is_made_anew_for_a_joiner_with_other_data() {
    let mut node = linked_to_next();
    let logged = two_entries(&mut node);
    says(&mut node, durable(1, 2, 1));
    // Next has lost its data. Home does not know yet that this link is dead.
    let alone = handle(&mut node, from_gateway(ToNode::View(view(1, 2, home_only(1)))));
    assert_eq!(asks(&sync(&mut node, &alone)), [incarnation(2)]);
    let refused = ToNode::AskRefused { partition: PartitionId(1), ask: AskNumber(1) };
    assert_eq!(asks(&handle(&mut node, from_gateway(refused))), []);
    assert_eq!(asks(&handle(&mut node, NodeEvent::Tick)), [], "it has other things to do");
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(9) });
    let (from, message) = (Member::Next, greeting(1, None));
    handle_with(&mut node, &logged, NodeEvent::NeighbourSays { from, link: NEXT, message });
    assert_eq!(asks(&says(&mut node, durable(1, 2, 3))), [incarnation(9)]);
}

#[test]
fn an_ask_that_was_refused_is_made_again_later() {
    let mut node = linked_to_next();
    let alone = handle(&mut node, from_gateway(ToNode::View(view(1, 2, home_only(1)))));
    assert_eq!(asks(&sync(&mut node, &alone)), [incarnation(2)]);
    let refused = ToNode::AskRefused { partition: PartitionId(1), ask: AskNumber(1) };
    assert_eq!(asks(&handle(&mut node, from_gateway(refused))), []);
    let second = Time::at(Duration::from_secs(1));
    assert_eq!(node.next_deadline(), Some(second));
    let mut effects = Vec::new();
    node.handle(second, NodeEvent::Tick, &Shelf::default(), &mut effects);
    assert_eq!(asks(&effects), [incarnation(2)]);
}

/// The joiners named in the asks for the view *both*.
pub(crate) fn asks(effects: &[NodeEffect]) -> Vec<Incarnation> {
    let asks = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Ask(ask), .. } => Some(ask.joiner),
        _ => None,
    });
    asks.collect()
}

#[test]
fn a_view_of_another_partition_is_not_taken_from_next() {
    let mut node = linked_to_next();
    let effects = says(&mut node, greeting(2, Some(view(2, 7, home_only(2)))));
    assert!(drops_next(&effects), "{effects:?}");
    let stores = effects.iter().any(|effect| matches!(effect, NodeEffect::Write { .. }));
    assert!(!stores, "{effects:?}");
}

pub(crate) fn committed(node: &Node) -> Seq {
    node.home().expect("it is formed").progress().committed
}

#[test]
fn a_home_that_starts_alone_commits_nothing_before_it_is_told_its_view() {
    let started = || recovered(found_at_home(view(1, 2, home_only(1)), Seq(1)));
    // Home may have asked before it died. The controller does not know the view, and may have
    // granted the ask.
    let mut node = started();
    welcome(&mut node, vec![]);
    assert_eq!(committed(&node), Seq(0));
    let told = handle(&mut node, from_gateway(ToNode::View(view(1, 3, home_only(1)))));
    sync(&mut node, &told);
    assert_eq!(committed(&node), Seq(1));

    let mut node = started();
    welcome(&mut node, vec![view(1, 2, home_only(1))]);
    assert_eq!(committed(&node), Seq(1), "nothing was granted");

    let mut node = started();
    welcome(&mut node, vec![view(1, 3, both(1))]);
    assert_eq!(committed(&node), Seq(0), "an ask was granted, and the joiner is not heard yet");
}

#[test]
fn an_ask_outlives_a_welcome_that_does_not_tell_the_view() {
    let asking = || {
        let mut node = linked_to_next();
        let alone = handle(&mut node, from_gateway(ToNode::View(view(1, 2, home_only(1)))));
        assert_eq!(asks(&sync(&mut node, &alone)), [incarnation(2)]);
        let updated = handle(&mut node, update_event_under(2, 1, create()));
        sync(&mut node, &updated);
        assert_eq!(committed(&node), Seq(0), "the joiner has not got it");
        node
    };
    let mut node = asking();
    welcome(&mut node, vec![]);
    assert_eq!(committed(&node), Seq(0));
    let mut node = asking();
    welcome(&mut node, vec![view(1, 2, home_only(1))]);
    assert_eq!(committed(&node), Seq(1), "it was not granted");
}
