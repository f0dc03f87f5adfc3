//! The user record: its fields, their rules, and the two bodies sent by REST clients.
//!
//! Every value of these types is valid. Each field is checked when it is made, so no code behind
//! this module checks it again. A value from a client is checked by the rules of this release, a
//! value from a link or a disk by the rules of any release.

mod body;
mod email;
mod field;
mod id;

pub use body::{BodyError, FieldError, FieldErrors};
pub use field::{EMAIL_LENGTH_MAX, Email, InvalidField, NAME_LENGTH_MAX, Name};
pub use id::{InvalidUserId, USER_ID_LENGTH_MAX, UserId};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

/// A user record as stored and served: its canonical JSON, made once by the primary.
///
/// Readers pass these bytes on unchanged; see [`User::to_json`].
pub type RecordJson = Bytes;

/// A user record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Names the user; never changes.
    pub id: UserId,
    /// The name of the user.
    pub name: Name,
    /// The address of the user's mail.
    pub email: Email,
    /// The group of the user.
    pub group: u32,
}

/// A partial update: the given fields change, the others stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserPatch {
    /// The user.
    pub id: UserId,
    /// The new name, if it changes.
    pub name: Option<Name>,
    /// The new address, if it changes.
    pub email: Option<Email>,
    /// The new group, if it changes; 0 is a group like any other.
    pub group: Option<u32>,
}

/// The body of a request to create a user: a record, but the client may leave the id to the
/// gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The id wanted by the client, if any.
    pub id: Option<UserId>,
    /// The name of the user.
    pub name: Name,
    /// The address of the user's mail.
    pub email: Email,
    /// The group of the user.
    pub group: u32,
}

impl User {
    /// The canonical JSON of the record: the form for storage, replication and answers.
    pub fn to_json(&self) -> RecordJson {
        serde_json::to_vec(self)
            .unwrap_or_else(|error| unreachable!("strings and a number: {error}"))
            .into()
    }

    /// Reads canonical JSON.
    ///
    /// # Errors
    ///
    /// When the bytes are not the JSON of a valid record. Then the storage is damaged, or
    /// another version wrote it.
    pub fn from_json(json: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(json)
    }

    /// The record after a partial update. Both must have the same id.
    #[must_use]
    pub fn patched(self, patch: &UserPatch) -> Self {
        debug_assert_eq!(self.id, patch.id, "a patch of another user");
        Self {
            id: self.id,
            name: patch.name.clone().unwrap_or(self.name),
            email: patch.email.clone().unwrap_or(self.email),
            group: patch.group.unwrap_or(self.group),
        }
    }
}

impl NewUser {
    /// The record, with `id` if the client gave none.
    pub fn with_id(self, id: impl FnOnce() -> UserId) -> User {
        User {
            id: self.id.unwrap_or_else(id),
            name: self.name,
            email: self.email,
            group: self.group,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_record_survives_its_json(user: User) {
            prop_assert_eq!(User::from_json(&user.to_json()).expect("canonical"), user);
        }

        #[test]
        fn a_patch_changes_just_the_fields_given(user: User, mut patch: UserPatch) {
            patch.id = user.id.clone();
            let after = user.clone().patched(&patch);
            prop_assert_eq!(&after.id, &user.id);
            prop_assert_eq!(&after.name, patch.name.as_ref().unwrap_or(&user.name));
            prop_assert_eq!(&after.email, patch.email.as_ref().unwrap_or(&user.email));
            prop_assert_eq!(after.group, patch.group.unwrap_or(user.group));
        }
    }

    #[test]
    fn a_stored_record_that_breaks_the_rules_is_damage() {
        for json in [
            r#"{"id":"a b","name":"n","email":"a@b.c","group":1}"#,
            r#"{"id":"a","name":"","email":"a@b.c","group":1}"#,
            r#"{"id":"a","name":"n","email":"ab.c","group":1}"#,
            r#"{"id":"a","name":"n","email":"a@b.c","group":4294967296}"#,
            r#"{"id":"a","name":"n","email":"a@b.c"}"#,
        ] {
            assert!(User::from_json(json.as_bytes()).is_err(), "{json}");
        }
    }
}
