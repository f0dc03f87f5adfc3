//! `ETag`, `If-Match` and `If-None-Match`.

use std::collections::BTreeSet;

use protocol::problem::ProblemType;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Method, RequestBuilder, StatusCode};
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

/// The request with these additional headers.
fn with(request: RequestBuilder, headers: &[(HeaderName, &str)]) -> RequestBuilder {
    headers.iter().fold(request, |request, (name, value)| request.header(name, *value))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_no_list_of_tags_is_malformed() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-malformed";
    let (_, tag) = rest.created(id).await;
    let bare = tag.trim_matches('"');
    let (half, many) = (format!("\"{bare}"), vec![tag.as_str(); 65].join(","));
    let (no_comma, star) = (format!("{tag} {tag}"), format!("{tag}, *"));
    let path = rest.url(&format!("/api/user/{id}"));
    for malformed in [bare, "\"", "", ",", &half, &many, &no_comma, &star, "w/\"1.1\"", "W/1.1"] {
        for name in [IF_MATCH, IF_NONE_MATCH] {
            let requests = [
                rest.http.post(rest.url("/api/user/")).json(&user("tags-malformed-new")),
                rest.http.put(rest.url("/api/user/")).json(&json!({ "id": id, "group": 2 })),
                rest.http.get(&path),
                rest.http.delete(&path),
            ];
            for request in requests {
                let answer = send(request.header(&name, malformed)).await;
                let problem = answer.problem(ProblemType::Malformed);
                let detail = problem["detail"].as_str().expect("words");
                assert!(detail.starts_with(name.as_str()), "{detail}");
            }
        }
    }
    let twice = [(IF_MATCH, "*"), (IF_MATCH, "*")];
    send(with(rest.http.delete(&path), &twice)).await.problem(ProblemType::Malformed);
    assert_eq!(rest.read(id).await.record(StatusCode::OK), user(id));
    rest.read("tags-malformed-new").await.problem(ProblemType::UserNotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_matches_by_any_of_its_tags() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-list";
    let (_, mut tag) = rest.created(id).await;
    for number in 0..4 {
        let lists: [&[(HeaderName, &str)]; 4] = [
            &[(IF_MATCH, &format!("\"x\", {tag}"))],
            &[(IF_MATCH, &format!(",, {tag} ,\t\"a,b\" , ,"))],
            &[(IF_MATCH, "W/\"1.1\""), (IF_MATCH, &tag)],
            &[(IF_MATCH, &vec![tag.as_str(); 64].join(","))],
        ];
        let change = json!({ "id": id, "group": number });
        let request = rest.http.put(rest.url("/api/user/")).json(&change);
        let changed = send(with(request, lists[number])).await;
        assert_eq!(changed.record(StatusCode::OK)["group"], number);
        let stale = format!("{tag}, \"x\"");
        rest.change_if(&stale, &change).await.problem(ProblemType::PreconditionFailed);
        tag = changed.etag();
    }
    let stale = "\"1.1\", \"1.9223372036854775808\", \"1.9223372036854775807\"";
    rest.delete_if(stale, id).await.problem(ProblemType::PreconditionFailed);
    rest.delete_if(&format!("{stale}, {tag}"), id).await.is_empty(StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tag_that_nobody_has_counted_to_is_answered_at_once_and_cuts_no_node_off() {
    let (rest, ring) = shared::ring().await;
    let id = "tags-uncounted";
    rest.created(id).await;
    let numbers = ["9223372036854775807", "9223372036854775808", "18446744073709551615"];
    let numbers = numbers.into_iter().chain(["18446744073709551616", "99999999999999999999999999"]);
    for tag in numbers.flat_map(|number| [format!("\"1.{number}\""), format!("\"{number}.1\"")]) {
        let change = json!({ "id": id, "group": 1 });
        rest.change_if(&tag, &change).await.problem(ProblemType::PreconditionFailed);
        rest.delete_if(&tag, id).await.problem(ProblemType::PreconditionFailed);
        rest.delete_if(&tag, "tags-nobody").await.problem(ProblemType::UserNotFound);
        let read = with(rest.http.get(rest.url("/api/user/tags-uncounted")), &[(IF_MATCH, &tag)]);
        send(read).await.problem(ProblemType::PreconditionFailed);
    }
    let status = ring.status().await.expect("the gateway tells");
    assert!(status.nodes.iter().all(|node| node.linked), "{status:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_the_record_is_told_that_it_has_not_changed() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-not-modified";
    let (record, tag) = rest.created(id).await;
    let path = rest.url(&format!("/api/user/{id}"));
    let lists = ["*", &tag, &format!("W/{tag}"), &format!("\"x\", W/{tag}, \"y\"")];
    for (method, list) in [Method::GET, Method::HEAD]
        .into_iter()
        .flat_map(|method| lists.into_iter().map(move |list| (method.clone(), list)))
    {
        let request = rest.http.request(method.clone(), &path).header(IF_NONE_MATCH, list);
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "{method} {list}: {answer:?}");
        assert_eq!((answer.body.as_str(), answer.etag()), ("", tag.clone()), "{method} {list}");
        for header in [CONTENT_LENGTH, CONTENT_TYPE] {
            assert_eq!(answer.header(&header), None, "{header} of {method} {list}");
        }
    }
    for list in ["\"x\"", "\"1.999998\", W/\"1.999999\"", "\"\""] {
        let answer = send(rest.http.get(&path).header(IF_NONE_MATCH, list)).await;
        assert_eq!((answer.record(StatusCode::OK), answer.etag()), (record.clone(), tag.clone()));
    }
    let encoded = rest.url("/api/user/tags%2Dnot-modified/");
    let answer = send(rest.http.get(encoded).header(IF_NONE_MATCH, &tag)).await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED, "the same on every way to the record");
    let changed = rest.change(&json!({ "id": id, "group": 1 })).await;
    let answer = send(rest.http.get(&path).header(IF_NONE_MATCH, &tag)).await;
    assert_eq!(answer.record(StatusCode::OK), changed.json());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_another_record_than_the_one_that_is_named_is_refused() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-read-match";
    let (record, tag) = rest.created(id).await;
    let path = rest.url(&format!("/api/user/{id}"));
    for list in [&tag, "*", &format!("\"x\", {tag}")] {
        let answer = send(rest.http.get(&path).header(IF_MATCH, list)).await;
        assert_eq!(answer.record(StatusCode::OK), record, "{list}");
        let answer = send(rest.http.head(&path).header(IF_MATCH, list)).await;
        assert_eq!(answer.status, StatusCode::OK, "{list}");
    }
    for list in ["\"x\"", &format!("W/{tag}"), "\"1.999999\""] {
        let answer = send(rest.http.get(&path).header(IF_MATCH, list)).await;
        answer.problem(ProblemType::PreconditionFailed);
        let answer = send(rest.http.head(&path).header(IF_MATCH, list)).await;
        assert_eq!(answer.status, StatusCode::PRECONDITION_FAILED, "{list}");
        // If-Match is evaluated first (RFC 9110, section 13.2.2).
        let both = [(IF_NONE_MATCH, tag.as_str()), (IF_MATCH, list)];
        let answer = send(with(rest.http.get(&path), &both)).await;
        answer.problem(ProblemType::PreconditionFailed);
    }
    let both = [(IF_NONE_MATCH, tag.as_str()), (IF_MATCH, "*")];
    let answer = send(with(rest.http.get(&path), &both)).await;
    assert_eq!(answer.status, StatusCode::NOT_MODIFIED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_does_not_exist_is_not_found_whatever_the_precondition() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-nobody";
    let path = rest.url(&format!("/api/user/{id}"));
    for name in [IF_MATCH, IF_NONE_MATCH] {
        for list in ["*", "\"1.1\"", "W/\"1.1\"", "\"x\""] {
            let requests = [
                rest.http.put(rest.url("/api/user/")).json(&json!({ "id": id, "group": 2 })),
                rest.http.get(&path),
                rest.http.delete(&path),
            ];
            for request in requests {
                let answer = send(request.header(&name, list)).await;
                answer.problem(ProblemType::UserNotFound);
            }
            let answer = send(rest.http.head(&path).header(&name, list)).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_of_a_record_that_if_none_match_names_is_refused() {
    let (rest, _ring) = shared::ring().await;
    let id = "tags-none-match";
    let (_, tag) = rest.created(id).await;
    let path = rest.url(&format!("/api/user/{id}"));
    let change = json!({ "id": id, "group": 2 });
    let put = || rest.http.put(rest.url("/api/user/")).json(&change);
    for list in ["*", &tag, &format!("W/{tag}"), &format!("\"x\", {tag}")] {
        for request in [put(), rest.http.delete(&path)] {
            let answer = send(request.header(IF_NONE_MATCH, list)).await;
            answer.problem(ProblemType::PreconditionFailed);
        }
    }
    assert_eq!(rest.read(id).await.record(StatusCode::OK), user(id));
    let changed = send(put().header(IF_NONE_MATCH, "\"x\", \"1.999999\"")).await;
    assert_eq!(changed.record(StatusCode::OK)["group"], 2);
    let deleted = send(rest.http.delete(&path).header(IF_NONE_MATCH, &tag)).await;
    deleted.is_empty(StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_is_created_only_where_its_absence_meets_the_precondition() {
    let (rest, _ring) = shared::ring().await;
    let (_, tag) = rest.created("tags-create-present").await;
    let post = |id: &str| rest.http.post(rest.url("/api/user/")).json(&user(id));
    for (number, list) in ["*", "\"x\"", &tag].into_iter().enumerate() {
        let absent = || post(&format!("tags-create-{number}"));
        let refused = send(absent().header(IF_MATCH, list)).await;
        refused.problem(ProblemType::PreconditionFailed);
        send(absent().header(IF_NONE_MATCH, list)).await.record(StatusCode::CREATED);
        for name in [IF_MATCH, IF_NONE_MATCH] {
            let answer = send(post("tags-create-present").header(name, list)).await;
            answer.problem(ProblemType::UserExists);
        }
    }
    let no_id = json!({ "name": "Ada", "email": "ada@example.org", "group": 1 });
    let request = rest.http.post(rest.url("/api/user/")).json(&no_id);
    send(request.header(IF_NONE_MATCH, "*")).await.record(StatusCode::CREATED);
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
