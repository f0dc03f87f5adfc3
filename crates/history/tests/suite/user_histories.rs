//! The possible and impossible answers to clients about one user.

use history::users::{Fields, Input, Output, Patch, UserHistory, check_users};
use history::{Budget, ClientId, Outcome, Recorder};

const ID: &str = "u1";

fn fields(name: &str) -> Fields {
    Fields { name: name.to_owned(), email: String::from("u1@example.org"), group: 0 }
}

fn etag(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn create(name: &str) -> Input {
    Input::Create { id: ID.to_owned(), fields: fields(name) }
}

fn read() -> Input {
    Input::Read { id: ID.to_owned() }
}

fn rename(name: &str) -> Input {
    let patch = Patch { name: Some(name.to_owned()), ..Patch::default() };
    Input::Change { id: ID.to_owned(), patch, if_match: None, if_none_match: None }
}

fn rename_if(name: &str, if_match: &str) -> Input {
    let patch = Patch { name: Some(name.to_owned()), ..Patch::default() };
    Input::Change { id: ID.to_owned(), patch, if_match: etag(if_match), if_none_match: None }
}

fn delete() -> Input {
    Input::Delete { id: ID.to_owned(), if_match: None, if_none_match: None }
}

fn delete_if(if_match: &str) -> Input {
    Input::Delete { id: ID.to_owned(), if_match: etag(if_match), if_none_match: None }
}

fn rename_unless(name: &str, if_none_match: &str) -> Input {
    let patch = Patch { name: Some(name.to_owned()), ..Patch::default() };
    let if_none_match = etag(if_none_match);
    Input::Change { id: ID.to_owned(), patch, if_match: None, if_none_match }
}

fn created(text: &str) -> Outcome<Output> {
    Outcome::Done(Output::Created { etag: etag(text) })
}

fn found(name: &str, text: &str) -> Outcome<Output> {
    Outcome::Done(Output::Found { fields: fields(name), etag: etag(text) })
}

fn changed(name: &str, text: &str) -> Outcome<Output> {
    Outcome::Done(Output::Changed { fields: fields(name), etag: etag(text) })
}

const NOT_FOUND: Outcome<Output> = Outcome::Done(Output::NotFound);
const DELETED: Outcome<Output> = Outcome::Done(Output::Deleted);
const EXISTS: Outcome<Output> = Outcome::Done(Output::AlreadyExists);
const REFUSED: Outcome<Output> = Outcome::Done(Output::PreconditionFailed);

/// The history of these operations, one after the other.
fn in_turn(operations: &[(Input, Outcome<Output>)]) -> UserHistory {
    let recorder = Recorder::new(|| 0);
    for (input, outcome) in operations {
        recorder.invoke(ClientId(1), input.clone()).complete(outcome.clone());
    }
    recorder.history()
}

#[track_caller]
fn accepts(operations: &[(Input, Outcome<Output>)]) {
    let verdict = check_users(&in_turn(operations), Budget::default()).linearizability;
    assert_eq!(verdict.violations, 0, "{:#?}", verdict.worst);
}

/// Accepts the history without the last operation, and rejects it with the last one.
#[track_caller]
fn rejects_the_last(operations: &[(Input, Outcome<Output>)]) {
    let (_, before) = operations.split_last().unwrap();
    accepts(before);
    let verdict = check_users(&in_turn(operations), Budget::default()).linearizability;
    assert_eq!(verdict.violations, 1);
}

#[test]
fn a_users_life_is_accepted() {
    accepts(&[
        (read(), NOT_FOUND),
        (rename("ann"), NOT_FOUND),
        (delete(), NOT_FOUND),
        (create("ann"), created("1-1")),
        (create("bob"), EXISTS),
        (read(), found("ann", "1-1")),
        (rename_if("eve", "1-1"), changed("eve", "1-2")),
        (rename_if("joe", "1-1"), REFUSED),
        (read(), found("eve", "1-2")),
        (delete_if("1-1"), REFUSED),
        (delete_if("1-2"), DELETED),
        (read(), NOT_FOUND),
        (create("ann"), created("1-4")),
    ]);
}

#[test]
fn an_acknowledged_change_is_never_lost() {
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (rename("eve"), changed("eve", "1-2")),
        (read(), found("ann", "1-1")),
    ]);
    rejects_the_last(&[(create("ann"), created("1-1")), (read(), NOT_FOUND)]);
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (delete(), DELETED),
        (read(), found("ann", "1-1")),
    ]);
}

#[test]
fn two_changes_of_the_same_version_cannot_both_succeed() {
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (rename_if("eve", "1-1"), changed("eve", "1-2")),
        (rename_if("joe", "1-1"), changed("joe", "1-3")),
    ]);
}

#[test]
fn if_none_match_lets_through_what_it_does_not_name_and_nothing_else() {
    let created = (create("ann"), created("1-1"));
    accepts(&[created.clone(), (rename_unless("eve", "1-2, 1-3"), changed("eve", "1-2"))]);
    for named in ["1-1", "W/1-1", "1-0, 1-1", "*"] {
        accepts(&[created.clone(), (rename_unless("eve", named), REFUSED)]);
        rejects_the_last(&[created.clone(), (rename_unless("eve", named), changed("eve", "1-2"))]);
    }
    rejects_the_last(&[created, (rename_unless("eve", "1-2"), REFUSED)]);
    accepts(&[(rename_unless("eve", "*"), NOT_FOUND)]);
}

#[test]
fn if_match_lets_through_what_its_list_names() {
    let created = (create("ann"), created("1-1"));
    for named in ["1-0, 1-1", "W/1-0,1-1", "*"] {
        accepts(&[created.clone(), (rename_if("eve", named), changed("eve", "1-2"))]);
        rejects_the_last(&[created.clone(), (rename_if("eve", named), REFUSED)]);
    }
    for other in ["1-0, 1-2", "W/1-1"] {
        accepts(&[created.clone(), (rename_if("eve", other), REFUSED)]);
        rejects_the_last(&[created.clone(), (rename_if("eve", other), changed("eve", "1-2"))]);
    }
}

#[test]
fn a_change_keeps_the_fields_that_it_does_not_name() {
    let regroup = Input::Change {
        id: ID.to_owned(),
        patch: Patch { group: Some(5), ..Patch::default() },
        if_match: None,
        if_none_match: None,
    };
    let mut regrouped = fields("ann");
    regrouped.group = 5;
    let done = Outcome::Done(Output::Changed { fields: regrouped, etag: etag("1-2") });
    accepts(&[(create("ann"), created("1-1")), (regroup.clone(), done)]);
    rejects_the_last(&[(create("ann"), created("1-1")), (regroup, changed("ann", "1-2"))]);
}

#[test]
fn a_stale_read_is_rejected_also_between_concurrent_changes() {
    let recorder = Recorder::new(|| 0);
    recorder.invoke(ClientId(1), create("ann")).complete(created("1-1"));
    let first = recorder.invoke(ClientId(1), rename("eve"));
    let second = recorder.invoke(ClientId(2), rename("joe"));
    recorder.invoke(ClientId(3), read()).complete(found("joe", "1-3"));
    assert!(check_users(&recorder.history(), Budget::default()).is_good());
    recorder.invoke(ClientId(3), read()).complete(found("ann", "1-1"));
    first.complete(changed("eve", "1-2"));
    second.complete(changed("joe", "1-3"));
    assert!(!check_users(&recorder.history(), Budget::default()).is_good());
}

#[test]
fn a_change_of_unknown_outcome_may_take_effect_late_or_never() {
    let beginning = [
        (create("ann"), created("1-1")),
        (rename("eve"), Outcome::Unknown),
        (read(), found("ann", "1-1")),
        (rename("joe"), changed("joe", "1-2")),
    ];
    let with = |last| [beginning.as_slice(), &[last]].concat();
    accepts(&with((read(), found("joe", "1-2"))));
    accepts(&with((read(), found("eve", "1-3"))));
    rejects_the_last(&with((read(), found("ann", "1-1"))));
}

#[test]
fn a_change_that_was_certainly_not_done_must_not_be_seen() {
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (rename("eve"), Outcome::NotDone),
        (read(), found("ann", "1-1")),
        (read(), found("eve", "1-2")),
    ]);
}

#[test]
fn a_request_that_is_applied_a_second_time_is_found() {
    let repeated_change = [
        (create("ann"), created("1-1")),
        (rename("eve"), changed("eve", "1-2")),
        (rename("joe"), changed("joe", "1-3")),
        (read(), found("eve", "1-4")),
    ];
    rejects_the_last(&repeated_change);
    let repeated_deletion = [
        (create("ann"), created("1-1")),
        (delete(), Outcome::Unknown),
        (read(), NOT_FOUND),
        (create("ann"), created("1-3")),
        (read(), NOT_FOUND),
    ];
    rejects_the_last(&repeated_deletion);
}

#[test]
fn a_record_keeps_its_etag_while_nothing_happens() {
    rejects_the_last(&[(create("ann"), created("1-1")), (read(), found("ann", "1-2"))]);
    rejects_the_last(&[(create("ann"), created("1-1")), (rename_if("eve", "1-1"), REFUSED)]);
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (rename_if("eve", "1-7"), changed("eve", "1-2")),
    ]);
    rejects_the_last(&[(create("ann"), created("1-1")), (delete_if("1-7"), DELETED)]);
}

#[test]
fn an_answer_without_etag_says_nothing_about_it() {
    let without = |fields| Outcome::Done(Output::Found { fields, etag: None });
    rejects_the_last(&[
        (create("ann"), created("1-1")),
        (read(), without(fields("ann"))),
        (read(), found("ann", "1-2")),
    ]);
    accepts(&[
        (create("ann"), Outcome::Done(Output::Created { etag: None })),
        (read(), without(fields("ann"))),
        (read(), found("ann", "1-2")),
    ]);
}

#[test]
fn after_an_unknown_effect_the_etag_is_unknown_until_it_is_seen() {
    let beginning = [
        (create("ann"), created("1-1")),
        (rename("eve"), Outcome::Unknown),
        (rename_if("joe", "1-1"), REFUSED),
    ];
    let with = |rest: &[(Input, Outcome<Output>)]| [beginning.as_slice(), rest].concat();
    accepts(&with(&[(rename_if("joe", "1-2"), REFUSED)]));
    accepts(&with(&[(rename_if("joe", "1-2"), changed("joe", "1-3"))]));
    accepts(&with(&[(read(), found("eve", "1-2")), (delete_if("1-2"), DELETED)]));
    rejects_the_last(&with(&[(read(), found("eve", "1-2")), (delete_if("1-2"), REFUSED)]));
    rejects_the_last(&with(&[(read(), found("eve", "1-2")), (read(), found("eve", "1-3"))]));
}

#[test]
fn an_absent_record_is_reported_before_a_failed_precondition() {
    accepts(&[(rename_if("eve", "1-1"), NOT_FOUND), (delete_if("1-1"), NOT_FOUND)]);
    rejects_the_last(&[(rename_if("eve", "1-1"), REFUSED)]);
    rejects_the_last(&[(delete_if("1-1"), REFUSED)]);
}

#[test]
fn an_answer_to_another_question_is_rejected() {
    rejects_the_last(&[(read(), DELETED)]);
    rejects_the_last(&[(create("ann"), created("1-1")), (read(), EXISTS)]);
    rejects_the_last(&[(create("ann"), created("1-1")), (delete(), REFUSED)]);
}

#[test]
fn a_report_names_operations_in_words() {
    let history = in_turn(&[
        (create("ann"), created("1-1")),
        (delete_if("1-1"), Outcome::Unknown),
        (read(), found("eve", "1-2")),
    ]);
    let (id, verdict) = check_users(&history, Budget::default()).linearizability.worst.unwrap();
    assert_eq!(id, ID);
    let text = verdict.to_string();
    for expected in [
        r#"create u1 {name "ann", email "u1@example.org", group 0} -> created, etag 1-1"#,
        r#"the state is: {name "ann", email "u1@example.org", group 0}, etag 1-1"#,
        r#"read u1 -> found {name "eve", email "u1@example.org", group 0}, etag 1-2"#,
        "delete u1 if etag is 1-1 -> unknown",
    ] {
        assert!(text.contains(expected), "{expected:?} is missing in\n{text}");
    }
}
