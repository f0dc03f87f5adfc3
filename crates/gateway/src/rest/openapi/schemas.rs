//! The document's schemas. Those of bodies are the schemas of their types. Those of ids and
//! preconditions are made from the same rules as the code uses.

use std::collections::BTreeMap;

use api::{AcceptLoss, ClusterStatus};
use protocol::precondition::TAGS_MAX;
use protocol::problem::ProblemBody;
use protocol::user::{NewUser, User, UserPatch};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::{RefOr, Schema};

pub(super) fn header(description: &str) -> Value {
    json!({ "description": description, "schema": { "type": "string" } })
}

pub(super) fn schema(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

pub(super) fn id() -> Value {
    json!({ "name": "id", "in": "path", "required": true, "schema": schema("UserId") })
}

pub(super) fn if_match() -> Value {
    precondition(
        "If-Match",
        "Do it only if the record has one of these tags; * is any tag. Otherwise 412. Weak tags match no record.",
    )
}

pub(super) fn if_none_match() -> Value {
    precondition(
        "If-None-Match",
        "Do it only if the record has none of these tags; * is any tag. Otherwise 304 for a read, 412 for the rest.",
    )
}

fn precondition(name: &str, description: &str) -> Value {
    json!({
        "name": name,
        "in": "header",
        "description": format!("{description} At most {TAGS_MAX} tags. A user that does not exist is 404 whatever this says."),
        "schema": { "type": "string", "pattern": tags_pattern() },
        "examples": {
            "tag": { "value": "\"3.1742\"" },
            "list": { "value": "\"3.1742\", W/\"3.1743\"" },
            "any": { "value": "*" },
        },
    })
}

/// The pattern of `*`, or of a list of tags with possibly empty elements. It uses only features
/// common to all dialects of regular expressions.
fn tags_pattern() -> String {
    let tag = r#"(W/)?"[^\t"]*""#;
    format!(r"^([\t ]*[*][\t ]*|[\t ,]*{tag}([\t ]*,[\t ,]*{tag})*[\t ,]*)$")
}

/// The schemas of all bodies, and of the types in them.
pub(super) fn schemas() -> Value {
    let mut schemas = Vec::new();
    add::<User>(&mut schemas);
    add::<NewUser>(&mut schemas);
    add::<UserPatch>(&mut schemas);
    add::<AcceptLoss>(&mut schemas);
    add::<ClusterStatus>(&mut schemas);
    add::<ProblemBody<'_>>(&mut schemas);
    json!(schemas.into_iter().collect::<BTreeMap<_, _>>())
}

/// Adds the schema of a type, and of the types in it.
fn add<T: ToSchema>(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((T::name().into(), T::schema()));
    T::schemas(schemas);
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use api::{CopyStatus, NodeStatus, PartitionStatus};
    use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
    use axum::http::{HeaderMap, HeaderValue};
    use protocol::id::{NodeId, PartitionId, Position};
    use protocol::problem::ProblemType;
    use protocol::user::FieldError;
    use regex::Regex;

    use super::*;
    use crate::rest::etag;

    /// Asserts that an object has the properties of its schema, and no others.
    fn assert_fits(object: &Value, name: &str) {
        let schemas = schemas();
        let properties = schemas[name]["properties"].as_object().unwrap();
        let fields = object.as_object().unwrap();
        assert_eq!(
            fields.keys().collect::<BTreeSet<_>>(),
            properties.keys().collect::<BTreeSet<_>>(),
            "{name}"
        );
    }

    #[test]
    fn a_cluster_status_has_the_fields_of_its_schema() {
        let node: NodeId = "db-0".parse().unwrap();
        let copy = CopyStatus {
            node: node.clone(),
            in_sync: true,
            position: Some(Position::default()),
            durable: None,
            committed: None,
            condition: None,
        };
        let status = ClusterStatus {
            cluster: None,
            healthy: false,
            nodes: vec![NodeStatus {
                id: node,
                linked: false,
                address: None,
                incarnation: None,
                boots: None,
                last_words: None,
            }],
            partitions: vec![PartitionStatus {
                partition: PartitionId(0),
                view: None,
                home: copy.clone(),
                next: copy,
                lag_entries: None,
                compared: None,
                salvage: None,
                problems: Vec::new(),
            }],
        };
        let json = json!(status);
        assert_fits(&json, "ClusterStatus");
        assert_fits(&json["nodes"][0], "NodeStatus");
        assert_fits(&json["partitions"][0], "PartitionStatus");
        assert_fits(&json["partitions"][0]["home"], "CopyStatus");
        assert_fits(&json["partitions"][0]["home"]["position"], "Position");
    }

    #[test]
    fn a_problem_has_only_fields_of_its_schema() {
        let schemas = schemas();
        let properties = schemas["Problem"]["properties"].as_object().unwrap();
        let errors = vec![FieldError { field: "name".to_owned(), detail: "is long".to_owned() }];
        let id = "ada".parse().unwrap();
        let kind = ProblemType::ALL[0];
        let body = ProblemBody { kind, detail: "", errors: &errors, id: Some(&id) }.to_json();
        let body: Value = serde_json::from_str(&body).unwrap();
        for field in body.as_object().unwrap().keys() {
            assert!(properties.contains_key(field), "{field}");
        }
        let types = properties["type"]["enum"].as_array().unwrap();
        assert!(types.contains(&json!(kind.uri())), "{types:?}");
    }

    #[test]
    fn the_pattern_of_tags_allows_what_the_gateway_takes_and_no_more() {
        let pattern = Regex::new(&tags_pattern()).unwrap();
        let pieces =
            ["", "\"3.17\"", "W/\"3.17\"", "\"\"", "\"a,b\"", "*", ",", " ", "\t", "x", "W/", "\""];
        let mut taken = 0;
        // All texts of up to five of the pieces.
        for number in 0..pieces.len().pow(5) {
            let (mut number, mut text) = (number, String::new());
            while number > 0 {
                text.push_str(pieces[number % pieces.len()]);
                number /= pieces.len();
            }
            let value = HeaderValue::from_str(&text).unwrap();
            for name in [IF_MATCH, IF_NONE_MATCH] {
                let headers = HeaderMap::from_iter([(name, value.clone())]);
                let accepted = etag::precondition(&headers).is_ok();
                assert_eq!(pattern.is_match(&text), accepted, "{text:?}");
                taken += u32::from(accepted);
            }
        }
        assert!(taken > 1000, "{taken}");
    }

    #[test]
    fn the_examples_of_a_precondition_fit_its_pattern() {
        for parameter in [if_match(), if_none_match()] {
            let pattern = Regex::new(parameter["schema"]["pattern"].as_str().unwrap()).unwrap();
            let examples = parameter["examples"].as_object().unwrap();
            assert!(!examples.is_empty());
            for (name, example) in examples {
                assert!(pattern.is_match(example["value"].as_str().unwrap()), "{name}");
            }
        }
    }
}
