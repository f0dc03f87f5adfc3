//! JSON bodies of REST requests. Each error names the field at fault.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::{NewUser, UserId, UserPatch};
use crate::problem::{ERRORS_MAX, FIELD_BYTES_MAX, shortened};

/// One fault of a body.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, thiserror::Error)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[error("{field} {detail}")]
pub struct FieldError {
    /// The field as written by the client, shortened if it is long.
    pub field: String,
    /// The fault, as a phrase to follow the field's name.
    pub detail: String,
}

/// Every fault of a body's fields; never empty.
pub type FieldErrors = Vec<FieldError>;

/// The reason for refusing a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The body is not JSON.
    #[error("the body is not valid JSON: {0}")]
    Malformed(String),
    /// The body is JSON, but not an object.
    #[error("the body must be a JSON object")]
    NotAnObject,
    /// The body is an object with faults.
    #[error("{}", described(.0))]
    Fields(FieldErrors),
}

/// The first [`ERRORS_MAX`] faults in words, and the number of the others.
fn described(errors: &[FieldError]) -> String {
    let shown = errors.iter().take(ERRORS_MAX).map(ToString::to_string);
    let mut described = shown.collect::<Vec<_>>().join("; ");
    let more = errors.len().saturating_sub(ERRORS_MAX);
    if more > 0 {
        described.push_str(&format!("; and {more} more"));
    }
    described
}

impl NewUser {
    /// Reads the body of a create request. Every field but `id` is required, and no other field
    /// is allowed.
    ///
    /// # Errors
    ///
    /// Names every missing, unknown, repeated or invalid field.
    pub fn from_body(body: &[u8]) -> Result<Self, BodyError> {
        let mut fields = Fields::parse(body)?;
        let (id, name, email, group) = fields.take_all();
        fields.require("name", name.as_ref());
        fields.require("email", email.as_ref());
        fields.require("group", group.as_ref());
        match (fields.finish(), name, email, group) {
            (Ok(()), Some(name), Some(email), Some(group)) => Ok(Self { id, name, email, group }),
            (finished, ..) => Err(finished.err().unwrap_or(BodyError::NotAnObject)),
        }
    }
}

impl UserPatch {
    /// Reads the body of a partial update. `id` is required; the other given fields change.
    ///
    /// # Errors
    ///
    /// Names every missing, unknown, repeated or invalid field.
    pub fn from_body(body: &[u8]) -> Result<Self, BodyError> {
        let mut fields = Fields::parse(body)?;
        let (id, name, email, group) = fields.take_all();
        fields.require("id", id.as_ref());
        match (fields.finish(), id) {
            (Ok(()), Some(id)) => Ok(Self { id, name, email, group }),
            (finished, _) => Err(finished.err().unwrap_or(BodyError::NotAnObject)),
        }
    }
}

/// The members of a body's object, and the faults found in them so far.
struct Fields {
    members: Vec<(String, Value)>,
    errors: FieldErrors,
}

impl Fields {
    fn parse(body: &[u8]) -> Result<Self, BodyError> {
        match serde_json::from_slice::<Members>(body) {
            Ok(Members(members)) => Ok(Self { members, errors: Vec::new() }),
            Err(error) if error.is_data() => Err(BodyError::NotAnObject),
            Err(error) => Err(BodyError::Malformed(error.to_string())),
        }
    }

    /// The given fields with a known name and a valid value.
    fn take_all(
        &mut self,
    ) -> (Option<UserId>, Option<super::Name>, Option<super::Email>, Option<u32>) {
        (
            self.take("id", id),
            self.take("name", text),
            self.take("email", text),
            self.take("group", group),
        )
    }

    fn take<T>(&mut self, field: &str, read: impl FnOnce(Value) -> Result<T, String>) -> Option<T> {
        let at = self.members.iter().position(|(name, _)| name == field)?;
        let (_, value) = self.members.swap_remove(at);
        if self.members.iter().any(|(name, _)| name == field) {
            self.members.retain(|(name, _)| name != field);
            self.fault(field, "is given twice");
            return None;
        }
        read(value).map_err(|detail| self.fault(field, detail)).ok()
    }

    fn require<T>(&mut self, field: &str, given: Option<&T>) {
        if given.is_none() && !self.errors.iter().any(|error| error.field == field) {
            self.fault(field, "is required");
        }
    }

    fn fault(&mut self, field: &str, detail: impl Into<String>) {
        let field = shortened(field, FIELD_BYTES_MAX).into_owned();
        self.errors.push(FieldError { field, detail: detail.into() });
    }

    /// Reports every remaining member as unknown, and returns the faults.
    fn finish(mut self) -> Result<(), BodyError> {
        for (unknown, _) in std::mem::take(&mut self.members) {
            self.fault(&unknown, "is not a field of a user: use id, name, email and group");
        }
        if self.errors.is_empty() { Ok(()) } else { Err(BodyError::Fields(self.errors)) }
    }
}

fn text<T: TryFrom<String>>(value: Value) -> Result<T, String>
where
    T::Error: fmt::Display,
{
    match value {
        Value::String(text) => T::try_from(text).map_err(|error| error.to_string()),
        _ => Err("must be a string".to_owned()),
    }
}

fn id(value: Value) -> Result<UserId, String> {
    let Value::String(text) = value else { return Err("must be a string".to_owned()) };
    UserId::from_client(&text).map_err(|error| error.to_string())
}

fn group(value: Value) -> Result<u32, String> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| format!("must be an integer from 0 to {}", u32::MAX))
}

/// An object's members in their order, duplicates included. A map would silently keep the last one.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(result: Result<impl fmt::Debug, BodyError>) -> Vec<String> {
        match result.expect_err("refused") {
            BodyError::Fields(errors) => errors.into_iter().map(|error| error.field).collect(),
            other => panic!("{other}"),
        }
    }

    #[test]
    fn a_new_user_needs_all_fields_but_the_id() {
        let user = NewUser::from_body(br#"{"name":"Ada","email":"ada@example.org","group":0}"#)
            .expect("valid");
        assert_eq!((user.id, user.group), (None, 0));
        assert_eq!(faults(NewUser::from_body(b"{}")), ["name", "email", "group"]);
    }

    #[test]
    fn a_patch_needs_the_id_alone_and_can_set_group_zero() {
        let patch = UserPatch::from_body(br#"{"id":"a","group":0}"#).expect("valid");
        assert_eq!((patch.name, patch.email, patch.group), (None, None, Some(0)));
        assert_eq!(faults(UserPatch::from_body(br#"{"group":1}"#)), ["id"]);
    }

    #[test]
    fn each_fault_is_named_by_its_field() {
        let body = br#"{"id":7,"name":"","email":"x","group":-1,"age":3}"#;
        assert_eq!(faults(NewUser::from_body(body)), ["id", "name", "email", "group", "age"]);
    }

    #[test]
    fn a_field_given_twice_is_a_fault_and_not_a_guess() {
        let body = br#"{"id":"a","id":"b","group":1}"#;
        assert_eq!(faults(UserPatch::from_body(body)), ["id"]);
    }

    #[test]
    fn a_group_is_an_integer_of_32_bits() {
        for (text, valid) in [
            ("0", true),
            ("4294967295", true),
            ("4294967296", false),
            ("-1", false),
            ("1.0", false),
            ("1e3", false),
            ("\"1\"", false),
            ("null", false),
        ] {
            let body = format!(r#"{{"id":"a","group":{text}}}"#);
            assert_eq!(UserPatch::from_body(body.as_bytes()).is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn what_is_no_json_differs_from_what_is_no_object() {
        for malformed in ["", "{", "{]", "nul", r#"{"id":"a"} x"#, "\u{1}"] {
            let error = NewUser::from_body(malformed.as_bytes()).expect_err("refused");
            assert!(matches!(error, BodyError::Malformed(_)), "{malformed}: {error}");
        }
        for other in ["[]", "1", "null", "\"a\""] {
            assert_eq!(
                NewUser::from_body(other.as_bytes()),
                Err(BodyError::NotAnObject),
                "{other}"
            );
        }
    }

    #[test]
    fn an_id_that_no_url_can_address_is_a_fault() {
        for id in [".", "..", "\\u002e", "\\u002e."] {
            let body =
                format!(r#"{{"id":"{id}","name":"Ada","email":"ada@example.org","group":0}}"#);
            assert_eq!(faults(NewUser::from_body(body.as_bytes())), ["id"], "{id}");
            let body = format!(r#"{{"id":"{id}"}}"#);
            assert_eq!(faults(UserPatch::from_body(body.as_bytes())), ["id"], "{id}");
        }
        assert!(UserPatch::from_body(br#"{"id":"..."}"#).is_ok());
    }

    #[test]
    fn deep_nesting_is_refused_and_does_not_overflow_the_stack() {
        let deep = format!(r#"{{"name":{}"#, "[".repeat(100_000));
        assert!(matches!(NewUser::from_body(deep.as_bytes()), Err(BodyError::Malformed(_))));
    }
}
