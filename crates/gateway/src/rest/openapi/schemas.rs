//! The document's schemas: records, problems, ids and preconditions, made from the same rules
//! as the code uses.

use protocol::id::NODE_ID_LENGTH_MAX;
use protocol::precondition::TAGS_MAX;
use protocol::problem::{ERRORS_MAX, ProblemType};
use protocol::user::{EMAIL_LENGTH_MAX, NAME_LENGTH_MAX, USER_ID_LENGTH_MAX};
use serde_json::{Value, json};

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

/// The pattern of an id: its characters and lengths, without `.` and `..`. It works in every
/// dialect too.
fn user_id_pattern() -> String {
    let (any, no_dot) = ("[A-Za-z0-9._~-]", "[A-Za-z0-9_~-]");
    let up_to = |taken: usize| USER_ID_LENGTH_MAX.saturating_sub(taken);
    let (one, two) = (up_to(1), up_to(2));
    format!("^({no_dot}{any}{{0,{one}}}|[.]{no_dot}{any}{{0,{two}}}|[.][.]{any}{{1,{two}}})$")
}

pub(super) fn schemas() -> Value {
    let name = json!({ "type": "string", "minLength": 1, "maxLength": NAME_LENGTH_MAX });
    let email = json!({ "type": "string", "format": "idn-email", "maxLength": EMAIL_LENGTH_MAX });
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
            "pattern": user_id_pattern(),
            "description": "Neither . nor .., which clients take out of a path",
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
                    "maxItems": ERRORS_MAX,
                    "description": "The first faults of the body; long names are shortened",
                    "items": {
                        "type": "object",
                        "properties": { "field": { "type": "string" }, "detail": { "type": "string" } },
                        "required": ["field", "detail"],
                    },
                },
                "more_errors": {
                    "type": "integer",
                    "minimum": 1,
                    "description": "How many more faults there are than errors names",
                },
                "id": schema("UserId"),
            },
            "required": ["type", "title", "status", "detail"],
        },
    })
}

#[cfg(test)]
mod tests {
    use axum::http::header::{IF_MATCH, IF_NONE_MATCH};
    use axum::http::{HeaderMap, HeaderValue};
    use protocol::user::UserId;
    use regex::Regex;

    use super::*;
    use crate::rest::etag;

    #[test]
    fn the_pattern_of_an_id_allows_what_the_gateway_takes_and_no_more() {
        let pattern = Regex::new(&user_id_pattern()).unwrap();
        let lengths = [0, 1, 2, 3, 126, 127, 128, 129, 130];
        let starts = ["", ".", "..", "...", ".a", "a.", "..a", "-", "~_", "ä", "a b", "a/b", "%2e"];
        for start in starts {
            for filler in ["x", ".", "~"] {
                for length in lengths {
                    let filled = filler.repeat(length.max(start.len()) - start.len());
                    for id in [format!("{start}{filled}"), format!("{filled}{start}")] {
                        let taken = UserId::from_client(&id).is_ok();
                        assert_eq!(pattern.is_match(&id), taken, "{id:?}");
                    }
                }
            }
        }
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
