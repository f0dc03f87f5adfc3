//! How a copy drops its unreadable records after an operator has accepted their loss.

mod log;
mod restoring;

use protocol::entry::Answer;
use protocol::id::{Epoch, Position, RequestId, Seq};
use protocol::message::{
    Action, Condition, Data, FromNode, Holds, Operation, Reply, ToNode, Welcome,
};
use protocol::precondition::Precondition;
use protocol::salvage::Salvage;
use protocol::user::UserId;
use protocol::view::{InSync, Member, View};
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::{
    AnswerIn, AppliedId, Damage, Mark, Mutation, ReadError, ReadRows, Recovered, RecoveredCopy,
    SalvageRow, StoredRows,
};
use ring_core::time::Time;

use crate::damage::conditions;
use crate::home::{NEXT, asks, create, found_at_home, greets_with, sent, update_event_under};
use crate::node::{position, replies, request};
use crate::shelf::{Shelf, entry_of_home, other_user, record};
use crate::support::{
    BOOT, CLUSTER, GATEWAY, both, from_gateway, handle_with, home_only, ids, incarnation, user_of,
    view, welcome,
};

/// Handles an event, carries out its reads and writes, and syncs the writes.
fn play(node: &mut Node, shelf: &mut Shelf, event: NodeEvent) -> Vec<NodeEffect> {
    let (mut all, mut next) = (Vec::new(), Some(event));
    while let Some(event) = next.take() {
        let effects = handle_with(node, shelf, event);
        shelf.write(&effects);
        next = mark(&effects).map(|mark| NodeEvent::Synced { mark });
        all.extend(effects);
    }
    all
}

fn mark(effects: &[NodeEffect]) -> Option<Mark> {
    let marks = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mark, .. } => Some(*mark),
        _ => None,
    });
    marks.max()
}

fn alone(epoch: u64) -> View {
    view(1, epoch, home_only(1))
}

/// The view of an operator's accepted loss.
fn accepting(epoch: u64) -> View {
    View { accepted_loss: Some(Epoch(epoch)), ..alone(epoch) }
}

fn tells(view: View) -> NodeEvent {
    from_gateway(ToNode::View(view))
}

/// db-1's storage at its start: its home copy is alone, ends with entry 5, and is known to be
/// damaged.
fn found(change: impl FnOnce(&mut RecoveredCopy)) -> Recovered {
    let mut found = found_at_home(alone(2), Seq(5));
    found.home.last = Some(entry_of_home(5));
    found.home.damage = Some(Damage::Known);
    change(&mut found.home);
    found
}

fn started(found: Recovered) -> Node {
    let known = found.home.view.unwrap();
    let mut node = crate::support::recovered(found);
    welcome(&mut node, vec![known, view(0, 2, both(0))]);
    node
}

/// The gateway has a new link, and knows this view.
fn welcomed(node: &mut Node, shelf: &mut Shelf, known: View) -> Vec<NodeEffect> {
    let welcome = Welcome {
        cluster: CLUSTER,
        ring: ids(),
        gateway_boot: BOOT,
        views: vec![known],
        next: None,
        home_is_linked: false,
    };
    play(node, shelf, NodeEvent::GatewayLinked { link: GATEWAY });
    play(node, shelf, from_gateway(ToNode::Welcome(welcome)))
}

/// The salvages reported to the controller.
fn told(effects: &[NodeEffect]) -> Vec<Salvage> {
    let told = effects.iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Salvage { salvage, .. }, .. } => {
            Some(salvage.clone())
        }
        _ => None,
    });
    told.collect()
}

fn ended_salvage(accepted: u64, ids: &[UserId]) -> Salvage {
    Salvage { ended: true, ..salvage_under_way(accepted, ids) }
}

fn salvage_under_way(accepted: u64, ids: &[UserId]) -> Salvage {
    let (accepted, dropped) = (Epoch(accepted), ids.len() as u64);
    Salvage { accepted, ended: false, dropped, ids: ids.to_vec() }
}

fn create_under(epoch: u64) -> NodeEvent {
    update_event_under(epoch, 7, create())
}

fn read_under(epoch: u64, id: UserId) -> NodeEvent {
    request(1, Member::Home, epoch, Operation::Read(id))
}

#[test]
fn what_cannot_be_read_is_dropped_by_name_once_that_is_accepted() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    let fenced = play(&mut node, &mut shelf, create_under(2));
    assert_eq!(replies(&fenced), [Reply::Fenced], "nobody knows whether the user is there");
    let effects = play(&mut node, &mut shelf, tells(accepting(9)));
    let ids = [user_of(1)];
    assert_eq!(told(&effects), [salvage_under_way(9, &[]), ended_salvage(9, &ids)]);
    let log = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Salvaged { salvage, .. } => Some(salvage.names()),
        _ => None,
    });
    assert_eq!(log.collect::<Vec<_>>(), [user_of(1).to_string()]);
    assert_eq!(conditions(&effects), [Condition::Damaged, Condition::Whole]);
    assert_eq!(shelf.records.keys().collect::<Vec<_>>(), [&other_user()]);
    let read = play(&mut node, &mut shelf, read_under(9, user_of(1)));
    assert_eq!(replies(&read), [Reply::Done(Answer::NotFound)]);
    let created = play(&mut node, &mut shelf, create_under(9));
    assert!(matches!(replies(&created)[..], [Reply::Done(Answer::Created { .. })]), "{created:?}");
}

#[test]
fn a_copy_is_whole_once_it_is_durable_that_it_was_salvaged() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    let offered = handle_with(&mut node, &shelf, tells(accepting(9)));
    let mark = mark(&offered).unwrap();
    let salvaged = handle_with(&mut node, &shelf, NodeEvent::Synced { mark });
    assert_eq!(conditions(&salvaged), [Condition::Damaged]);
    shelf.write(&salvaged);
    // Damage found before the salvage is durable was not accepted.
    shelf.rotten.insert(other_user());
    let read = play(&mut node, &mut shelf, read_under(9, other_user()));
    assert_eq!(replies(&read), [Reply::Fenced]);
    assert_eq!(conditions(&read), [], "it is damaged still");
}

#[test]
fn that_a_salvage_is_due_is_stored_ahead_of_the_view() {
    let shelf = Shelf::of_two_users();
    let mut node = started(found(|_| {}));
    let effects = handle_with(&mut node, &shelf, tells(accepting(9)));
    let writes = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mutation, .. } => Some(mutation),
        _ => None,
    });
    let [Mutation::Salvage { is_damaged: true, .. }, Mutation::View { .. }] =
        writes.collect::<Vec<_>>()[..]
    else {
        panic!("{effects:?}");
    };
}

#[test]
fn a_copy_that_dies_while_it_is_salvaged_begins_again_with_the_names_that_it_has() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let before: UserId = "dropped-before".parse().unwrap();
    let mut node = crate::support::recovered(found(|home| {
        home.view = Some(accepting(9));
        let salvage = salvage_under_way(9, std::slice::from_ref(&before));
        home.salvage = Some(SalvageRow { salvage, snapshot_to: None });
    }));
    let effects = welcomed(&mut node, &mut shelf, accepting(9));
    assert_eq!(told(&effects).last(), Some(&ended_salvage(9, &[before, user_of(1)])));
    assert!(shelf.rotten.is_empty());
    assert_eq!(node.home().unwrap().progress().condition, Condition::Whole);
}

#[test]
fn damage_that_is_found_after_a_salvage_waits_for_another_word() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    play(&mut node, &mut shelf, tells(accepting(9)));
    shelf.rotten.insert(other_user());
    let read = play(&mut node, &mut shelf, read_under(9, other_user()));
    assert_eq!(
        (replies(&read), conditions(&read)),
        (vec![Reply::Fenced], vec![Condition::Damaged])
    );
    play(&mut node, &mut shelf, tells(View { epoch: Epoch(10), ..accepting(9) }));
    assert!(shelf.records.contains_key(&other_user()), "an older word");
    let effects = play(&mut node, &mut shelf, tells(accepting(20)));
    assert_eq!(told(&effects).last(), Some(&ended_salvage(20, &[other_user()])));
    assert!(shelf.records.is_empty());
}

#[test]
fn a_read_that_met_a_row_before_it_was_dropped_damages_nothing() {
    let mut shelf = Shelf { is_cold: true, ..Shelf::of_two_users() }.with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    let mut effects = Vec::new();
    node.handle(Time::ZERO, read_under(2, user_of(1)), &shelf, &mut effects);
    let [NodeEffect::Read { read, member, .. }] = effects[..] else { panic!("{effects:?}") };
    play(&mut node, &mut shelf, tells(accepting(9)));
    assert_eq!(replies(&play(&mut node, &mut shelf, read_under(9, user_of(1)))), []);
    let result = Err(ReadError::Damaged("a row".to_owned()));
    let effects = play(&mut node, &mut shelf, NodeEvent::Read { read, member, result });
    assert_eq!(replies(&effects), [Reply::Done(Answer::NotFound)]);
    assert_eq!(node.home().unwrap().progress().condition, Condition::Whole);
}

#[test]
fn a_word_about_the_other_copy_drops_nothing_here() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    // No damage is known here when the operator accepts the loss of the other node.
    let mut node = started(found(|home| home.damage = None));
    assert_eq!(told(&play(&mut node, &mut shelf, tells(accepting(9)))), []);
    let read = play(&mut node, &mut shelf, read_under(9, user_of(1)));
    assert_eq!(conditions(&read), [Condition::Damaged]);
    play(&mut node, &mut shelf, NodeEvent::Tick);
    assert!(shelf.records.contains_key(&user_of(1)));
    // Nothing is dropped either if the operator goes on with the other copy.
    let next_only = InSync::NextOnly { next: incarnation(2) };
    play(&mut node, &mut shelf, tells(View { in_sync: next_only, ..accepting(20) }));
    assert!(shelf.records.contains_key(&user_of(1)));
}

#[test]
fn what_memory_has_of_a_record_that_cannot_be_read_is_written_again() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    shelf.remembered.insert(user_of(1), record(&user_of(1), 4));
    let mut node = started(found(|_| {}));
    let effects = play(&mut node, &mut shelf, tells(accepting(9)));
    assert_eq!(told(&effects).last(), Some(&ended_salvage(9, &[])));
    assert!(shelf.records.contains_key(&user_of(1)) && shelf.rotten.is_empty());
}

#[test]
fn a_record_that_an_entry_writes_while_it_is_looked_at_is_kept() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    shelf.records.remove(&other_user());
    shelf.remembered.insert(user_of(1), record(&user_of(1), 4));
    let mut node = started(found(|_| {}));
    let offered = handle_with(&mut node, &shelf, tells(accepting(9)));
    let synced = NodeEvent::Synced { mark: mark(&offered).unwrap() };
    // The first read for unreadable records is carried out but returns later. Memory has the
    // record until then.
    let mut waiting = reads(&mut node, &shelf, synced);
    let deletes = Action::Delete { id: user_of(1), precondition: Precondition::NONE };
    let mut written = Vec::new();
    node.handle(Time::ZERO, update_event_under(9, 7, deletes), &shelf, &mut written);
    node.handle(
        Time::ZERO,
        NodeEvent::Synced { mark: mark(&written).unwrap() },
        &shelf,
        &mut written,
    );
    shelf.write(&written);
    shelf.remembered.clear();
    let mut effects = Vec::new();
    while let Some(returned) = waiting.pop() {
        let read = handle_with(&mut node, &shelf, returned);
        shelf.write(&read);
        effects.extend(read);
    }
    let last = told(&effects).pop();
    assert_eq!(last, Some(ended_salvage(9, &[])), "the user was deleted by its entry: {effects:?}");
}

/// Handles an event. Its reads for unreadable records are carried out at once, but return later.
/// Other reads return at once.
fn reads(node: &mut Node, shelf: &Shelf, event: NodeEvent) -> Vec<NodeEvent> {
    let mut effects = Vec::new();
    node.handle(Time::ZERO, event, shelf, &mut effects);
    let mut returned = Vec::new();
    for effect in effects {
        let NodeEffect::Read { read, member, what } = effect else { continue };
        let result = shelf.read(member, &what);
        if matches!(result, Ok(ReadRows::Unreadable(_))) {
            returned.push(NodeEvent::Read { read, member, result });
        } else {
            returned.extend(reads(node, shelf, NodeEvent::Read { read, member, result }));
        }
    }
    returned
}

#[test]
fn the_names_are_told_again_on_each_link() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    play(&mut node, &mut shelf, tells(accepting(9)));
    let effects = welcomed(&mut node, &mut shelf, accepting(9));
    assert_eq!(told(&effects), [ended_salvage(9, &[user_of(1)])]);
}

#[test]
fn a_damaged_copy_out_of_sync_has_nothing_that_a_salvage_would_keep() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let next_only = InSync::NextOnly { next: incarnation(2) };
    let mut node = started(found(|home| home.view = Some(view(1, 2, next_only))));
    play(&mut node, &mut shelf, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    let effects = play(&mut node, &mut shelf, tells(View { in_sync: next_only, ..accepting(9) }));
    assert_eq!(crate::damage::greetings(&effects), [Holds::Nothing]);
    assert_eq!(told(&effects), []);
}
