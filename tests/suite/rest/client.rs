//! An HTTP client, and answers with assertions.

use std::time::Duration;

use protocol::problem::{ProblemType, TYPE_PREFIX};
use protocol::user::UserId;
use reqwest::header::{
    CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, IF_MATCH, LOCATION, RETRY_AFTER,
};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};

/// Longer than any request may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A client of one gateway.
#[derive(Clone)]
pub(super) struct Rest {
    pub(super) http: Client,
    url: String,
}

/// A complete answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Rest {
    pub(super) fn new(url: &str) -> Self {
        let http = Client::builder().timeout(TIMEOUT).no_proxy().build().expect("a client");
        Self { http, url: url.to_owned() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    pub(super) async fn create(&self, body: &Value) -> Answer {
        send(self.http.post(self.url("/api/user/")).json(body)).await
    }

    /// Creates a new user; returns the record and its tag.
    pub(super) async fn created(&self, id: &str) -> (Value, String) {
        let answer = self.create(&user(id)).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
        (answer.json(), answer.etag())
    }

    pub(super) async fn change(&self, body: &Value) -> Answer {
        send(self.http.put(self.url("/api/user/")).json(body)).await
    }

    pub(super) async fn change_if(&self, tag: &str, body: &Value) -> Answer {
        send(self.http.put(self.url("/api/user/")).header(IF_MATCH, tag).json(body)).await
    }

    pub(super) async fn read(&self, id: &str) -> Answer {
        self.get(&format!("/api/user/{id}")).await
    }

    pub(super) async fn delete(&self, id: &str) -> Answer {
        send(self.http.delete(self.url(&format!("/api/user/{id}")))).await
    }

    pub(super) async fn delete_if(&self, tag: &str, id: &str) -> Answer {
        let request = self.http.delete(self.url(&format!("/api/user/{id}")));
        send(request.header(IF_MATCH, tag)).await
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        send(self.http.get(self.url(path))).await
    }
}

/// Sends a request and reads the answer.
pub(super) async fn send(request: RequestBuilder) -> Answer {
    let response = request.send().await.expect("the gateway answers");
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.text().await.expect("the answer is complete");
    Answer { status, headers, body }
}

/// The body that creates a user.
pub(super) fn user(id: &str) -> Value {
    json!({ "id": id, "name": "Ada Lovelace", "email": "ada@example.org", "group": 7 })
}

impl Answer {
    pub(super) fn header(&self, name: impl reqwest::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body of a successful answer.
    pub(super) fn json(&self) -> Value {
        assert!(self.status.is_success(), "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("application/json"), "{self:?}");
        serde_json::from_str(&self.body).expect("what says that it is JSON is JSON")
    }

    /// The record in a successful answer with this status.
    #[track_caller]
    pub(super) fn record(&self, status: StatusCode) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        self.json()
    }

    /// The tag of the record: strong, in quotes.
    pub(super) fn etag(&self) -> String {
        let tag = self.header(ETAG).expect("a record comes with its tag").to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 2, "{tag}");
        tag
    }

    pub(super) fn location(&self) -> &str {
        self.header(LOCATION).expect("a new record has a location")
    }

    /// Asserts that the answer is this problem, in every member of RFC 9457; returns its body.
    #[track_caller]
    pub(super) fn problem(&self, kind: ProblemType) -> Value {
        assert_eq!(self.status.as_u16(), kind.status(), "{self:?}");
        assert_eq!(self.header(CONTENT_TYPE), Some("application/problem+json"), "{self:?}");
        let body: Value = serde_json::from_str(&self.body).expect("a problem is JSON");
        assert_eq!(body["type"], format!("{TYPE_PREFIX}{}", kind.code()), "{self:?}");
        assert_eq!(body["title"], kind.title(), "{self:?}");
        assert_eq!(body["status"], kind.status(), "{self:?}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{self:?}");
        let is_to_be_repeated = kind.status() == 503;
        assert_eq!(self.header(RETRY_AFTER).is_some(), is_to_be_repeated, "{self:?}");
        body
    }

    /// The faulty fields of an invalid-field problem, in its order. Each must come with words
    /// on its fault.
    #[track_caller]
    pub(super) fn faulty_fields(&self) -> Vec<String> {
        let body = self.problem(ProblemType::InvalidField);
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        let field = |error: &Value| {
            let words = error["detail"].as_str().expect("each fault has words");
            let field = error["field"].as_str().expect("each fault has a field");
            let told = body["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(words) && detail.contains(field));
            assert!(told, "the detail does not tell of {field:?}: {body}");
            field.to_owned()
        };
        errors.iter().map(field).collect()
    }

    /// Asserts that the answer has this status and no body, as for a deleted user.
    #[track_caller]
    pub(super) fn is_empty(&self, status: StatusCode) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.body, "");
        assert!(self.header(CONTENT_LENGTH).is_none_or(|length| length == "0"), "{self:?}");
    }
}

/// The UUID in an id made by the gateway.
pub(super) fn made_up(id: &str) -> uuid::Uuid {
    id.parse::<UserId>().expect("a made-up id is an id like others");
    let uuid: uuid::Uuid = id.parse().expect("a made-up id is a UUID");
    assert_eq!(uuid.get_version_num(), 7, "{id}");
    assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122, "{id}");
    assert_eq!(uuid.to_string(), id, "the usual form, in lower case");
    uuid
}
