//! Slow reads of the storage: the events meanwhile, and the results.

use std::collections::BTreeMap;

use protocol::entry::{Answer, Change, Entry};
use protocol::id::{Epoch, RequestId, Seq};
use protocol::message::{
    Action, CallId, CopyMessage, Data, FromNode, Greeting, Holds, Operation, RecordRow, Reply,
    Request, Rows, ToNode, Update,
};
use protocol::precondition::Precondition;
use protocol::user::User;
use protocol::view::Member;
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeSettings};
use ring_core::store::{Mutation, ReadError, ReadId, ReadWhat, StoredRecord, StoredRows};
use ring_core::time::Time;

use crate::home::{NEXT, found_at_home, greets_with, linked_to_next, sent, sync, update_event};
use crate::node::{data, entry, hello_of_home, position, replies, request};
use crate::shelf::Shelf;
use crate::support::{
    BOOT, GATEWAY, HOME, both, from_gateway, home_only, incarnation, node, read_of,
    recovered_keeping, user_of, view, welcome,
};

/// A read under way.
type UnderWay = (ReadId, Member, ReadWhat);

/// Handles an event of a node without any row at hand. The test carries out the reads.
fn handle(node: &mut Node, event: NodeEvent) -> (Vec<NodeEffect>, Vec<UnderWay>) {
    let mut effects = Vec::new();
    node.handle(Time::ZERO, event, &Shelf::cold(), &mut effects);
    let (mut others, mut reads) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            NodeEffect::Read { read, member, what } => reads.push((read, member, what)),
            effect => others.push(effect),
        }
    }
    (others, reads)
}

/// Handles an event with exactly one read. Returns the read.
fn handle_to_read(node: &mut Node, event: NodeEvent) -> UnderWay {
    let (_, mut reads) = handle(node, event);
    assert_eq!(reads.len(), 1, "{reads:?}");
    reads.remove(0)
}

/// The read returns with the rows of this storage.
fn returned(stored: &Shelf, (read, member, what): &UnderWay) -> NodeEvent {
    NodeEvent::Read { read: *read, member: *member, result: stored.read(*member, what) }
}

fn stored(name: &str, seq: u64) -> StoredRecord {
    StoredRecord { position: position(1, seq), record: user(name).to_json() }
}

fn user(name: &str) -> User {
    let id = user_of(1);
    let json = format!(r#"{{"id":"{id}","name":"{name}","email":"a@example.org","group":1}}"#);
    User::from_json(json.as_bytes()).unwrap()
}

/// A storage with home's record of its user.
fn with_record(name: &str, seq: u64) -> Shelf {
    Shelf { records: BTreeMap::from([(user_of(1), stored(name, seq))]), ..Shelf::cold() }
}

/// Node db-1, linked to home. Its next copy is the reader of P0.
fn reader() -> Node {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    node
}

/// Home sends this change of the user of P0.
fn append(seq: u64, name: &str) -> NodeEvent {
    let change = Change::Replace { id: user_of(0), record: user(name).to_json() };
    let entry = Entry { change, ..entry(position(1, seq)) };
    let previous = position(u64::from(seq > 1), seq - 1);
    data(view(0, 1, both(0)), Data::Append { previous, entries: vec![entry] })
}

fn found(name: &str, seq: u64) -> Reply {
    let StoredRecord { position, record } = stored(name, seq);
    Reply::Done(Answer::Found { position, record })
}

/// A storage with the earlier record of the user of P0.
fn before() -> Shelf {
    Shelf { records: BTreeMap::from([(user_of(0), stored("before", 0))]), ..Shelf::cold() }
}

#[test]
fn a_cold_read_is_answered_when_it_returns() {
    let mut node = reader();
    let read = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let (effects, _) = handle(&mut node, returned(&before(), &read));
    assert_eq!(replies(&effects), [found("before", 0)]);
}

#[test]
fn reads_of_one_user_share_a_read_of_the_storage() {
    let mut node = reader();
    let read = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let (effects, reads) = handle(&mut node, request(0, Member::Next, 1, read_of(0)));
    assert_eq!((replies(&effects), reads.len()), (vec![], 0));
    let (effects, _) = handle(&mut node, returned(&before(), &read));
    assert_eq!(replies(&effects), [found("before", 0), found("before", 0)]);
}

#[test]
fn a_read_that_an_update_overtakes_shows_the_update() {
    // The update is committed before the read returns, and is no longer in memory.
    let mut node = reader();
    let read = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let (written, _) = handle(&mut node, append(1, "after"));
    sync(&mut node, &written);
    let (effects, _) = handle(&mut node, returned(&before(), &read));
    assert_eq!(replies(&effects), [found("after", 1)]);

    // The update is not committed yet, so the read waits for the commit.
    let mut node = reader();
    let read = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let (written, _) = handle(&mut node, append(1, "after"));
    let (effects, _) = handle(&mut node, returned(&before(), &read));
    assert_eq!(replies(&effects), []);
    assert_eq!(replies(&sync(&mut node, &written)), [found("after", 1)]);
}

#[test]
fn damage_that_was_overwritten_while_it_was_read_is_no_damage() {
    let mut node = reader();
    let (read, member, _) = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let (written, _) = handle(&mut node, append(1, "after"));
    sync(&mut node, &written);
    let result = Err(ReadError::Damaged("a row".to_owned()));
    let (effects, _) = handle(&mut node, NodeEvent::Read { read, member, result });
    assert_eq!(replies(&effects), [found("after", 1)]);
}

/// The written changes, in order.
fn changes(effects: &[NodeEffect]) -> Vec<Change> {
    let applied = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mutation: Mutation::Apply { entry, .. }, .. } => {
            Some(entry.change.clone())
        }
        _ => None,
    });
    applied.collect()
}

fn create(name: &str) -> Action {
    Action::Create { user: user(name), precondition: Precondition::NONE }
}

fn delete() -> Action {
    Action::Delete { id: user_of(1), precondition: Precondition::NONE }
}

#[test]
fn updates_of_one_user_keep_their_order_behind_a_cold_read() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, update_event(1, create("first")));
    for (counter, action) in [(2, delete()), (3, create("second"))] {
        let (effects, reads) = handle(&mut node, update_event(counter, action));
        assert_eq!((changes(&effects).len(), reads.len()), (0, 0));
    }
    let (effects, reads) = handle(&mut node, returned(&Shelf::cold(), &read));
    let record = |name| user(name).to_json();
    let id = user_of(1);
    let expected = [
        Change::Create { id: id.clone(), record: record("first") },
        Change::Delete { id: id.clone() },
        Change::Create { id, record: record("second") },
    ];
    assert_eq!((changes(&effects), reads.len()), (expected.to_vec(), 0));
}

/// The same update, under another call.
fn again(call: u64) -> NodeEvent {
    let request = RequestId { boot: BOOT, counter: 1 };
    let update = Update { request, unsettled_from: 1, action: create("first") };
    from_gateway(ToNode::Request(Request {
        call: CallId(call),
        partition: protocol::id::PartitionId(1),
        member: Member::Home,
        epoch: Epoch(1),
        operation: Operation::Update(update),
    }))
}

#[test]
fn an_update_that_comes_twice_while_it_waits_for_a_read_is_logged_once() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, again(7));
    let (_, reads) = handle(&mut node, again(8));
    assert_eq!(reads, []);
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &read));
    assert_eq!(changes(&effects).len(), 1, "{effects:?}");
    sync(&mut node, &effects);
    let acked = CopyMessage::Durable { session: 1, seq: Seq(1), data: 1, written: Seq(1) };
    let says = NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message: acked };
    let (effects, _) = handle(&mut node, says);
    let created =
        Reply::Done(Answer::Created { position: position(1, 1), record: user("first").to_json() });
    assert_eq!(replies(&effects), [created.clone(), created]);
}

/// The update was carried out long ago. Its entry is in the log only, not in memory.
#[test]
fn the_answer_of_a_duplicate_is_read_from_the_log() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, again(7));
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &read));
    let log = effects.iter().find_map(|effect| match effect {
        NodeEffect::Write { mutation: Mutation::Apply { entry, .. }, .. } => Some(entry.clone()),
        _ => None,
    });
    sync(&mut node, &effects);
    let acked = CopyMessage::Durable { session: 1, seq: Seq(1), data: 1, written: Seq(1) };
    handle(&mut node, NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message: acked });

    let read = handle_to_read(&mut node, again(8));
    let (effects, reads) = handle(&mut node, update_event(2, delete()));
    assert_eq!((changes(&effects).len(), reads.len()), (0, 0), "it comes behind");
    let cold = Shelf { log: log.into_iter().collect(), ..with_record("first", 1) };
    let (effects, reads) = handle(&mut node, returned(&cold, &read));
    assert!(matches!(replies(&effects)[..], [Reply::Done(Answer::Created { .. })]), "{effects:?}");
    let (effects, _) = handle(&mut node, returned(&cold, &reads[0]));
    assert_eq!(changes(&effects), [Change::Delete { id: user_of(1) }]);
}

#[test]
fn a_view_change_fences_requests_that_wait_for_a_read() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, update_event(1, create("first")));
    let (stores, _) = handle(&mut node, from_gateway(ToNode::View(view(1, 2, both(1)))));
    assert_eq!(replies(&sync(&mut node, &stores)), [Reply::Fenced]);
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &read));
    assert_eq!((replies(&effects), changes(&effects).len()), (vec![], 0));
}

#[test]
fn a_request_of_a_view_that_is_about_to_end_is_fenced_when_its_read_returns() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, update_event(1, create("first")));
    let (stores, _) = handle(&mut node, from_gateway(ToNode::View(view(1, 2, both(1)))));
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &read));
    assert_eq!((replies(&effects), changes(&effects).len()), (vec![Reply::Fenced], 0));
    assert_eq!(replies(&sync(&mut node, &stores)), []);
}

#[test]
fn requests_of_a_link_that_is_lost_while_they_wait_for_a_read_are_forgotten() {
    let mut node = linked_to_next();
    let read = handle_to_read(&mut node, update_event(1, create("first")));
    handle(&mut node, NodeEvent::GatewayLost { link: GATEWAY });
    welcome(&mut node, vec![view(1, 1, both(1)), view(0, 1, both(0))]);
    let (_, reads) = handle(&mut node, update_event(2, create("second")));
    assert_eq!(reads, [], "the read that is under way serves for those that come later");
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &read));
    let record = user("second").to_json();
    assert_eq!(changes(&effects), [Change::Create { id: user_of(1), record }]);
}

#[test]
fn a_read_that_fails_stops_the_node() {
    let mut node = reader();
    let (read, member, _) = handle_to_read(&mut node, request(0, Member::Next, 1, read_of(0)));
    let result = Err(ReadError::Failed("the disk".to_owned()));
    let (effects, _) = handle(&mut node, NodeEvent::Read { read, member, result });
    assert!(matches!(effects[..], [NodeEffect::Stop(_)]), "{effects:?}");
}

/// Next's node links with data unknown to home, and greets with `holds`.
fn joiner_greets(node: &mut Node, holds: Holds) -> (Vec<NodeEffect>, Vec<UnderWay>) {
    handle(node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(9) });
    let message = CopyMessage::Greeting(Greeting { session: 1, view: None, holds });
    handle(node, NodeEvent::NeighbourSays { from: Member::Next, link: NEXT, message })
}

/// Node db-1, home of P1 alone, with entries 3 to 5 in its log.
fn alone() -> Node {
    let mut node = recovered_keeping(2, found_at_home(view(1, 1, home_only(1)), Seq(5)));
    welcome(&mut node, vec![view(1, 1, home_only(1)), view(0, 1, both(0))]);
    node
}

#[test]
fn a_chunk_has_the_updates_that_came_while_it_was_read() {
    let mut node = alone();
    let (effects, reads) = joiner_greets(&mut node, Holds::Nothing);
    let [Data::Install { .. }, Data::Chunk { rows: Rows::Applied(_), .. }] = sent(&effects)[..]
    else {
        panic!("{effects:?}");
    };
    let [(_, _, ReadWhat::Records { .. })] = reads[..] else { panic!("{reads:?}") };

    // The user is created, committed and written during the read of the chunk. The read does not
    // see this.
    let cold = handle_to_read(&mut node, update_event(2, create("meanwhile")));
    let (written, _) = handle(&mut node, returned(&Shelf::cold(), &cold));
    sync(&mut node, &written);
    assert_eq!(node.home().map(|home| home.progress().committed), Some(Seq(6)));
    let (effects, _) = handle(&mut node, returned(&Shelf::cold(), &reads[0]));
    let rows = sent(&effects).into_iter().find_map(|data| match data {
        Data::Chunk { rows: Rows::Records(rows), .. } => Some(rows.clone()),
        _ => None,
    });
    let StoredRecord { position, record } = stored("meanwhile", 6);
    assert_eq!(rows, Some(vec![RecordRow { id: user_of(1), position, record }]));
}

#[test]
fn a_log_that_is_trimmed_while_it_is_read_gives_way_to_a_snapshot() {
    let mut node = alone();
    let log = vec![Entry { change: Change::Delete { id: user_of(1) }, ..entry(position(1, 3)) }];
    let (effects, reads) = joiner_greets(&mut node, Holds::Whole(position(1, 3)));
    assert_eq!(sent(&effects), [] as [&Data; 0]);
    let [(_, _, ReadWhat::Entries { .. })] = reads[..] else { panic!("{reads:?}") };

    let cold = handle_to_read(&mut node, update_event(2, create("meanwhile")));
    let (written, _) = handle(&mut node, returned(&Shelf::cold(), &cold));
    let trims = sync(&mut node, &written).iter().any(|effect| {
        matches!(effect, NodeEffect::Write { mutation: Mutation::TrimLog { .. }, .. })
    });
    assert!(trims, "nobody is connected for whom the log would be kept");
    let (effects, _) = handle(&mut node, returned(&Shelf { log, ..Shelf::cold() }, &reads[0]));
    assert!(matches!(sent(&effects)[..], [Data::Install { .. }, ..]), "{effects:?}");
}

#[test]
fn entries_are_read_where_memory_does_not_have_them() {
    let mut node = alone();
    let log = (1..=5).map(|seq| Entry { position: position(1, seq), ..entry(position(1, seq)) });
    let cold = Shelf { log: log.collect(), ..Shelf::cold() };
    let (_, reads) = joiner_greets(&mut node, Holds::Whole(position(1, 3)));
    let (effects, reads) = handle(&mut node, returned(&cold, &reads[0]));
    assert_eq!(sent(&effects), [] as [&Data; 0]);
    let (effects, _) = handle(&mut node, returned(&cold, &reads[0]));
    let expected = Data::Append { previous: position(1, 3), entries: cold.log[3..].to_vec() };
    assert_eq!(sent(&effects), [&expected]);
}

/// Ticks until this time. Returns whether the gateway is told that next cannot be reached.
fn calls_next_unreachable(node: &mut Node, until: Time) -> bool {
    let mut effects = Vec::new();
    while let Some(deadline) = node.next_deadline().filter(|deadline| *deadline <= until) {
        node.handle(deadline, NodeEvent::Tick, &Shelf::cold(), &mut effects);
    }
    let is_told = |effect: &NodeEffect| {
        matches!(effect, NodeEffect::ToGateway { message: FromNode::NextUnreachable { .. }, .. })
    };
    effects.iter().any(is_told)
}

/// Found by the simulation at seed 800505: the read took longer than home's patience, so home went
/// on without a next that waited for it.
#[test]
fn next_is_not_unreachable_while_home_reads_where_to_begin() {
    let NodeSettings { patience, append_deadline, .. } = NodeSettings::default();
    let greeted = || {
        let mut node = recovered_keeping(2, found_at_home(view(1, 1, both(1)), Seq(5)));
        welcome(&mut node, vec![view(1, 1, both(1)), view(0, 1, both(0))]);
        handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
        let read = handle_to_read(&mut node, greets_with(1, position(1, 4)));
        (node, read)
    };

    let (mut node, read) = greeted();
    assert!(!calls_next_unreachable(&mut node, Time::at(patience * 3)));
    let cold = Shelf { log: vec![entry(position(1, 4))], ..Shelf::cold() };
    handle(&mut node, returned(&cold, &read));
    assert!(!calls_next_unreachable(&mut node, Time::at(append_deadline)));

    let (mut node, _) = greeted();
    assert!(calls_next_unreachable(&mut node, Time::at(append_deadline)), "the disk hangs");

    let (mut node, _) = greeted();
    handle(&mut node, NodeEvent::NeighbourLost { from: Member::Next, link: NEXT });
    assert!(calls_next_unreachable(&mut node, Time::at(patience * 2)), "next is gone");
}

#[test]
fn what_was_read_for_a_session_before_is_not_sent_in_another_one() {
    let mut node = alone();
    let (_, reads) = joiner_greets(&mut node, Holds::Nothing);
    handle(&mut node, NodeEvent::NeighbourLost { from: Member::Next, link: NEXT });
    let again = LinkId(7);
    handle(&mut node, NodeEvent::NextLinked { link: again, incarnation: incarnation(9) });
    let (effects, _) = handle(&mut node, returned(&with_record("before", 1), &reads[0]));
    let says = |effect: &NodeEffect| matches!(effect, NodeEffect::ToNeighbour { .. });
    assert!(!effects.iter().any(says), "{effects:?}");
    let tells = |effect: &NodeEffect| {
        matches!(effect, NodeEffect::ToGateway { message: FromNode::Condition { .. }, .. })
    };
    assert!(!effects.iter().any(tells), "{effects:?}");
}

/// A read that met damage need not be repeated at once, nor for ever.
#[test]
fn a_donor_that_meets_damage_rests_before_it_reads_again() {
    let mut node = alone();
    let (_, reads) = joiner_greets(&mut node, Holds::Nothing);
    let (read, member, _) = reads[0].clone();
    let result = Err(ReadError::Damaged("a row".to_owned()));
    let (effects, reads) = handle(&mut node, NodeEvent::Read { read, member, result });
    assert_eq!(reads, []);
    sync(&mut node, &effects);
    let rests_until = Time::at(NodeSettings::default().scrub_pause);
    let (mut later, mut effects) = (Time::ZERO, Vec::new());
    while later < rests_until {
        let reads = |effect: &NodeEffect| matches!(effect, NodeEffect::Read { .. });
        assert!(!effects.iter().any(reads), "at {later:?}: {effects:?}");
        let before = std::mem::replace(&mut later, node.next_deadline().expect("it goes on"));
        assert!(later > before, "it would never rest");
        node.handle(later, NodeEvent::Tick, &Shelf::cold(), &mut effects);
    }
    assert_eq!(later, rests_until);
    assert!(effects.iter().any(|effect| matches!(effect, NodeEffect::Read { .. })), "{effects:?}");
    assert!(node.next_deadline().is_none_or(|deadline| deadline > later), "it would never rest");
}
