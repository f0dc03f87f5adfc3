//! Names and addresses in any script come back unchanged.

use protocol::problem::ProblemType;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, Rest, send, user};
use super::shared;

/// Sends a body unchanged.
async fn sent(rest: &Rest, method: Method, body: String) -> Answer {
    let request = rest.http.request(method, rest.url("/api/user/")).body(body);
    send(request.header(CONTENT_TYPE, "application/json")).await
}

/// Asserts that a value comes back, byte for byte: from the create, from a read, and after an
/// update of another field.
async fn comes_back(rest: &Rest, id: &str, field: &str, text: &str) {
    let mut record = user(id);
    record[field] = json!(text);
    // The fields are in the order of the record. `serde_json` would sort them by name.
    let [name, email] = ["name", "email"].map(|field| record[field].to_string());
    let body = format!(r#"{{"id":"{id}","name":{name},"email":{email},"group":7}}"#);

    let created = sent(rest, Method::POST, body.clone()).await;
    assert_eq!(created.status, StatusCode::CREATED, "{text:?}: {created:?}");
    assert_eq!(created.body, body, "{text:?}");
    assert_eq!(rest.read(id).await.body, body, "{text:?}");
    let changed = rest.change(&json!({ "id": id, "group": 8 })).await;
    assert_eq!(changed.body, body.replace("\"group\":7", "\"group\":8"), "{text:?}");
    rest.delete(id).await.is_empty(StatusCode::NO_CONTENT);
    let refused = rest.change(&json!({ "id": id, field: text })).await;
    refused.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_any_script_comes_back_as_it_was_sent() {
    let (rest, _ring) = shared::ring().await;
    for email in [
        "नमस्ते@example.in",
        "nguye\u{302}\u{303}n@example.vn",
        "nguyễn@example.vn",
        "i\u{307}pek@example.org",
        "สวัสดี@example.co.th",
        "வணக்கம்@example.in",
        "می\u{200c}خواهم@example.ir",
        "👩\u{200d}💻@example.org",
        "Ada@EXAMPLE.org",
        "ada@उदाहरण.भारत",
        "ada@bu\u{308}cher.example",
        "\"<\"@example.org",
        "\"a\\\\\\\"b\"@example.org",
        "ada@[IPv6:2001:db8::1]",
        "ada@localhost",
    ] {
        comes_back(&rest, "texts-email", "email", email).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_any_script_comes_back_as_it_was_sent() {
    let (rest, _ring) = shared::ring().await;
    let longest = "\u{10ffff}".repeat(256);
    for name in [
        "नमस्ते",
        "Nguye\u{302}\u{303}n",
        "İpek",
        "வணக்கம்",
        "محمد",
        "👩\u{200d}👩\u{200d}👧\u{200d}👦 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
        "z\u{351}\u{36b}\u{343}a\u{321}",
        "\u{202e}abc\u{feff}",
        " ",
        "\"\\/",
        "\u{0}\u{1f}\u{7f}\u{2028}",
        &longest,
    ] {
        comes_back(&rest, "texts-name", "name", name).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escape_means_the_character_that_it_names() {
    let (rest, _ring) = shared::ring().await;
    let id = "texts-escapes";
    let (name, email) = (r"\ud83d\ude00\u0041\/", r"\u0061@\u00fc.org");
    let body = format!(r#"{{"id":"{id}","name":"{name}","email":"{email}","group":7}}"#);
    let created = sent(&rest, Method::POST, body).await.record(StatusCode::CREATED);
    let expected: Value = json!({ "id": id, "name": "😀A/", "email": "a@ü.org", "group": 7 });
    assert_eq!(created, expected);
    assert_eq!(rest.read(id).await.record(StatusCode::OK), expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_text_is_malformed_and_what_is_no_address_is_invalid() {
    let (rest, _ring) = shared::ring().await;
    for name in [r"\ud800", r"\udc00\ud800", r"\u12", "a\nb", "a\u{0}b", r"\x41"] {
        let body = format!(r#"{{"id":"texts-bad","name":"{name}","email":"a@b.c","group":7}}"#);
        sent(&rest, Method::POST, body).await.problem(ProblemType::Malformed);
    }
    for email in [
        r"a\u0000@b.c",
        r"a\u202eb@b.c",
        r"a\u200bb@b.c",
        r"a\ufffe@b.c",
        r"a\u00a0b@b.c",
        r"a@b\u00ad.c",
        r"a@\u0301b.c",
        "Ada <a@b.c>",
        " <a@b.c>",
        "a(b)@c.d",
        "a@b..c",
        "a@[300.1.1.1]",
    ] {
        let body = format!(r#"{{"id":"texts-bad","name":"a","email":"{email}","group":7}}"#);
        assert_eq!(sent(&rest, Method::POST, body).await.faulty_fields(), ["email"], "{email}");
    }
    rest.read("texts-bad").await.problem(ProblemType::UserNotFound);
}
