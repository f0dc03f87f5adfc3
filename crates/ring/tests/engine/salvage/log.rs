//! Unreadable logs and tables of applied requests.

use super::*;
use crate::shelf::{Shelf, entry_of_home, other_user};

#[test]
fn a_log_that_cannot_be_read_begins_anew_with_its_last_entry() {
    let mut shelf = Shelf::of_two_users();
    shelf.is_log_rotten = true;
    let applied = |counter| {
        let request = RequestId { boot: BOOT, counter };
        AppliedId { request, seq: Seq(counter), answer: AnswerIn::Log }
    };
    let mut node = started(found(|home| home.applied = [4, 5].map(applied).to_vec()));
    let effects = play(&mut node, &mut shelf, tells(accepting(9)));
    assert_eq!(shelf.log, [entry_of_home(5)], "{effects:?}");
    assert_eq!(node.home().unwrap().progress().condition, Condition::Whole);
    // Nobody knows any more whether the other request was carried out.
    let again = play(&mut node, &mut shelf, update_event_of(9, 4));
    assert_eq!(replies(&again), [Reply::Settled]);
    let again = play(&mut node, &mut shelf, update_event_of(9, 5));
    assert!(matches!(replies(&again)[..], [Reply::Done(_)]), "{again:?}");
}

/// An update under the id of an older, unsettled request.
fn update_event_of(epoch: u64, counter: u64) -> NodeEvent {
    let mut event = update_event_under(epoch, counter, create());
    if let NodeEvent::GatewaySays { message: ToNode::Request(request), .. } = &mut event
        && let Operation::Update(update) = &mut request.operation
    {
        update.unsettled_from = 1;
    }
    event
}

#[test]
fn rows_of_applied_requests_that_cannot_be_read_are_dropped_and_count_as_settled() {
    let mut shelf = Shelf::of_two_users();
    let request = RequestId { boot: BOOT, counter: 3 };
    let row = AppliedId { request, seq: Seq(3), answer: AnswerIn::Row };
    let mut node = started(found(|home| home.applied = vec![row]));
    play(&mut node, &mut shelf, tells(accepting(9)));
    assert_eq!(node.home().unwrap().progress().condition, Condition::Whole);
    let again = play(&mut node, &mut shelf, update_event_of(9, 3));
    assert_eq!(replies(&again), [Reply::Settled]);
}

#[test]
fn a_copy_that_cannot_read_the_end_of_its_log_goes_on_after_the_last_entry_that_it_can_read() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    shelf.log.truncate(3);
    let unreadable = Damage::Unreadable("an entry".to_owned());
    let view = Some(alone(2));
    let found = found(|home| {
        *home = RecoveredCopy { view, damage: Some(unreadable), ..RecoveredCopy::default() };
    });
    let mut node = started(found);
    let read = play(&mut node, &mut shelf, read_under(2, other_user()));
    assert_eq!(replies(&read), [Reply::Fenced], "it does not know how far it is");
    let effects = play(&mut node, &mut shelf, tells(accepting(9)));
    assert_eq!(
        conditions(&effects),
        [Condition::Unreadable, Condition::Damaged, Condition::Whole],
        "it serves what is whole as soon as it knows how far it is"
    );
    assert_eq!(told(&effects).last(), Some(&ended_salvage(9, &[user_of(1)])));
    let read = play(&mut node, &mut shelf, read_under(9, other_user()));
    assert!(matches!(replies(&read)[..], [Reply::Done(Answer::Found { .. })]), "{read:?}");
    play(&mut node, &mut shelf, create_under(9));
    let last = shelf.log.last().map(|entry| entry.position);
    assert_eq!(last, Some(Position { epoch: Epoch(9), seq: Seq(4) }));
}

#[test]
fn a_copy_of_which_no_entry_can_be_read_begins_a_log() {
    let mut shelf = Shelf::of_two_users();
    shelf.log.clear();
    let unreadable = Damage::Unreadable("an entry".to_owned());
    let view = Some(alone(2));
    let mut node = started(found(|home| {
        *home = RecoveredCopy { view, damage: Some(unreadable), ..RecoveredCopy::default() };
    }));
    play(&mut node, &mut shelf, tells(accepting(9)));
    let read = play(&mut node, &mut shelf, read_under(9, other_user()));
    assert!(matches!(replies(&read)[..], [Reply::Done(Answer::Found { .. })]), "{read:?}");
    play(&mut node, &mut shelf, update_event_under(9, 7, delete_other()));
    assert_eq!(shelf.log.len(), 1);
}

fn delete_other() -> Action {
    Action::Delete { id: other_user(), precondition: Precondition::NONE }
}
