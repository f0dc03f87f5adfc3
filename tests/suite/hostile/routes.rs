//! Routes: what there is to ask for, as the gateway's own description says; a new route is attacked by itself.

use serde_json::{Map, Value, json};

use super::random::Draw;

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    Rest,
    Links,
}

/// Something to ask for.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) port: Port,
    pub(super) method: String,
    /// With parameters in braces, as in `/api/user/{id}`.
    pub(super) path: String,
    /// The schema of its body, without references.
    body: Option<Value>,
}

impl Route {
    /// For the table, and for messages.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// Its path, with this value for each parameter, which is not escaped.
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

    /// A body as the description wants it; an object of a user's fields where it wants none.
    pub(super) fn example(&self, draw: &mut Draw, id: &str) -> Map<String, Value> {
        let user = json!({ "properties": { "id": {}, "name": { "type": "string" } } });
        match example(self.body.as_ref().unwrap_or(&user), "", draw, id) {
            Value::Object(members) => members,
            other => Map::from_iter([("value".to_owned(), other)]),
        }
    }

    /// Whether its description has a body.
    pub(super) fn has_body(&self) -> bool {
        self.body.is_some()
    }
}

/// All that the description has, a path that it does not have, and the port of links.
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

/// A schema with what it refers to in place of the references.
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

/// A value that a schema allows, as far as it says.
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
