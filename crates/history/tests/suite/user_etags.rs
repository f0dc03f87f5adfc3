//! An etag stands for one content, over the whole history of a user.

use history::users::{Fields, Input, Output, Patch, UserHistory, check_users, find_reused_etag};
use history::{Budget, ClientId, Outcome, Recorder};

/// A change of the name. Its answer shows the new record.
fn rename(id: &str, name: &str, etag: &str) -> (Input, Outcome<Output>) {
    let patch = Patch { name: Some(name.to_owned()), ..Patch::default() };
    let output = Output::Changed { fields: fields(name), etag: Some(etag.to_owned()) };
    let id = id.to_owned();
    let input = Input::Change { id, patch, if_match: None, if_none_match: None };
    (input, Outcome::Done(output))
}

fn create(id: &str, name: &str, etag: &str) -> (Input, Outcome<Output>) {
    let input = Input::Create { id: id.to_owned(), fields: fields(name) };
    let etag = Some(etag.to_owned());
    (input, Outcome::Done(Output::Created { etag }))
}

fn fields(name: &str) -> Fields {
    Fields { name: name.to_owned(), email: String::from("u@example.org"), group: 0 }
}

fn in_turn(operations: Vec<(Input, Outcome<Output>)>) -> UserHistory {
    let recorder = Recorder::new(|| 0);
    for (input, outcome) in operations {
        recorder.invoke(ClientId(1), input).complete(outcome);
    }
    recorder.history()
}

#[test]
fn an_etag_that_comes_back_with_another_content_is_found() {
    let history = in_turn(vec![
        create("u1", "ann", "1-1"),
        rename("u1", "eve", "1-2"),
        rename("u1", "joe", "1-1"),
    ]);
    let verdict = check_users(&history, Budget::default());
    assert!(verdict.linearizability.is_linearizable());
    assert!(!verdict.is_good());
    let reused = verdict.reused_etag.unwrap();
    assert_eq!((reused.id.as_str(), reused.etag.as_str()), ("u1", "1-1"));
    assert_eq!(reused.first.1, fields("ann"));
    assert_eq!(reused.second.1, fields("joe"));
    assert!(reused.to_string().contains("etag 1-1 of user u1"), "{reused}");
}

#[test]
fn other_users_and_equal_contents_may_have_the_same_etag() {
    let history = in_turn(vec![
        create("u1", "ann", "1-1"),
        create("u2", "eve", "1-1"),
        rename("u1", "ann", "1-1"),
    ]);
    assert_eq!(find_reused_etag(&history), None);
}

#[test]
fn an_etag_of_two_contents_does_not_make_the_rest_impossible() {
    let read = Input::Read { id: String::from("u1") };
    let found = Output::Found { fields: fields("joe"), etag: Some(String::from("1-1")) };
    let (late_rename, _) = rename("u1", "joe", "1-2");
    let history = in_turn(vec![
        create("u1", "ann", "1-1"),
        (late_rename, Outcome::Unknown),
        (read, Outcome::Done(found)),
    ]);
    let verdict = check_users(&history, Budget::default());
    assert!(verdict.linearizability.is_linearizable());
    assert!(verdict.reused_etag.is_some());
}
