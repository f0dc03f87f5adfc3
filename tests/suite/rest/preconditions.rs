//! `ETag` and `If-Match`.

use std::collections::BTreeSet;

use protocol::problem::ProblemType;
use reqwest::StatusCode;
use reqwest::header::IF_MATCH;
use serde_json::json;

use super::client::{send, user};
use super::shared;

#[tokio::test(flavor = "multi_thread")]
async fn every_update_gives_the_record_a_tag_that_it_never_had() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-new";
    let (_, created) = rest.created(id).await;
    let mut tags = BTreeSet::from([created]);
    for group in [1, 2, 2, 2] {
        let changed = rest.change(&json!({ "id": id, "group": group })).await;
        assert_eq!(rest.read(id).await.etag(), changed.etag());
        assert!(tags.insert(changed.etag()), "{tags:?} twice");
    }
    rest.created("tags-other").await;
    assert!(tags.contains(&rest.read(id).await.etag()), "nobody changed it");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_the_record_that_was_read_is_carried_out() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-match";
    let (_, created) = rest.created(id).await;
    let changed = rest.change_if(&created, &json!({ "id": id, "group": 1 })).await;
    assert_eq!(changed.record(StatusCode::OK)["group"], 1);
    let read = rest.read(id).await.etag();
    rest.delete_if(&read, id).await.is_empty(StatusCode::NO_CONTENT);
    rest.read(id).await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_record_that_has_changed_since_is_refused_and_changes_nothing() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-mismatch";
    let (_, stale) = rest.created(id).await;
    let changed = rest.change(&json!({ "id": id, "group": 1 })).await;
    let weak = format!("W/{}", changed.etag());
    for tag in [&stale, &weak, "\"of another server\"", "\"\"", "\"1.999999\""] {
        let change = json!({ "id": id, "group": 2 });
        rest.change_if(tag, &change).await.problem(ProblemType::PreconditionFailed);
        rest.delete_if(tag, id).await.problem(ProblemType::PreconditionFailed);
    }
    let read = rest.read(id).await;
    assert_eq!((read.record(StatusCode::OK), read.etag()), (changed.json(), changed.etag()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_star_matches_whatever_there_is() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-star";
    let change = json!({ "id": id, "group": 1 });
    rest.change_if("*", &change).await.problem(ProblemType::UserNotFound);
    rest.delete_if("*", id).await.problem(ProblemType::UserNotFound);
    rest.created(id).await;
    assert_eq!(rest.change_if("*", &change).await.record(StatusCode::OK)["group"], 1);
    rest.delete_if("*", id).await.is_empty(StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_of_a_user_that_is_gone_finds_no_user() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-gone";
    let (_, tag) = rest.created(id).await;
    rest.delete(id).await.is_empty(StatusCode::NO_CONTENT);
    rest.change_if(&tag, &json!({ "id": id })).await.problem(ProblemType::UserNotFound);
    rest.delete_if(&tag, id).await.problem(ProblemType::UserNotFound);

    let (_, of_the_new_one) = rest.created(id).await;
    rest.delete_if(&tag, id).await.problem(ProblemType::PreconditionFailed);
    assert_eq!(rest.read(id).await.etag(), of_the_new_one);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_if_match_that_is_no_tag_is_malformed() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-malformed";
    let (_, tag) = rest.created(id).await;
    let bare = tag.trim_matches('"');
    for malformed in [bare, "\"", "", &format!("\"{bare}"), &format!("{tag}, {tag}")] {
        let change = json!({ "id": id, "group": 2 });
        rest.change_if(malformed, &change).await.problem(ProblemType::Malformed);
        rest.delete_if(malformed, id).await.problem(ProblemType::Malformed);
    }
    let request = rest.http.delete(rest.url("/api/user/tags-malformed"));
    let twice = request.header(IF_MATCH, &tag).header(IF_MATCH, &tag);
    send(twice).await.problem(ProblemType::Malformed);
    assert_eq!(rest.read(id).await.record(StatusCode::OK), user(id));
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_updates_of_the_same_record_one_is_carried_out() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-race";
    let (_, tag) = rest.created(id).await;
    let bodies = (0..16).map(|group| json!({ "id": id, "group": group })).collect::<Vec<_>>();
    let changes = bodies.iter().map(|body| rest.change_if(&tag, body));
    let answers = futures_util::future::join_all(changes).await;
    let (done, refused): (Vec<_>, Vec<_>) =
        answers.into_iter().partition(|answer| answer.status == StatusCode::OK);
    for refused in &refused {
        refused.problem(ProblemType::PreconditionFailed);
    }
    assert_eq!(done.len(), 1, "{done:?}");
    assert_eq!(rest.read(id).await.json(), done[0].json());
}
