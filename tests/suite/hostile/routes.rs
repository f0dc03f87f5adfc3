//! The routes of the gateway's own description. So a new route is attacked without a change
//! here.

use serde_json::{Map, Value, json};

use super::random::Draw;

/// The destination port of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    Rest,
    Links,
}

/// A route: a method and a path.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) port: Port,
    pub(super) method: String,
    /// Parameters are in braces, as in `/api/user/{id}`.
    pub(super) path: String,
    /// The schema of the body, with references resolved.
    body: Option<Value>,
}

impl Route {
    /// The name for the table and for messages.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The path with this value, unescaped, for each parameter.
    pub(super) fn path_with(&self, value: &[u8]) -> Vec<u8> {
        let mut path = Vec::new();
        let mut rest = self.path.as_str();
        while let Some((before, parameter)) = rest.split_once('{') {
            path.extend_from_slice(before.as_bytes());
            path.extend_from_slice(value);
            rest = parameter.split_once('}').map_or("", |(_, after)| after);
        }
        path.extend_from_slice(rest.as_bytes());
        path
    }

    /// A body that matches the description; an object of a user's fields if the route has no
    /// body.
    pub(super) fn example(&self, draw: &mut Draw, id: &str) -> Map<String, Value> {
        let user = json!({ "properties": { "id": {}, "name": { "type": "string" } } });
        match example(self.body.as_ref().unwrap_or(&user), "", draw, id) {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        }
    }

    /// Whether the description has a body.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }
}

/// All described routes, a path without a description, and the port of links.
pub(super) fn routes(document: &Value) -> Vec<Route> {
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if !operation["responses"].is_object() {
                continue;
            }
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            let body = (!schema.is_null()).then(|| resolved(document, schema));
            let method = method.to_uppercase();
            routes.push(Route { port: Port::Rest, method, path: path.clone(), body });
        }
    }
    let get = |port, path: &str| Route {
        port,
        method: "GET".to_owned(),
        path: path.to_owned(),
        body: None,
    };
    routes.push(get(Port::Rest, "/api/nothing/{id}"));
    routes.push(get(Port::Links, "/socket.io/?EIO=4&transport=websocket"));
    routes
}

/// A schema, with each reference replaced by its target.
fn resolved(document: &Value, schema: &Value) -> Value {
    match schema {
        Value::Object(members) => match members.get("$ref").and_then(Value::as_str) {
            Some(reference) => {
                let pointer = reference.trim_start_matches('#');
                resolved(document, document.pointer(pointer).expect("it is there"))
            }
            None => {
                let member = |(name, value)| (String::clone(name), resolved(document, value));
                members.iter().map(member).collect()
            }
        },
        Value::Array(values) => values.iter().map(|value| resolved(document, value)).collect(),
        other => other.clone(),
    }
}

/// A value that follows the basics of a schema.
fn example(schema: &Value, name: &str, draw: &mut Draw, id: &str) -> Value {
    if let Some(properties) = schema["properties"].as_object() {
        let member =
            |(name, schema): (&String, &Value)| (name.clone(), example(schema, name, draw, id));
        return properties.iter().map(member).collect();
    }
    match (name, schema["type"].as_str()) {
        ("id", _) => json!(id),
        ("email", _) => json!(format!("{id}@example.org")),
        (_, Some("integer" | "number")) => {
            let least = schema["minimum"].as_u64().unwrap_or(0);
            json!(least.saturating_add(draw.below(9)))
        }
        (_, Some("boolean")) => json!(draw.chance(2)),
        (_, Some("array")) => json!([]),
        _ => json!(format!("name {}", draw.below(1_000_000))),
    }
}
