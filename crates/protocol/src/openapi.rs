//! The schemas of values in public JSON, for OpenAPI documents (feature `openapi`).
//!
//! Plain structs and enums derive theirs where they are defined. Here are the types with rules of
//! their own: each schema comes from the constants of the code that checks the value.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{
    AdditionalProperties, ArrayBuilder, ObjectBuilder, Ref, Schema, SchemaFormat, Type,
};
use utoipa::{PartialSchema, ToSchema};

use crate::id::{
    COUNTED_MAX, ClusterId, Epoch, GatewayBoot, Incarnation, NODE_ID_LENGTH_MAX, NodeId,
    PartitionId, Seq,
};
use crate::problem::{ERRORS_MAX, ProblemBody, ProblemType};
use crate::user::{
    EMAIL_LENGTH_MAX, Email, FieldError, NAME_LENGTH_MAX, Name, NewUser, USER_ID_LENGTH_MAX, User,
    UserId, UserPatch,
};

fn text() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String)
}

fn uuid() -> RefOr<Schema> {
    text().format(Some(SchemaFormat::Custom("uuid".to_owned()))).into()
}

/// A whole number from 0 to `most`.
fn number(most: u64) -> ObjectBuilder {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0_usize)).maximum(Some(most))
}

/// A reference to the schema of a type.
fn of<T: ToSchema>() -> RefOr<Schema> {
    Ref::from_schema_name(T::name()).into()
}

/// The pattern of a user's id: its characters and lengths, without `.` and `..`. It uses only
/// features common to all dialects of regular expressions.
fn user_id_pattern() -> String {
    let (any, no_dot) = ("[A-Za-z0-9._~-]", "[A-Za-z0-9_~-]");
    let up_to = |taken: usize| USER_ID_LENGTH_MAX.saturating_sub(taken);
    let (one, two) = (up_to(1), up_to(2));
    format!("^({no_dot}{any}{{0,{one}}}|[.]{no_dot}{any}{{0,{two}}}|[.][.]{any}{{1,{two}}})$")
}

impl PartialSchema for UserId {
    fn schema() -> RefOr<Schema> {
        let words = "Neither . nor .., which clients take out of a path";
        text().pattern(Some(user_id_pattern())).description(Some(words)).into()
    }
}

impl PartialSchema for Name {
    fn schema() -> RefOr<Schema> {
        text().min_length(Some(1)).max_length(Some(NAME_LENGTH_MAX)).into()
    }
}

impl PartialSchema for Email {
    fn schema() -> RefOr<Schema> {
        let format = SchemaFormat::Custom("idn-email".to_owned());
        text().format(Some(format)).max_length(Some(EMAIL_LENGTH_MAX)).into()
    }
}

impl PartialSchema for NodeId {
    fn schema() -> RefOr<Schema> {
        text().pattern(Some(format!("^[A-Za-z0-9._-]{{1,{NODE_ID_LENGTH_MAX}}}$"))).into()
    }
}

impl PartialSchema for ClusterId {
    fn schema() -> RefOr<Schema> {
        uuid()
    }
}

impl PartialSchema for Incarnation {
    fn schema() -> RefOr<Schema> {
        uuid()
    }
}

impl PartialSchema for GatewayBoot {
    fn schema() -> RefOr<Schema> {
        uuid()
    }
}

impl PartialSchema for PartitionId {
    fn schema() -> RefOr<Schema> {
        number(u16::MAX.into()).into()
    }
}

impl PartialSchema for Epoch {
    fn schema() -> RefOr<Schema> {
        number(COUNTED_MAX).into()
    }
}

impl PartialSchema for Seq {
    fn schema() -> RefOr<Schema> {
        number(COUNTED_MAX).into()
    }
}

/// The fields of a user, of which these are required.
fn user<const N: usize>(required: [&str; N]) -> RefOr<Schema> {
    let fields = ObjectBuilder::new()
        .property("id", of::<UserId>())
        .property("name", of::<Name>())
        .property("email", of::<Email>())
        .property("group", number(u32::MAX.into()))
        .additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false)));
    required.into_iter().fold(fields, ObjectBuilder::required).into()
}

impl PartialSchema for User {
    fn schema() -> RefOr<Schema> {
        user(["id", "name", "email", "group"])
    }
}

impl PartialSchema for NewUser {
    fn schema() -> RefOr<Schema> {
        user(["name", "email", "group"])
    }
}

impl PartialSchema for UserPatch {
    fn schema() -> RefOr<Schema> {
        user(["id"])
    }
}

/// The schemas that a user's fields refer to.
fn schemas_of_a_user(schemas: &mut Vec<(String, RefOr<Schema>)>) {
    schemas.push((UserId::name().into(), UserId::schema()));
    schemas.push((Name::name().into(), Name::schema()));
    schemas.push((Email::name().into(), Email::schema()));
}

impl PartialSchema for ProblemBody<'_> {
    fn schema() -> RefOr<Schema> {
        let types = ProblemType::ALL.iter().map(|kind| kind.uri());
        let errors = ArrayBuilder::new()
            .items(of::<FieldError>())
            .max_items(Some(ERRORS_MAX))
            .description(Some("The first faults of the body; long names are shortened"));
        let more = "How many more faults there are than errors names";
        ["type", "title", "status", "detail"]
            .into_iter()
            .fold(ObjectBuilder::new(), ObjectBuilder::required)
            .description(Some("RFC 9457"))
            .property("type", text().enum_values(Some(types)))
            .property("title", text())
            .property("status", number(599))
            .property("detail", text())
            .property("errors", errors)
            .property("more_errors", number(COUNTED_MAX).description(Some(more)))
            .property("id", of::<UserId>())
            .into()
    }
}

impl ToSchema for UserId {}
impl ToSchema for Name {}
impl ToSchema for Email {}
impl ToSchema for NodeId {}
impl ToSchema for ClusterId {}
impl ToSchema for Incarnation {}
impl ToSchema for GatewayBoot {}
impl ToSchema for PartitionId {}
impl ToSchema for Epoch {}
impl ToSchema for Seq {}

impl ToSchema for User {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas_of_a_user(schemas);
    }
}

impl ToSchema for NewUser {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas_of_a_user(schemas);
    }
}

impl ToSchema for UserPatch {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas_of_a_user(schemas);
    }
}

impl ToSchema for ProblemBody<'_> {
    fn name() -> std::borrow::Cow<'static, str> {
        "Problem".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((UserId::name().into(), UserId::schema()));
        schemas.push((FieldError::name().into(), FieldError::schema()));
    }
}

#[cfg(test)]
mod tests {
    use regex::Regex;

    use super::*;

    #[test]
    fn the_pattern_of_an_id_allows_what_a_client_may_choose_and_no_more() {
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
}
