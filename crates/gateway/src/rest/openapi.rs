//! The REST interface as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document, from the rules that the code goes by.

mod schemas;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::Method;
use axum::response::Response;
use bytes::Bytes;
use protocol::problem::ProblemType;
use serde_json::{Map, Value, json};

use self::schemas::{header, id, if_match, if_none_match, schema, schemas};
use super::problem::Problem;
use super::{ACCEPT_LOSS, App, CLUSTER, USERS};
use crate::access;

/// The document's bytes. All responses share them.
static DOCUMENT: LazyLock<Bytes> = LazyLock::new(|| made().to_string().into());

/// `GET /api/openapi.json`
pub(super) async fn document(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.sliced("application/json", DOCUMENT.clone())
}

fn made() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chainring",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "User records that stay available when a machine dies. 503: certainly not done, safe to repeat. \
                            504: it may have been done, look before you repeat it.",
        },
        "paths": paths(),
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
        },
    })
}

fn paths() -> Value {
    let user = format!("{USERS}{{id}}");
    let operations = [
        (USERS, Method::POST, create()),
        (USERS, Method::PUT, change()),
        (&user, Method::GET, read()),
        (&user, Method::DELETE, delete()),
        (CLUSTER, Method::GET, cluster()),
        (ACCEPT_LOSS, Method::POST, accept_loss()),
        ("/api/openapi.json", Method::GET, document_itself()),
        ("/metrics", Method::GET, metrics()),
        ("/healthz", Method::GET, health()),
        ("/readyz", Method::GET, ready()),
    ];
    let mut paths = json!({});
    for (path, method, operation) in operations {
        paths[path][method.as_str().to_lowercase()] = guarded(&method, path, operation);
    }
    paths[user]["parameters"] = json!([id()]);
    paths
}

/// The same operation, with what it takes to be let in where there are tokens, and how who has not is told.
fn guarded(method: &Method, path: &str, mut operation: Value) -> Value {
    operation["security"] = match access::needed(method, path) {
        Some(role) => {
            let denials = [
                ProblemType::Unauthenticated,
                ProblemType::Forbidden,
                ProblemType::MisdirectedRequest,
            ];
            for (status, denied) in problems(&denials) {
                operation["responses"][status] = denied;
            }
            json!([{}, { "token": [role.to_string()] }])
        }
        None => json!([]),
    };
    operation
}

fn create() -> Value {
    let mut responses = problems(
        &[&UPDATE[..], &BODY, &[ProblemType::UserExists, ProblemType::PreconditionFailed]].concat(),
    );
    let headers =
        json!({ "ETag": header("The record's tag"), "Location": header("Where the record is") });
    let created = response("The record", Some(("application/json", schema("User"))), Some(headers));
    responses.insert("201".to_owned(), created);
    json!({
        "operationId": "createUser",
        "summary": "Create a user; without an id it gets a UUID",
        "parameters": [if_match(), if_none_match()],
        "requestBody": body("NewUser"),
        "responses": responses,
    })
}

fn change() -> Value {
    let missed = [ProblemType::UserNotFound, ProblemType::PreconditionFailed];
    let mut responses = problems(&[&UPDATE[..], &BODY, &missed].concat());
    responses.insert("200".to_owned(), record("The record after it"));
    json!({
        "operationId": "changeUser",
        "summary": "Change the fields that are given; the others stay",
        "parameters": [if_match(), if_none_match()],
        "requestBody": body("UserPatch"),
        "responses": responses,
    })
}

fn read() -> Value {
    let missed = [ProblemType::UserNotFound, ProblemType::PreconditionFailed];
    let mut responses = problems(&[&SERVED[..], &PATH, &missed].concat());
    responses.insert("200".to_owned(), record("The record"));
    let headers = json!({ "ETag": header("The record's tag") });
    let unchanged = "The record has one of the tags in If-None-Match; there is no body";
    responses.insert("304".to_owned(), response(unchanged, None, Some(headers)));
    json!({
        "operationId": "readUser",
        "summary": "Read a user",
        "parameters": [if_match(), if_none_match()],
        "responses": responses,
    })
}

fn delete() -> Value {
    let missed = [ProblemType::UserNotFound, ProblemType::PreconditionFailed];
    let mut responses = problems(&[&UPDATE[..], &PATH, &missed].concat());
    responses.insert("204".to_owned(), response("It is gone", None, None));
    json!({
        "operationId": "deleteUser",
        "summary": "Delete a user",
        "parameters": [if_match(), if_none_match()],
        "responses": responses,
    })
}

fn cluster() -> Value {
    let summary = "The ring, its views, and why something is not available";
    plain("readCluster", summary, &["application/json"], &[ProblemType::Overloaded])
}

fn document_itself() -> Value {
    plain("readApiDocument", "This document", &["application/json"], &[ProblemType::Overloaded])
}

fn metrics() -> Value {
    let summary = "Metrics for Prometheus, in the format that Accept asks for";
    let formats = ["text/plain", "application/openmetrics-text"];
    plain("readMetrics", summary, &formats, &[ProblemType::Overloaded])
}

fn health() -> Value {
    plain("readHealth", "Whether the process is alive", &["text/plain"], &[])
}

fn ready() -> Value {
    let summary = "Whether it is worth sending requests";
    plain("readReadiness", summary, &["text/plain"], &[ProblemType::Unavailable])
}

fn accept_loss() -> Value {
    let mut responses = problems(&[&BODY[..], &[ProblemType::NothingToAccept]].concat());
    let status = ("application/json", json!({ "type": "object" }));
    responses.insert("202".to_owned(), response("The view is being changed", Some(status), None));
    json!({
        "operationId": "acceptLoss",
        "summary": "Go on without what is lost for good: updates, or records that cannot be read",
        "description": "The cluster's status names the users that are dropped (`salvage` of the partition).",
        "requestBody": body("AcceptedLoss"),
        "responses": responses,
    })
}

/// What a request that a node has to serve can meet.
const SERVED: [ProblemType; 2] = [ProblemType::Unavailable, ProblemType::Overloaded];

/// What an update can meet.
const UPDATE: [ProblemType; 3] =
    [ProblemType::Unavailable, ProblemType::Overloaded, ProblemType::OutcomeUnknown];

/// What a request with a body can meet.
const BODY: [ProblemType; 5] = [
    ProblemType::Malformed,
    ProblemType::TooSlow,
    ProblemType::TooLarge,
    ProblemType::UnsupportedMediaType,
    ProblemType::InvalidField,
];

/// What a request with an id in its path can meet.
const PATH: [ProblemType; 2] = [ProblemType::Malformed, ProblemType::InvalidField];

/// Something to look at, in one of these media types.
fn plain(id: &str, summary: &str, content_types: &[&str], kinds: &[ProblemType]) -> Value {
    let mut responses = problems(kinds);
    let mut found = response(summary, None, None);
    for content_type in content_types {
        let kind = if *content_type == "application/json" { "object" } else { "string" };
        found["content"][content_type] = json!({ "schema": { "type": kind } });
    }
    responses.insert("200".to_owned(), found);
    json!({ "operationId": id, "summary": summary, "responses": responses })
}

/// The responses that tell of problems, by status.
fn problems(kinds: &[ProblemType]) -> Map<String, Value> {
    let mut titles = BTreeMap::<u16, Vec<&str>>::new();
    for kind in kinds {
        titles.entry(kind.status()).or_default().push(kind.title());
    }
    let told = |(status, titles): (u16, Vec<&str>)| {
        let content = ("application/problem+json", schema("Problem"));
        (status.to_string(), response(&titles.join("; or: "), Some(content), None))
    };
    titles.into_iter().map(told).collect()
}

fn record(description: &str) -> Value {
    let headers = json!({ "ETag": header("The record's tag") });
    response(description, Some(("application/json", schema("User"))), Some(headers))
}

fn response(description: &str, content: Option<(&str, Value)>, headers: Option<Value>) -> Value {
    let mut response = json!({ "description": description });
    if let Some((content_type, schema)) = content {
        response["content"] = json!({ content_type: { "schema": schema } });
    }
    if let Some(headers) = headers {
        response["headers"] = headers;
    }
    response
}

fn body(name: &str) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema(name) } } })
}
#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = made();
        let text = document.to_string();
        let named = text
            .match_indices("#/components/schemas/")
            .map(|(at, prefix)| text[at + prefix.len()..].split('"').next().expect("a name"));
        let there = document["components"]["schemas"].as_object().expect("an object");
        let mut count = 0;
        for name in named {
            assert!(there.contains_key(name), "{name}");
            count += 1;
        }
        assert!(count > 20, "{count}");
    }

    #[test]
    fn each_operation_names_the_role_that_it_takes() {
        let document = made();
        let security = |path: &str, method: &str| &document["paths"][path][method]["security"];
        assert_eq!(security("/healthz", "get"), &json!([]));
        assert_eq!(security(USERS, "put"), &json!([{}, { "token": ["write"] }]));
        assert_eq!(security(ACCEPT_LOSS, "post"), &json!([{}, { "token": ["admin"] }]));
        let responses = &document["paths"][CLUSTER]["get"]["responses"];
        assert_eq!(
            responses.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["200", "401", "403", "421", "503"]
        );
    }

    #[test]
    fn every_route_is_described() {
        let document = made();
        let described = document["paths"].as_object().unwrap().keys().map(String::as_str);
        let routes = crate::rest::routes().map(|(path, _)| path);
        assert_eq!(described.collect::<BTreeSet<_>>(), BTreeSet::from(routes));
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_that_can_be_a_function() {
        // Of Python, JavaScript, Java, Go, Rust, C#, Ruby and PHP; in lower case.
        const KEYWORDS: [&str; 20] = [
            "delete", "read", "create", "change", "get", "set", "new", "import", "export", "class",
            "default", "return", "type", "use", "move", "match", "in", "is", "as", "list",
        ];
        let document = made();
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                if method == "parameters" {
                    continue;
                }
                let id = operation["operationId"].as_str();
                let id = id.unwrap_or_else(|| panic!("{method} {path} has no id"));
                assert!(id.chars().all(|character| character.is_ascii_alphabetic()), "{id}");
                assert!(id.starts_with(|first: char| first.is_ascii_lowercase()), "{id}");
                assert!(!KEYWORDS.contains(&id.to_lowercase().as_str()), "{id}");
                assert!(ids.insert(id.to_owned()), "{id} is there twice");
            }
        }
        assert!(ids.len() >= 10, "{ids:?}");
    }

    #[test]
    fn each_call_on_users_tells_of_preconditions() {
        let document = made();
        let user = format!("{USERS}{{id}}");
        for (path, method) in
            [(USERS, "post"), (USERS, "put"), (user.as_str(), "get"), (user.as_str(), "delete")]
        {
            let operation = &document["paths"][path][method];
            let names = operation["parameters"].as_array().unwrap().iter().map(|of| &of["name"]);
            assert_eq!(names.collect::<Vec<_>>(), ["If-Match", "If-None-Match"], "{method} {path}");
            assert!(operation["responses"]["412"].is_object(), "{method} {path}");
            assert_eq!(operation["responses"]["304"].is_object(), method == "get", "{path}");
        }
    }
}
