//! A saved history can be loaded again. A spoilt file is refused, with the number of its bad
//! line.

use history::users::{Input, Output};
use history::{History, LoadError};
use proptest::prelude::*;

use crate::choices::{Choices, choices};
use crate::stores::{RegisterStore, Shape, UserStore, concurrent_history};

const SHAPE: Shape =
    Shape { clients: 3, operations: 20, unknown_percent: 20, not_done_percent: 20 };

proptest! {
    #[test]
    fn a_saved_history_loads_as_it_was(mut choices in choices(300)) {
        let users = concurrent_history::<UserStore>(&mut choices, SHAPE);
        prop_assert_eq!(&History::load(saved(&users).as_bytes()).unwrap(), &users);
        let register = concurrent_history::<RegisterStore>(&mut choices, SHAPE);
        prop_assert_eq!(&History::load(saved(&register).as_bytes()).unwrap(), &register);
    }
}

#[test]
fn the_format_is_one_event_a_line() {
    let text = concat!(
        r#"{"invocation":{"client":2,"operation":7,"time_ns":1500,"input":{"read":{"id":"u1"}}}}"#,
        "\n",
        r#"{"completion":{"operation":7,"time_ns":2500,"outcome":{"done":"not_found"}}}"#,
        "\n",
    );
    let history: History<Input, Output> = History::load(text.as_bytes()).unwrap();
    assert_eq!(saved(&history), text);
}

#[test]
fn blank_lines_are_skipped() {
    let text = saved(&some_history()).replace('\n', "\n\n");
    assert_eq!(load(&text).unwrap(), some_history());
}

#[test]
fn a_malformed_line_is_named() {
    let text = saved(&some_history());
    let cut_in_line_3 = {
        let end_of_line_2 = text.match_indices('\n').nth(1).unwrap().0;
        &text[..end_of_line_2 + 20]
    };
    let error = load(cut_in_line_3).unwrap_err();
    assert!(matches!(error, LoadError::Malformed { line: 3, .. }), "{error}");
    assert!(error.to_string().contains("line 3"), "{error}");
}

#[test]
fn an_unknown_member_is_refused() {
    let text = saved(&some_history()).replacen("\"time_ns\"", "\"when\":1,\"time_ns\"", 1);
    let error = load(&text).unwrap_err();
    assert!(error.to_string().contains("when"), "{error}");
}

#[test]
fn bytes_that_are_not_text_are_named_by_their_line() {
    let error = History::<Input, Output>::load(&b"\n\xff\n"[..]).unwrap_err();
    assert!(matches!(error, LoadError::Io { line: 2, .. }), "{error}");
}

#[test]
fn a_line_that_contradicts_those_before_it_is_named() {
    let text = saved(&some_history());
    let first = text.lines().next().unwrap();
    let twice = load(&format!("{first}\n{first}\n")).unwrap_err();
    assert!(matches!(twice, LoadError::Contradiction { line: 2, .. }), "{twice}");
    let completion = r#"{"completion":{"operation":0,"time_ns":9,"outcome":"unknown"}}"#;
    let not_invoked = load(completion).unwrap_err();
    assert!(not_invoked.to_string().contains("not invoked"), "{not_invoked}");
    let completed_twice = load(&format!("{first}\n{completion}\n{completion}\n")).unwrap_err();
    assert!(completed_twice.to_string().contains("line 3"), "{completed_twice}");
    let back = load(&format!("{first}\n{}\n", completion.replace('9', "0"))).unwrap_err();
    assert!(back.to_string().contains("goes back"), "{back}");
}

fn some_history() -> History<Input, Output> {
    concurrent_history::<UserStore>(&mut Choices::from_seed(1, 300), SHAPE)
}

fn load(text: &str) -> Result<History<Input, Output>, LoadError> {
    History::load(text.as_bytes())
}

fn saved<I: serde::Serialize, O: serde::Serialize>(history: &History<I, O>) -> String {
    let mut bytes = Vec::new();
    history.save(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
