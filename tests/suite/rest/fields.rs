//! Each fault of a field is named.

use protocol::problem::ProblemType;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::client::{Answer, Rest, send, user};
use super::shared;

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_missing_is_named() {
    let (rest, _ring) = shared::ring().await;
    for field in ["name", "email", "group"] {
        let mut body = user("fields-missing");
        body.as_object_mut().expect("an object").remove(field);
        assert_eq!(rest.create(&body).await.faulty_fields(), [field]);
    }
    assert_eq!(rest.create(&json!({})).await.faulty_fields(), ["name", "email", "group"]);
    assert_eq!(rest.change(&json!({ "group": 1 })).await.faulty_fields(), ["id"]);
    assert_eq!(rest.change(&json!({})).await.faulty_fields(), ["id"]);
    rest.read("fields-missing").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_invalid_is_named_and_nothing_is_changed() {
    let (rest, _ring) = shared::ring().await;
    let (record, tag) = rest.created("fields-invalid").await;
    for (field, values) in invalid() {
        for value in values {
            let mut body = user("fields-not-created");
            body[field] = value.clone();
            assert_eq!(rest.create(&body).await.faulty_fields(), [field], "POST {value}");
            let mut body = json!({ "id": "fields-invalid" });
            body[field] = value.clone();
            assert_eq!(rest.change(&body).await.faulty_fields(), [field], "PUT {value}");
        }
    }
    rest.read("fields-not-created").await.problem(ProblemType::UserNotFound);
    let read = rest.read("fields-invalid").await;
    assert_eq!((read.record(StatusCode::OK), read.etag()), (record, tag));
}

fn invalid() -> [(&'static str, Vec<Value>); 4] {
    let not_texts = [json!(null), json!(1), json!(true), json!([]), json!({})];
    let and_not_texts = |texts: &[&str]| {
        texts.iter().map(|text| json!(text)).chain(not_texts.clone()).collect::<Vec<_>>()
    };
    let long_id = "x".repeat(129);
    let long_name = "x".repeat(257);
    let long_email = format!("{}@{}.org", "a".repeat(64), "b".repeat(200));
    [
        ("id", and_not_texts(&["", "a b", "a/b", "ä", "a\u{0}", "a%41", &long_id])),
        ("name", and_not_texts(&["", &long_name])),
        (
            "email",
            and_not_texts(&[
                "",
                "ada",
                "ada@",
                "@example.org",
                "a b@example.org",
                "Ada <ada@example.org>",
                &long_email,
            ]),
        ),
        (
            "group",
            vec![
                json!(-1),
                json!(4_294_967_296_u64),
                json!(1.5),
                json!(1.0),
                json!("1"),
                json!(null),
                json!([1]),
                json!(true),
            ],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_no_user_has_is_named() {
    let (rest, _ring) = shared::ring().await;
    for field in ["age", "Name", "id ", "", "__proto__"] {
        let mut body = user("fields-unknown");
        body[field] = json!(1);
        assert_eq!(rest.create(&body).await.faulty_fields(), [field]);
        assert_eq!(rest.change(&body).await.faulty_fields(), [field]);
    }
    rest.read("fields-unknown").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_given_twice_is_named_and_not_guessed() {
    let (rest, _ring) = shared::ring().await;
    rest.created("fields-twice").await;
    let name = r#""name":"Ada""#;
    let others = r#""email":"ada@example.org","group":1"#;
    for (body, field) in [
        (format!(r#"{{"id":"a","id":"fields-twice",{name},{others}}}"#), "id"),
        (format!(r#"{{"id":"fields-twice",{name},{name},{others}}}"#), "name"),
        (format!(r#"{{"id":"fields-twice",{name},{others},"group":1,"group":2}}"#), "group"),
        (format!(r#"{{"id":"fields-twice","n\u0061me":"Eve",{name},{others}}}"#), "name"),
    ] {
        assert_eq!(text(&rest, Method::POST, &body).await.faulty_fields(), [field]);
        assert_eq!(text(&rest, Method::PUT, &body).await.faulty_fields(), [field]);
    }
    assert_eq!(rest.read("fields-twice").await.record(StatusCode::OK), user("fields-twice"));
    rest.read("a").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_faults_of_a_body_are_named_at_once() {
    let (rest, _ring) = shared::ring().await;
    let body = json!({ "id": "", "name": 1, "email": "ada", "age": 36 });
    let faults = rest.create(&body).await.faulty_fields();
    assert_eq!(faults, ["id", "name", "email", "group", "age"]);
    let body = json!({ "name": "", "group": -1, "age": 36 });
    let mut faults = rest.change(&body).await.faulty_fields();
    faults.sort();
    assert_eq!(faults, ["age", "group", "id", "name"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_faults_the_first_are_named_and_the_others_counted() {
    let (rest, _ring) = shared::ring().await;
    for name in ["u", "\u{1}", "\"", "\\", "ü", "\u{1f600}", "x\u{301}"] {
        for (length, count) in [(1, 3000), (64, 500), (5000, 3), (20_000, 1)] {
            let member = |number| (format!("{}{number}", name.repeat(length)), json!(1));
            let body = Value::from_iter((0..count).map(member)).to_string();
            for method in [Method::POST, Method::PUT] {
                let answer = text(&rest, method, &body).await;
                assert!(answer.body.len() <= 4 << 10, "{} bytes", answer.body.len());
                if answer.status == StatusCode::PAYLOAD_TOO_LARGE {
                    continue;
                }
                let problem = answer.problem(ProblemType::InvalidField);
                let named = problem["errors"].as_array().expect("faults").len();
                let more = problem["more_errors"].as_u64().unwrap_or(0);
                let detail = problem["detail"].as_str().expect("words");
                assert!(named <= 10, "{problem}");
                if more > 0 {
                    assert!(detail.ends_with(&format!("; and {more} more")), "{detail}");
                }
                let all = usize::try_from(more).expect("few") + named;
                assert!((count + 1..=count + 3).contains(&all), "{all} of {count}: {problem}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_no_object_is_invalid() {
    let (rest, _ring) = shared::ring().await;
    for body in ["[]", "1", "null", "true", "\"ada\"", r#"[{"id":"ada"}]"#] {
        for method in [Method::POST, Method::PUT] {
            let problem = text(&rest, method, body).await.problem(ProblemType::InvalidField);
            assert_eq!(problem["detail"], "the body must be a JSON object", "{body}");
        }
    }
}

async fn text(rest: &Rest, method: Method, body: &str) -> Answer {
    let request = rest.http.request(method, rest.url("/api/user/")).body(body.to_owned());
    send(request.header(CONTENT_TYPE, "application/json")).await
}
