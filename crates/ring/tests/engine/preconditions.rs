//! Preconditions: decided on the newest state, and only if nothing else refuses the update.

use std::collections::BTreeMap;

use protocol::entry::Answer;
use protocol::id::{Epoch, Position, Seq};
use protocol::message::{Action, FromNode, Reply};
use protocol::precondition::{Precondition, Tags};
use protocol::user::UserPatch;
use ring_core::node::NodeEffect;
use ring_core::store::Mutation;

use crate::home::{create, durable, linked_to_next, says, sync, update};
use crate::support::user_of;

/// The position of the first created user.
const CREATED: Position = Position { epoch: Epoch(1), seq: Seq(1) };

const STALE: Position = Position { epoch: Epoch(1), seq: Seq(7) };

fn if_match(positions: &[Position]) -> Precondition {
    Precondition { if_match: Some(Tags::Listed(positions.to_vec())), if_none_match: None }
}

fn if_none_match(positions: &[Position]) -> Precondition {
    Precondition { if_match: None, if_none_match: Some(Tags::Listed(positions.to_vec())) }
}

fn any_of(header: &str) -> Precondition {
    let any = |name| (header == name).then_some(Tags::Any);
    Precondition { if_match: any("If-Match"), if_none_match: any("If-None-Match") }
}

fn create_if(precondition: Precondition) -> Action {
    let Action::Create { user, .. } = create() else { unreachable!("it creates") };
    Action::Create { user, precondition }
}

fn change_if(precondition: Precondition) -> Action {
    let patch = UserPatch { id: user_of(1), name: None, email: None, group: Some(2) };
    Action::Change { patch, precondition }
}

fn delete_if(precondition: Precondition) -> Action {
    Action::Delete { id: user_of(1), precondition }
}

/// The answers to updates sent one after the other, before any of them is committed.
fn answers(actions: impl IntoIterator<Item = Action>) -> Vec<Answer> {
    let (mut node, mut effects) = (linked_to_next(), Vec::new());
    for (counter, action) in (1..).zip(actions) {
        effects.extend(update(&mut node, counter, action));
    }
    let is_entry = |effect: &&NodeEffect| {
        matches!(effect, NodeEffect::Write { mutation: Mutation::Apply { .. }, .. })
    };
    let entries = effects.iter().filter(is_entry).count();
    effects.extend(sync(&mut node, &effects));
    effects.extend(says(&mut node, durable(1, u64::try_from(entries).unwrap(), 1)));
    let replies = effects.into_iter().filter_map(|effect| match effect {
        NodeEffect::ToGateway { message: FromNode::Reply { call, reply }, .. } => {
            Some((call, reply))
        }
        _ => None,
    });
    let answer = |reply| match reply {
        Reply::Done(answer) => answer,
        other => panic!("{other:?}"),
    };
    replies.collect::<BTreeMap<_, _>>().into_values().map(answer).collect()
}

/// The answer to an update of a user created just before.
fn answer_of_present(action: Action) -> Answer {
    let [created, answer] = <[_; 2]>::try_from(answers([create(), action])).unwrap();
    assert!(matches!(created, Answer::Created { position: CREATED, .. }), "{created:?}");
    answer
}

/// The answer to an update of an absent user.
fn answer_of_absent(action: Action) -> Answer {
    let [answer] = <[_; 1]>::try_from(answers([action])).unwrap();
    answer
}

#[test]
fn an_update_is_refused_where_the_newest_record_does_not_meet_its_precondition() {
    for (precondition, met) in [
        (Precondition::NONE, true),
        (any_of("If-Match"), true),
        (any_of("If-None-Match"), false),
        (if_match(&[CREATED]), true),
        (if_match(&[STALE, CREATED]), true),
        (if_match(&[STALE]), false),
        (if_match(&[]), false),
        (if_none_match(&[CREATED]), false),
        (if_none_match(&[STALE, CREATED]), false),
        (if_none_match(&[STALE]), true),
        (if_none_match(&[]), true),
    ] {
        let changed = answer_of_present(change_if(precondition.clone()));
        let deleted = answer_of_present(delete_if(precondition.clone()));
        if met {
            assert!(matches!(changed, Answer::Changed { .. }), "{precondition:?}: {changed:?}");
            assert_eq!(deleted, Answer::Deleted, "{precondition:?}");
        } else {
            assert_eq!(changed, Answer::PreconditionFailed, "{precondition:?}");
            assert_eq!(deleted, Answer::PreconditionFailed, "{precondition:?}");
        }
    }
}

#[test]
fn what_is_refused_anyway_is_refused_for_that_whatever_the_precondition() {
    for precondition in [
        Precondition::NONE,
        any_of("If-Match"),
        any_of("If-None-Match"),
        if_match(&[CREATED]),
        if_match(&[]),
        if_none_match(&[CREATED]),
    ] {
        let absent = [change_if(precondition.clone()), delete_if(precondition.clone())];
        for action in absent {
            assert_eq!(answer_of_absent(action), Answer::NotFound, "{precondition:?}");
        }
        let present = answer_of_present(create_if(precondition.clone()));
        assert_eq!(present, Answer::AlreadyExists, "{precondition:?}");
    }
}

#[test]
fn a_user_is_created_only_if_its_absence_meets_the_precondition() {
    for met in [Precondition::NONE, any_of("If-None-Match"), if_none_match(&[CREATED])] {
        let answer = answer_of_absent(create_if(met.clone()));
        assert!(matches!(answer, Answer::Created { .. }), "{met:?}: {answer:?}");
    }
    for unmet in [any_of("If-Match"), if_match(&[CREATED]), if_match(&[])] {
        let answer = answer_of_absent(create_if(unmet.clone()));
        assert_eq!(answer, Answer::PreconditionFailed, "{unmet:?}");
    }
}

#[test]
fn a_precondition_is_decided_after_the_updates_that_came_before_it() {
    let unchanged = || change_if(if_match(&[CREATED]));
    let answers = answers([create(), unchanged(), unchanged()]);
    assert!(matches!(answers[1], Answer::Changed { .. }), "{answers:?}");
    assert_eq!(answers[2], Answer::PreconditionFailed);
}
