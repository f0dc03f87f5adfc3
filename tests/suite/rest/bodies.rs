//! Reading a body: its type, its size, its JSON.

use std::time::Duration;

use protocol::problem::ProblemType;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Method, RequestBuilder, StatusCode};
use tokio::time::timeout;

use super::client::{Rest, send, user};
use super::raw::Raw;
use super::shared;
use crate::harness::cluster::Cluster;

/// The largest accepted body, in bytes.
const LIMIT: usize = 64 << 10;

/// The calls with a body.
const METHODS: [Method; 2] = [Method::POST, Method::PUT];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_malformed() {
    let (rest, _ring) = shared::ring().await;
    let half = r#"{"id":"bodies-half","name":"Ada","email":"ada@example.org","group":1"#;
    let surrogate = r#"{"id":"bodies","name":"\ud800","email":"ada@example.org","group":1}"#;
    let twice = format!("{half}}} {{}}");
    let comment = format!("{half}}} // a comment");
    let nested = format!(r#"{{"name":{}"#, "[".repeat(50_000));
    let texts = ["", " ", "{", half, "{]", "nul", "'a'", surrogate, &twice, &comment, &nested];
    let not_utf_8: &[u8] = b"{\"name\":\"\xff\"}";
    let byte_order_mark: &[u8] = b"\xef\xbb\xbf{}";
    let bodies = texts.map(str::as_bytes).into_iter().chain([not_utf_8, byte_order_mark]);
    for body in bodies {
        for method in METHODS {
            let problem = json(&rest, method.clone(), body.to_vec()).await;
            let problem = problem.problem(ProblemType::Malformed);
            let detail = problem["detail"].as_str().expect("words");
            assert!(detail.starts_with("the body is not valid JSON: "), "{detail}");
        }
    }
    rest.read("bodies-half").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_body_that_says_it_is_json_is_read() {
    let (rest, _ring) = shared::ring().await;
    let body = user("bodies-type").to_string();
    let others = [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonx",
        "application/problem+json",
        "json",
        "",
        "text/plain; application/json",
    ];
    for content_type in others.map(Some).into_iter().chain([None]) {
        for method in METHODS {
            let request = request(&rest, method, body.clone());
            let request = match content_type {
                Some(content_type) => request.header(CONTENT_TYPE, content_type),
                None => request,
            };
            send(request).await.problem(ProblemType::UnsupportedMediaType);
        }
    }
    rest.read("bodies-type").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_is_json_with_whatever_parameters_and_in_any_case() {
    let (rest, _ring) = shared::ring().await;
    for (number, content_type) in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "Application/JSON",
    ]
    .into_iter()
    .enumerate()
    {
        let body = user(&format!("bodies-json-{number}"));
        let create = request(&rest, Method::POST, body.to_string());
        let created = send(create.header(CONTENT_TYPE, content_type)).await;
        assert_eq!(created.record(StatusCode::CREATED), body, "{content_type}");
        let change = request(&rest, Method::PUT, body.to_string());
        let changed = send(change.header(CONTENT_TYPE, content_type)).await;
        assert_eq!(changed.record(StatusCode::OK), body, "{content_type}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_64_kib_is_read_and_one_byte_more_is_not() {
    let (rest, _ring) = shared::ring().await;
    for (method, done) in [(Method::POST, StatusCode::CREATED), (Method::PUT, StatusCode::OK)] {
        let body = padded("bodies-size", LIMIT + 1);
        json(&rest, method.clone(), body).await.problem(ProblemType::TooLarge);
        let body = padded("bodies-size", LIMIT);
        let answer = json(&rest, method, body).await;
        assert_eq!(answer.record(done), user("bodies-size"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chunked_body_of_64_kib_is_read_and_one_byte_more_is_not() {
    let (rest, _ring) = shared::ring().await;
    let id = "bodies-chunked";
    for (method, done) in [(Method::POST, StatusCode::CREATED), (Method::PUT, StatusCode::OK)] {
        let answer = chunked(&rest, &method, &padded(id, LIMIT + 1)).await;
        answer.problem(ProblemType::TooLarge);
        let answer = chunked(&rest, &method, &padded(id, LIMIT)).await;
        assert_eq!(answer.record(done), user(id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_may_set_another_limit() {
    let mut cluster = Cluster::new(2).with_gateway_flags(&["--body-bytes-max", "8192"]);
    cluster.start_gateway();
    cluster.gateway().says("listening").await;
    let rest = Rest::new(&cluster.url());
    let too_large = json(&rest, Method::POST, padded("bodies-limit", 8193)).await;
    let detail = &too_large.problem(ProblemType::TooLarge)["detail"];
    assert_eq!(detail, "the limit is 8192 bytes");
    // There are no nodes, but the gateway has read the body.
    let read = json(&rest, Method::POST, padded("bodies-limit", 8192)).await;
    read.problem(ProblemType::Unavailable);
    cluster.stop_gateway().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_announced_as_too_large_is_refused_before_it_comes() {
    let (rest, _ring) = shared::ring().await;
    for length in ["65537", "10000000000", "1000000000000000000"] {
        for method in ["POST", "PUT"] {
            let lines = [
                &format!("{method} /api/user/"),
                "content-type: application/json",
                &format!("content-length: {length}"),
                "expect: 100-continue",
            ];
            let answer = Raw::request(&rest.url(""), &lines).await.answer().await;
            answer.problem(ProblemType::TooLarge);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_sends_a_mebibyte_hears_why_it_was_refused() {
    let (rest, _ring) = shared::ring().await;
    let body = padded("bodies-mebibyte", 1 << 20);
    for _ in 0..20 {
        json(&rest, Method::POST, body.clone()).await.problem(ProblemType::TooLarge);
        chunked(&rest, &Method::POST, &body).await.problem(ProblemType::TooLarge);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_never_ends_is_not_read_for_ever() {
    let (rest, _ring) = shared::ring().await;
    let mut raw = chunked_head(&rest, &Method::POST).await;
    let spaces = vec![b' '; 16 << 10];
    let sending = async { while raw.chunk(&spaces).await.is_ok() {} };
    let ended = timeout(Duration::from_secs(10), sending).await;
    assert!(ended.is_ok(), "the gateway still reads");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_waits_for_leave_to_send_its_body_gets_it() {
    let (rest, _ring) = shared::ring().await;
    let body = user("bodies-continue");
    let text = body.to_string();
    let lines = [
        "POST /api/user/",
        "content-type: application/json",
        &format!("content-length: {}", text.len()),
        "expect: 100-continue",
    ];
    let mut raw = Raw::request(&rest.url(""), &lines).await;
    raw.read_continue().await;
    raw.send(text.as_bytes()).await.expect("the gateway reads");
    assert_eq!(raw.answer().await.record(StatusCode::CREATED), body);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_creates_nobody() {
    let (rest, _ring) = shared::ring().await;
    let body = user("bodies-broken-off").to_string();
    let lines = [
        "POST /api/user/",
        "content-type: application/json",
        &format!("content-length: {}", body.len() + 1),
    ];
    let mut raw = Raw::request(&rest.url(""), &lines).await;
    raw.send(body.as_bytes()).await.expect("the gateway reads");
    raw.hang_up().await;

    let mut raw = chunked_head(&rest, &Method::POST).await;
    raw.chunk(body.as_bytes()).await.expect("the gateway reads");
    raw.hang_up().await;
    rest.read("bodies-broken-off").await.problem(ProblemType::UserNotFound);
}

/// A body that creates or changes a user, padded with spaces to this size.
fn padded(id: &str, size: usize) -> Vec<u8> {
    let mut body = user(id).to_string().into_bytes();
    body.resize(size, b' ');
    body
}

fn request(rest: &Rest, method: Method, body: impl Into<reqwest::Body>) -> RequestBuilder {
    rest.http.request(method, rest.url("/api/user/")).body(body)
}

async fn json(rest: &Rest, method: Method, body: Vec<u8>) -> super::client::Answer {
    send(request(rest, method, body).header(CONTENT_TYPE, "application/json")).await
}

async fn chunked_head(rest: &Rest, method: &Method) -> Raw {
    let lines = [
        &format!("{method} /api/user/"),
        "content-type: application/json",
        "transfer-encoding: chunked",
    ];
    Raw::request(&rest.url(""), &lines).await
}

/// Sends a body in chunks, as far as the gateway reads it.
async fn chunked(rest: &Rest, method: &Method, body: &[u8]) -> super::client::Answer {
    let mut raw = chunked_head(rest, method).await;
    for chunk in body.chunks(10_000).chain([&[][..]]) {
        if raw.chunk(chunk).await.is_err() {
            break;
        }
    }
    raw.answer().await
}
