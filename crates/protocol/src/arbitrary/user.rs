//! Arbitrary users, and the fields of their records.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{checked, group};
use crate::user::{Email, NAME_LENGTH_MAX, Name, User, UserId, UserPatch};

/// Any character. Extra weight is on characters that JSON must escape, in two bytes or six, and
/// on the longest character of UTF-8.
fn character() -> impl Strategy<Value = char> {
    prop_oneof![
        any::<char>(),
        prop::sample::select(vec!['a', '"', '\\', '\u{0}', '\u{7f}', '\u{10ffff}'])
    ]
}

fn name() -> impl Strategy<Value = Name> {
    let texts = prop_oneof![
        3 => vec(character(), 1..=NAME_LENGTH_MAX),
        1 => vec(character(), NAME_LENGTH_MAX),
        1 => vec(Just('\u{10ffff}'), NAME_LENGTH_MAX),
        1 => vec(Just('\u{0}'), NAME_LENGTH_MAX),
    ];
    texts.prop_map(|text| Name::try_from(String::from_iter(text)).expect("it is a name"))
}

/// Addresses as sent by clients: of ASCII, internationalised, quoted, with an address literal,
/// of the greatest length.
fn sent_email() -> impl Strategy<Value = Email> {
    let longest = [63, 63, 61].map(|length| "d".repeat(length)).join(".");
    prop_oneof![
        checked("[a-z]{1,20}@[a-z]{1,20}\\.[a-z]{2,3}"),
        checked(
            "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,32}(\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,31})?@[A-Za-z0-9]{1,63}"
        ),
        checked("[\\p{L}\\p{M}\\p{N}\\p{So}]{1,16}@[a-z]{1,20}\\.in"),
        checked("नमस्ते@(उदाहरण|例え|ex\\u{e4}mple|bu\\u{308}cher)\\.(भारत|jp|рф)"),
        checked("\"([ !#-\\[\\]-~]|\\\\[ -~]){0,30}\"@[a-z]{1,63}"),
        checked(
            "[a-z]{1,64}@\\[(127\\.0\\.0\\.[0-9]{1,2}|IPv6:[0-9a-f]{1,4}::[0-9a-f]{1,4}|tag:[!-Z^-~]{1,99})\\]"
        ),
        "[a-z]{64}".prop_filter_map("it is no address", move |local_part| {
            Email::try_from(format!("{local_part}@{longest}")).ok()
        }),
    ]
}

/// Addresses accepted only from a link or a disk.
fn stored_email() -> impl Strategy<Value = Email> {
    let texts =
        (vec(character(), 1..64), vec(character(), 1..64)).prop_map(|(local_part, host)| {
            format!("{}@{}", String::from_iter(local_part), String::from_iter(host))
        });
    let longest = "[ -~]{252}".prop_map(|text| format!("{text}@a"));
    prop_oneof![texts, longest].prop_filter_map("it is no address of any release", |text| {
        serde_json::from_value(text.into()).ok()
    })
}

arbitrary! {
    UserId => prop_oneof![
        2 => checked("[A-Za-z0-9._~-]{1,128}"),
        1 => checked("[A-Za-z0-9._~-]"),
        1 => checked("[A-Za-z0-9._~-]{128}"),
    ];
    Name => name();
    Email => prop_oneof![3 => sent_email(), 1 => stored_email()];
    User => (any::<(UserId, Name, Email)>(), group())
        .prop_map(|((id, name, email), group)| Self { id, name, email, group });
    UserPatch => (any::<(UserId, Option<Name>, Option<Email>)>(), option::of(group()))
        .prop_map(|((id, name, email), group)| Self { id, name, email, group });
}
