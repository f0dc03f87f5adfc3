//! Valid ids, ids in paths, and ids made by the gateway.

use std::fmt::Write;

use protocol::problem::ProblemType;
use protocol::user::USER_ID_LENGTH_MAX;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::client::{Rest, made_up, user};
use super::raw::Raw;
use super::shared;

const ALLOWED: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

#[tokio::test(flavor = "multi_thread")]
async fn an_id_may_have_every_allowed_character_at_any_place() {
    let (rest, _ring) = shared::ring().await;
    let one_each = ALLOWED.chars().map(|character| format!("ids-{character}"));
    let first = ALLOWED.chars().map(|character| format!("{character}-ids"));
    let longest = "~".repeat(USER_ID_LENGTH_MAX);
    for id in one_each.chain(first).chain([ALLOWED.to_owned(), longest, "7".to_owned()]) {
        let created = rest.create(&user(&id)).await;
        assert_eq!(created.record(StatusCode::CREATED), user(&id), "{id}");
        assert_eq!(created.location(), format!("/api/user/{id}"));
        assert_eq!(rest.get(created.location()).await.record(StatusCode::OK), user(&id), "{id}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_differ_in_case_only_are_two_users() {
    let (rest, _ring) = shared::ring().await;
    rest.created("ids-case").await;
    rest.created("IDS-CASE").await;
    rest.delete("ids-case").await.is_empty(StatusCode::NO_CONTENT);
    assert_eq!(rest.read("IDS-CASE").await.record(StatusCode::OK), user("IDS-CASE"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_percent_encoded_in_the_path_is_the_same_user() {
    let (rest, _ring) = shared::ring().await;
    let id = "ids.Percent_encoded~1";
    rest.created(id).await;
    let (mut upper, mut lower) = (String::new(), String::new());
    for byte in id.bytes() {
        write!(upper, "%{byte:02X}").expect("a string takes all");
        write!(lower, "%{byte:02x}").expect("a string takes all");
    }
    for path in [&upper, &lower, "ids%2EPercent_encoded%7e1"] {
        assert_eq!(rest.read(path).await.record(StatusCode::OK), user(id), "{path}");
    }
    rest.delete(&upper).await.is_empty(StatusCode::NO_CONTENT);
    rest.read(id).await.problem(ProblemType::UserNotFound);
}

/// HTTP libraries remove `.` and `..` from paths, encoded or not (RFC 3986, section 5.2.4), so
/// this test writes the bytes itself.
#[tokio::test(flavor = "multi_thread")]
async fn dots_that_clients_take_out_of_paths_are_no_ids() {
    let (rest, _ring) = shared::ring().await;
    for id in [".", ".."] {
        assert_eq!(rest.create(&user(id)).await.faulty_fields(), ["id"], "{id}");
        assert_eq!(rest.change(&json!({ "id": id })).await.faulty_fields(), ["id"], "{id}");
        let upper = id.replace('.', "%2E");
        for path in [id, &upper, &upper.to_lowercase(), &format!("{id}/"), &format!("{upper}/")] {
            for method in ["GET", "DELETE"] {
                let line = format!("{method} /api/user/{path}");
                let answer = Raw::request(&rest.url(""), &[&line]).await.answer().await;
                assert_eq!(answer.faulty_fields(), ["id"], "{line}");
            }
        }
    }
    for id in ["...", "..a", ".a", "a.."] {
        assert_eq!(rest.create(&user(id)).await.record(StatusCode::CREATED), user(id));
        let request = Raw::request(&rest.url(""), &[&format!("GET /api/user/{id}")]).await;
        assert_eq!(request.answer().await.record(StatusCode::OK), user(id), "{id}");
        rest.delete(id).await.is_empty(StatusCode::NO_CONTENT);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_names_no_id_says_so() {
    let (rest, _ring) = shared::ring().await;
    let too_long = "x".repeat(USER_ID_LENGTH_MAX + 1);
    let encoded =
        ["%2F", "a%2Fb", "%20", "%00", "%C3%A4", "%25", "a%zz", "a%", "a+b", "a@b", "a;b"];
    for path in encoded.into_iter().chain([too_long.as_str()]) {
        for method in ["GET", "DELETE"] {
            let line = format!("{method} /api/user/{path}");
            let answer = Raw::request(&rest.url(""), &[&line]).await.answer().await;
            assert_eq!(answer.faulty_fields(), ["id"], "{line}");
        }
    }
    for path in ["%FF", "a%C3", "%ED%A0%80"] {
        let request = Raw::request(&rest.url(""), &[&format!("GET /api/user/{path}")]).await;
        let problem = request.answer().await.problem(ProblemType::Malformed);
        assert_eq!(problem["detail"], "the id in the path is not UTF-8", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_without_an_id_gets_a_uuid_of_version_7_and_later_ones_are_greater() {
    let (rest, _ring) = shared::ring().await;
    let mut last = None;
    for _ in 0..20 {
        let id = made_up(&created_without_id(&rest).await);
        assert!(last.is_none_or(|last| last < id), "{last:?} came before {id}");
        last = Some(id);
    }
}

async fn created_without_id(rest: &Rest) -> String {
    let mut expected = json!({ "name": "Ada", "email": "ada@example.org", "group": 1 });
    let created = rest.create(&expected).await;
    let record: Value = created.record(StatusCode::CREATED);
    let id = record["id"].as_str().expect("the gateway made an id").to_owned();
    expected["id"] = json!(id);
    assert_eq!(record, expected);
    assert_eq!(created.location(), format!("/api/user/{id}"));
    assert_eq!(rest.get(created.location()).await.record(StatusCode::OK), expected);
    id
}
