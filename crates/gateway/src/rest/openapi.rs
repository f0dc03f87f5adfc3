//! The REST interface as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document, from the rules that the code goes by.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::Method;
use protocol::id::NODE_ID_LENGTH_MAX;
use protocol::problem::ProblemType;
use protocol::user::{EMAIL_LENGTH_MAX, NAME_LENGTH_MAX, USER_ID_LENGTH_MAX};
use serde_json::{Map, Value, json};

use super::{ACCEPT_LOSS, CLUSTER, USERS};
use crate::access;

/// `GET /api/openapi.json`
pub(super) async fn document() -> Json<Value> {
    Json(made())
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
        ("/api/openapi.json", Method::GET, plain("This document", "application/json", &[])),
        (
            "/metrics",
            Method::GET,
            plain("Metrics for Prometheus", "application/openmetrics-text", &[]),
        ),
        ("/healthz", Method::GET, plain("Whether the process is alive", "text/plain", &[])),
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
            for (status, denied) in
                problems(&[ProblemType::Unauthenticated, ProblemType::Forbidden])
            {
                operation["responses"][status] = denied;
            }
            json!([{}, { "token": [role.to_string()] }])
        }
        None => json!([]),
    };
    operation
}

fn create() -> Value {
    let mut responses = problems(&[&UPDATE[..], &BODY, &[ProblemType::UserExists]].concat());
    let headers =
        json!({ "ETag": header("The record's tag"), "Location": header("Where the record is") });
    let created = response("The record", Some(("application/json", schema("User"))), Some(headers));
    responses.insert("201".to_owned(), created);
    json!({
        "operationId": "create",
        "summary": "Create a user; without an id it gets a UUID",
        "requestBody": body("NewUser"),
        "responses": responses,
    })
}

fn change() -> Value {
    let missed = [ProblemType::UserNotFound, ProblemType::PreconditionFailed];
    let mut responses = problems(&[&UPDATE[..], &BODY, &missed].concat());
    responses.insert("200".to_owned(), record("The record after it"));
    json!({
        "operationId": "change",
        "summary": "Change the fields that are given; the others stay",
        "parameters": [if_match()],
        "requestBody": body("UserPatch"),
        "responses": responses,
    })
}

fn read() -> Value {
    let mut responses = problems(&[&SERVED[..], &PATH, &[ProblemType::UserNotFound]].concat());
    responses.insert("200".to_owned(), record("The record"));
    json!({ "operationId": "read", "summary": "Read a user", "responses": responses })
}

fn delete() -> Value {
    let missed = [ProblemType::UserNotFound, ProblemType::PreconditionFailed];
    let mut responses = problems(&[&UPDATE[..], &PATH, &missed].concat());
    responses.insert("204".to_owned(), response("It is gone", None, None));
    json!({
        "operationId": "delete",
        "summary": "Delete a user",
        "parameters": [if_match()],
        "responses": responses,
    })
}

fn cluster() -> Value {
    plain("The ring, its views, and why something is not available", "application/json", &[])
}

fn ready() -> Value {
    plain("Whether it is worth sending requests", "text/plain", &[ProblemType::Unavailable])
}

fn accept_loss() -> Value {
    let mut responses = problems(&[&BODY[..], &[ProblemType::NothingToAccept]].concat());
    let status = ("application/json", json!({ "type": "object" }));
    responses.insert("202".to_owned(), response("The view is being changed", Some(status), None));
    json!({
        "operationId": "acceptLoss",
        "summary": "Go on without updates that are lost for good",
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

/// Something to look at.
fn plain(summary: &str, content_type: &str, kinds: &[ProblemType]) -> Value {
    let mut responses = problems(kinds);
    let kind = if content_type == "application/json" { "object" } else { "string" };
    let content = (content_type, json!({ "type": kind }));
    responses.insert("200".to_owned(), response(summary, Some(content), None));
    json!({ "summary": summary, "responses": responses })
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

fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

fn body(name: &str) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema(name) } } })
}

fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn id() -> Value {
    json!({ "name": "id", "in": "path", "required": true, "schema": schema("UserId") })
}

fn if_match() -> Value {
    json!({
        "name": "If-Match",
        "in": "header",
        "description": "Do it only if the record has this tag",
        "schema": { "type": "string", "pattern": r#"^"[0-9]+[.][0-9]+"$"# },
    })
}

fn schemas() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": NAME_LENGTH_MAX });
    let email = json!({ "type": "string", "format": "email", "maxLength": EMAIL_LENGTH_MAX });
    let group = json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX });
    let fields = json!({ "id": schema("UserId"), "name": name, "email": email, "group": group });
    let record = |required: &[&str]| {
        json!({
            "type": "object",
            "properties": fields.clone(),
            "required": required,
            "additionalProperties": false,
        })
    };
    json!({
        "UserId": {
            "type": "string",
            "pattern": format!("^[A-Za-z0-9._~-]{{1,{USER_ID_LENGTH_MAX}}}$"),
        },
        "User": record(&["id", "name", "email", "group"]),
        "NewUser": record(&["name", "email", "group"]),
        "UserPatch": record(&["id"]),
        "AcceptedLoss": {
            "type": "object",
            "properties": {
                "partition": { "type": "integer", "minimum": 0, "maximum": u16::MAX },
                "from": {
                    "type": "string",
                    "pattern": format!("^[A-Za-z0-9._-]{{1,{NODE_ID_LENGTH_MAX}}}$"),
                    "description": "The id of the node whose copy it goes on with",
                },
            },
            "required": ["partition", "from"],
            "additionalProperties": false,
        },
        "Problem": {
            "type": "object",
            "description": "RFC 9457",
            "properties": {
                "type": { "enum": ProblemType::ALL.iter().map(|kind| kind.uri()).collect::<Vec<_>>() },
                "title": { "type": "string" },
                "status": { "type": "integer" },
                "detail": { "type": "string" },
                "errors": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": { "field": { "type": "string" }, "detail": { "type": "string" } },
                        "required": ["field", "detail"],
                    },
                },
                "id": schema("UserId"),
            },
            "required": ["type", "title", "status", "detail"],
        },
    })
}

#[cfg(test)]
mod tests {
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
            ["200", "401", "403"]
        );
    }
}
