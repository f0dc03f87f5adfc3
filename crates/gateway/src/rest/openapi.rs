//! The REST interface as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document, made
//! from the same rules as the code uses.

mod schemas;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use protocol::problem::ProblemType;
use serde_json::{Map, Value, json};

use self::schemas::{header, id, if_match, if_none_match, schema, schemas};
use super::app::App;
use super::problem::Problem;
use super::route::{Route, USER};

/// `GET /api/openapi.json`
pub(super) async fn document(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    app.waiting.sliced("application/json", app.document.clone())
}

/// The document of these routes.
pub(super) fn made(routes: &[Route]) -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Chainring",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "User records that stay available when a machine dies. 503: certainly not done, safe to repeat. \
                            504: it may have been done, look before you repeat it.",
        },
        "paths": paths(routes),
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas(),
        },
    })
}

fn paths(routes: &[Route]) -> Value {
    let mut paths = json!({});
    for route in routes {
        let method = route.method.as_str().to_lowercase();
        paths[route.path][method] = operation(route);
    }
    paths[USER]["parameters"] = json!([id()]);
    paths
}

/// The operation of a route: its description from this module, its problems and its role.
fn operation(route: &Route) -> Value {
    const DENIED: [ProblemType; 3] =
        [ProblemType::Unauthenticated, ProblemType::Forbidden, ProblemType::MisdirectedRequest];
    let mut operation = (route.operation)();
    let denied = if route.role.is_some() { &DENIED[..] } else { &[] };
    let kinds = [&route.problems.concat()[..], denied].concat();
    for (status, problem) in problems(&kinds) {
        operation["responses"][status] = problem;
    }
    operation["security"] = match route.role {
        Some(role) => json!([{}, { "token": [role.to_string()] }]),
        None => json!([]),
    };
    operation
}

pub(super) fn create() -> Value {
    let headers =
        json!({ "ETag": header("The record's tag"), "Location": header("Where the record is") });
    let created = response("The record", Some(("application/json", schema("User"))), Some(headers));
    json!({
        "operationId": "createUser",
        "summary": "Create a user; without an id it gets a UUID",
        "parameters": [if_match(), if_none_match()],
        "requestBody": body("NewUser"),
        "responses": { "201": created },
    })
}

pub(super) fn change() -> Value {
    json!({
        "operationId": "changeUser",
        "summary": "Change the fields that are given; the others stay",
        "parameters": [if_match(), if_none_match()],
        "requestBody": body("UserPatch"),
        "responses": { "200": record("The record after it") },
    })
}

pub(super) fn read() -> Value {
    let headers = json!({ "ETag": header("The record's tag") });
    let unchanged = "The record has one of the tags in If-None-Match; there is no body";
    json!({
        "operationId": "readUser",
        "summary": "Read a user",
        "parameters": [if_match(), if_none_match()],
        "responses": {
            "200": record("The record"),
            "304": response(unchanged, None, Some(headers)),
        },
    })
}

pub(super) fn delete() -> Value {
    json!({
        "operationId": "deleteUser",
        "summary": "Delete a user",
        "parameters": [if_match(), if_none_match()],
        "responses": { "204": response("It is gone", None, None) },
    })
}

pub(super) fn cluster() -> Value {
    let summary = "The ring, its views, and why something is not available";
    let status = ("application/json", schema("ClusterStatus"));
    json!({
        "operationId": "readCluster",
        "summary": summary,
        "responses": { "200": response(summary, Some(status), None) },
    })
}

pub(super) fn document_itself() -> Value {
    plain("readApiDocument", "This document", &["application/json"])
}

pub(super) fn metrics() -> Value {
    let summary = "Metrics for Prometheus, in the format that Accept asks for";
    let formats = ["text/plain", "application/openmetrics-text"];
    plain("readMetrics", summary, &formats)
}

pub(super) fn health() -> Value {
    plain("readHealth", "Whether the process is alive", &["text/plain"])
}

pub(super) fn ready() -> Value {
    let summary = "Whether it is worth sending requests";
    plain("readReadiness", summary, &["text/plain"])
}

pub(super) fn accept_loss() -> Value {
    let status = ("application/json", schema("ClusterStatus"));
    json!({
        "operationId": "acceptLoss",
        "summary": "Go on without what is lost for good: updates, or records that cannot be read",
        "description": "The cluster's status names the users that are dropped (`salvage` of the partition).",
        "requestBody": body("AcceptedLoss"),
        "responses": { "202": response("The view is being changed", Some(status), None) },
    })
}

/// The operation of a plain read, with its answer in one of these media types.
fn plain(id: &str, summary: &str, content_types: &[&str]) -> Value {
    let mut found = response(summary, None, None);
    for content_type in content_types {
        let kind = if *content_type == "application/json" { "object" } else { "string" };
        found["content"][content_type] = json!({ "schema": { "type": kind } });
    }
    json!({ "operationId": id, "summary": summary, "responses": { "200": found } })
}

/// The responses for problems, by status.
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

    use api::path;

    use super::*;
    use crate::rest::routes::ROUTES;

    #[test]
    fn every_schema_that_is_named_is_there() {
        let document = made(&ROUTES);
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
        let document = made(&ROUTES);
        let security = |path: &str, method: &str| &document["paths"][path][method]["security"];
        assert_eq!(security("/healthz", "get"), &json!([]));
        assert_eq!(security(path::USERS, "put"), &json!([{}, { "token": ["write"] }]));
        assert_eq!(security(path::ACCEPT_LOSS, "post"), &json!([{}, { "token": ["admin"] }]));
        let responses = &document["paths"][path::CLUSTER]["get"]["responses"];
        assert_eq!(
            responses.as_object().unwrap().keys().collect::<Vec<_>>(),
            ["200", "401", "403", "421", "503"]
        );
    }

    #[test]
    fn every_route_is_described_with_its_role_and_its_problems() {
        let document = made(&ROUTES);
        let mut described = 0;
        for route in &ROUTES {
            let method = route.method.as_str().to_lowercase();
            let operation = &document["paths"][route.path][method.as_str()];
            let way = format!("{method} {}", route.path);
            assert!(operation["operationId"].is_string(), "{way}");
            let role = operation["security"][1]["token"][0].as_str().map(str::to_owned);
            assert_eq!(role, route.role.map(|role| role.to_string()), "{way}");
            for problem in route.problems.concat() {
                let status = problem.status().to_string();
                assert!(operation["responses"][status.as_str()].is_object(), "{way} {status}");
            }
            described += 1;
        }
        let items = document["paths"].as_object().unwrap().values();
        let operations = items.flat_map(|item| item.as_object().unwrap().keys());
        let methods = operations.filter(|name| *name != "parameters").count();
        assert_eq!(methods, described, "nothing else is described");
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_that_can_be_a_function() {
        // Keywords of Python, JavaScript, Java, Go, Rust, C#, Ruby and PHP, in lower case.
        const KEYWORDS: [&str; 20] = [
            "delete", "read", "create", "change", "get", "set", "new", "import", "export", "class",
            "default", "return", "type", "use", "move", "match", "in", "is", "as", "list",
        ];
        let document = made(&ROUTES);
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
        let document = made(&ROUTES);
        for (path, method) in
            [(path::USERS, "post"), (path::USERS, "put"), (USER, "get"), (USER, "delete")]
        {
            let operation = &document["paths"][path][method];
            let names = operation["parameters"].as_array().unwrap().iter().map(|of| &of["name"]);
            assert_eq!(names.collect::<Vec<_>>(), ["If-Match", "If-None-Match"], "{method} {path}");
            assert!(operation["responses"]["412"].is_object(), "{method} {path}");
            assert_eq!(operation["responses"]["304"].is_object(), method == "get", "{path}");
        }
    }
}
