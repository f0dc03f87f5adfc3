//! Every request accepted by REST survives the frame to its node, whatever its head and its
//! body hold.

use api::path::USERS;
use axum::http::header::{CONTENT_TYPE, IF_MATCH, IF_NONE_MATCH};
use axum::http::{Method, StatusCode};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use protocol::frame::{self, FRAME_BYTES_FULL};
use protocol::id::RequestId;
use protocol::message::{Operation, Request, ToNode, Update};
use protocol::precondition::Precondition;
use protocol::user::{Email, User, UserId};
use protocol::version::Versions;
use ring_core::gateway::{ClientRequest, RequestKind};

use super::alone::{BOOT, Rest, Sent};

/// The largest message with this request for a node.
fn message(request: ClientRequest) -> ToNode {
    let operation = match request {
        ClientRequest::Read(id) => Operation::Read(id),
        ClientRequest::Update(action) => Operation::Update(Update {
            request: RequestId { boot: BOOT, counter: u64::MAX },
            unsettled_from: u64::MAX,
            action,
        }),
    };
    ToNode::Request(Request {
        call: protocol::message::CallId(u64::MAX),
        partition: protocol::id::PartitionId(u16::MAX),
        member: protocol::view::Member::Next,
        epoch: protocol::id::Epoch(protocol::id::COUNTED_MAX),
        operation,
    })
}

fn survives_a_frame(request: ClientRequest) -> Result<(), TestCaseError> {
    let messages = [message(request)];
    let frame = frame::encode(Versions::SPOKEN.highest, &messages).expect("messages serialise");
    prop_assert!(frame.len() < FRAME_BYTES_FULL, "{} bytes", frame.len());
    prop_assert_eq!(frame::decode(Versions::SPOKEN.highest, &frame), Ok(messages.to_vec()));
    Ok(())
}

/// Numbers around the limits of 31, 32, 53, 63 and 64 bits, and other numbers, as text.
fn number() -> impl Strategy<Value = String> {
    let edge = (prop::sample::select(vec![0_u32, 31, 32, 53, 63, 64]), -2_i128..=2)
        .prop_map(|(bits, off)| ((1_i128 << bits) + off).to_string());
    prop_oneof![
        4 => edge,
        1 => any::<u64>().prop_map(|number| number.to_string()),
        1 => "[0-9+-]{0,40}",
    ]
}

/// A value of `If-Match` or `If-None-Match`.
fn tags() -> impl Strategy<Value = String> {
    let tag = (prop_oneof![4 => Just(""), 1 => Just("W/"), 1 => Just("w/")], number(), number())
        .prop_map(|(weak, epoch, seq)| format!("{weak}\"{epoch}.{seq}\""))
        .boxed();
    prop_oneof![
        6 => tag.clone(),
        2 => vec(tag, 0..4).prop_map(|tags| tags.join(", ")),
        1 => Just("*".to_owned()),
        1 => "[ -~]{0,32}",
    ]
}

fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<protocol::user::UserId>().prop_map(String::from),
        1 => prop::sample::select(vec![".", "..", "...", "%2e", "%61", "a%2Fb", "%00", "%ff", ""])
            .prop_map(str::to_owned),
        1 => "[!-~]{0,130}",
        1 => Just("x".repeat(129)),
    ]
}

/// A text of JSON. Each character is written in one of the ways of JSON: escaped or not.
fn json_text(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (text, vec(any::<bool>(), 1..8)).prop_map(|(text, escaped)| {
        let write = |(character, is_escaped): (char, &bool)| {
            let mut units = [0; 2];
            let escape = |unit: &u16| format!("\\u{unit:04x}");
            if *is_escaped || character < ' ' || "\"\\".contains(character) {
                character.encode_utf16(&mut units).iter().map(escape).collect()
            } else {
                character.to_string()
            }
        };
        let characters = text.chars().zip(escaped.iter().cycle());
        format!("\"{}\"", characters.map(write).collect::<String>())
    })
}

/// A field of a body. Its value is mostly valid, so that the body is likely to be accepted.
fn field(
    name: &'static str,
    valid: impl Strategy<Value = String> + 'static,
) -> impl Strategy<Value = Option<String>> {
    let invalid = prop::sample::select(vec![
        "null",
        "\"\"",
        "{}",
        "-1",
        "1e9",
        "4294967296",
        "\"\\ud800\"",
        "\"a\\u0000b\"",
        "\"\u{0}\"",
        "18446744073709551616",
        "1.0",
        "\"\\udfff\\ud800\"",
        "\"..\"",
    ]);
    let value = prop_oneof![9 => valid, 1 => invalid.prop_map(str::to_owned)];
    option::weighted(0.9, value.prop_map(move |value| format!("\"{name}\":{value}")))
}

fn group() -> impl Strategy<Value = String> {
    prop_oneof![prop::sample::select(vec![0, 1, u32::MAX - 1, u32::MAX]), any::<u32>()]
        .prop_map(|group| group.to_string())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let user = (
        field("id", json_text(id())),
        field("name", json_text(any::<protocol::user::Name>().prop_map(String::from))),
        field("email", json_text(any::<Email>().prop_map(String::from))),
        field("group", group()),
        option::weighted(0.1, Just("\"age\":1".to_owned())),
    )
        .prop_map(|(id, name, email, group, unknown)| {
            let fields = [id, name, email, group, unknown];
            format!("{{{}}}", fields.into_iter().flatten().collect::<Vec<_>>().join(","))
        });
    prop_oneof![9 => user.prop_map(String::into_bytes), 1 => vec(any::<u8>(), 0..64)]
}

fn sent() -> impl Strategy<Value = Sent> {
    let method = prop::sample::select(vec![
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ]);
    let path = prop_oneof![
        2 => id().prop_map(|id| format!("{USERS}{id}")),
        2 => Just(USERS.to_owned()),
        1 => id().prop_map(|query| format!("{USERS}?{query}")),
    ];
    let tag_header = prop::sample::select(vec![IF_MATCH, IF_NONE_MATCH]);
    let content_type = prop_oneof![
        8 => Just("application/json"),
        1 => Just("application/merge-patch+json"),
        1 => Just("text/plain"),
    ];
    (method, path, vec((tag_header, tags()), 0..3), content_type, body()).prop_map(
        |(method, path, mut headers, content_type, body)| {
            headers.push((CONTENT_TYPE, content_type.to_owned()));
            Sent { method, path, headers, body }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_024))]

    #[test]
    fn whatever_rest_accepts_survives_a_frame(all in vec(sent(), 1..4)) {
        let mut rest = Rest::new();
        for sent in all {
            let Some((status, submitted)) = rest.send(sent.clone()) else { continue };
            prop_assert_ne!(status, StatusCode::INTERNAL_SERVER_ERROR, "{:?}", sent);
            for request in submitted {
                survives_a_frame(request)?;
            }
        }
    }

    #[test]
    fn every_user_can_be_created_and_comes_to_its_node_as_it_was_sent(user: User) {
        let is_for_clients = Email::try_from(String::from(user.email.clone())).is_ok()
            && UserId::from_client(user.id.as_str()).is_ok();
        let sent = Sent {
            method: Method::POST,
            path: USERS.to_owned(),
            headers: vec![(CONTENT_TYPE, "application/json".to_owned())],
            body: user.to_json().to_vec(),
        };
        let (status, submitted) = Rest::new().send(sent).expect("it is HTTP");
        if is_for_clients {
            let create = ClientRequest::Update(protocol::message::Action::Create {
                user,
                precondition: Precondition::NONE,
            });
            prop_assert_eq!(&submitted, std::slice::from_ref(&create));
            survives_a_frame(create)?;
        } else {
            prop_assert_eq!((status, submitted), (StatusCode::UNPROCESSABLE_ENTITY, Vec::new()));
        }
    }
}

#[test]
fn a_good_part_of_what_is_drawn_is_accepted() {
    let mut rest = Rest::new();
    let mut runner = TestRunner::deterministic();
    let mut submitted = [0; 2];
    for _ in 0..1_000 {
        let sent = sent().new_tree(&mut runner).unwrap().current();
        for request in rest.send(sent).map(|(_, submitted)| submitted).unwrap_or_default() {
            submitted[usize::from(request.kind() == RequestKind::Update)] += 1;
        }
    }
    assert!(submitted.iter().all(|count| *count >= 50), "reads, updates: {submitted:?}");
}

#[test]
fn a_delete_with_whatever_tag_survives_a_frame() {
    let mut rest = Rest::new();
    for number in [0, 1 << 31, 1 << 32, 1 << 53, i64::MAX.unsigned_abs(), 1 << 63, u64::MAX] {
        for (epoch, seq) in [(1, number), (number, 1), (number, number)] {
            let sent = Sent {
                method: Method::DELETE,
                path: format!("{USERS}ada"),
                headers: vec![(IF_MATCH, format!("\"{epoch}.{seq}\""))],
                body: Vec::new(),
            };
            let (_, submitted) = rest.send(sent).expect("it is HTTP");
            assert_eq!(submitted.len(), 1, "{epoch}.{seq}");
            for request in submitted {
                survives_a_frame(request).unwrap();
            }
        }
    }
}
