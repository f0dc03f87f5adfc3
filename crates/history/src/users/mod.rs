//! One user record as seen by REST clients: their requests, the answers, and the rules for both.
//!
//! | state | create | read | change | delete |
//! |---|---|---|---|---|
//! | absent | created | not found | not found | not found |
//! | present | already exists | found | changed | deleted |
//! | present, `If-Match` does not name its etag | | | precondition failed | precondition failed |
//! | present, `If-None-Match` names its etag | | | precondition failed | precondition failed |
//!
//! The answer for an absent record comes before any precondition. An etag stands for one
//! content. After an effect of unknown outcome nobody has seen the record's etag, so the model
//! does not know it until an answer shows it. Until then a request with a precondition may get
//! either answer.
//!
//! Let clients write each value only once. Then an answer shows the change behind it, and a
//! wrong answer is noticed at once. With few values many orders explain an answer.
//!
//! [`check_users`] judges the history of a whole run. The state of [`UserModel`] is one record:
//! give it the operations of one id at a time.

mod answers;
mod condition;
mod describe;
mod model;
mod record;
pub mod rest;

pub use answers::{ReusedEtag, find_reused_etag};
pub use model::UserModel;
pub use record::Record;

use serde::{Deserialize, Serialize};

use crate::check::{Budget, KeyedVerdict, check_each_key};
use crate::history::History;

/// The content of a user record, without its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The user's name.
    pub name: String,
    /// The user's address.
    pub email: String,
    /// The user's group.
    pub group: u32,
}

/// The fields set by a change. The others stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patch {
    /// The new name, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The new address, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The new group, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
}

/// The request of a client.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Input {
    /// `POST`: create the record.
    Create {
        /// The user's id.
        id: String,
        /// The record's content.
        fields: Fields,
    },
    /// `GET`: read the record.
    Read {
        /// The user's id.
        id: String,
    },
    /// `PUT` or `PATCH`: set some of the fields.
    Change {
        /// The user's id.
        id: String,
        /// The fields to set.
        patch: Patch,
        /// The required etags (`If-Match`), if the client cares. The record must have one of
        /// them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<String>,
        /// The forbidden etags (`If-None-Match`), if the client cares. The record must have none
        /// of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_none_match: Option<String>,
    },
    /// `DELETE`: remove the record.
    Delete {
        /// The user's id.
        id: String,
        /// The required etags (`If-Match`), if the client cares. The record must have one of
        /// them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_match: Option<String>,
        /// The forbidden etags (`If-None-Match`), if the client cares. The record must have none
        /// of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        if_none_match: Option<String>,
    },
}

impl Input {
    /// The user of the record.
    pub fn id(&self) -> &str {
        match self {
            Input::Create { id, .. }
            | Input::Read { id }
            | Input::Change { id, .. }
            | Input::Delete { id, .. } => id,
        }
    }
}

/// The answer to a client. An etag is `None` if the answer did not carry one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// 201: the record was absent and now has the requested content.
    Created {
        /// The new record's etag.
        etag: Option<String>,
    },
    /// 409: the record exists, and stays as it is.
    AlreadyExists,
    /// 200 to a read.
    Found {
        /// The record's content.
        fields: Fields,
        /// The record's etag.
        etag: Option<String>,
    },
    /// 404: there is no record.
    NotFound,
    /// 200 to a change.
    Changed {
        /// The record's content after the change.
        fields: Fields,
        /// The record's etag after the change.
        etag: Option<String>,
    },
    /// 412: the record does not meet `If-Match` or `If-None-Match`, and stays as it is.
    PreconditionFailed,
    /// 204: the record existed and is deleted now.
    Deleted,
}

/// The history of all users in a run.
pub type UserHistory = History<Input, Output>;

/// The result of [`check_users`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsersVerdict {
    /// The verdict of each user's history, with counts.
    pub linearizability: KeyedVerdict<String>,
    /// An etag seen with two contents.
    pub reused_etag: Option<ReusedEtag>,
}

impl UsersVerdict {
    /// Whether all answers were shown to be right.
    pub fn is_good(&self) -> bool {
        self.linearizability.is_linearizable() && self.reused_etag.is_none()
    }
}

/// Judges the answers about all users: each user's history must be linearizable (`budget` is for
/// each user), and no etag may stand for two contents.
pub fn check_users(history: &UserHistory, budget: Budget) -> UsersVerdict {
    let id_of = |input: &Input| input.id().to_owned();
    UsersVerdict {
        linearizability: check_each_key(&UserModel::for_history(history), history, id_of, budget),
        reused_etag: find_reused_etag(history),
    }
}
