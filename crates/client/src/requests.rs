//! The calls, and for each update the way to tell from the record that it was done.

use api::{AcceptLoss, ClusterStatus, path};
use protocol::user::{Email, Name, NewUser, User, UserId};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use crate::attempt::{Answer, Call};
use crate::{Client, Error};

/// A record and its tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Versioned {
    /// The record.
    pub user: User,
    /// Names this version of it, for [`Change::if_match`].
    pub etag: String,
}

/// A change of a record: the fields given are changed, the others stay.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Change {
    /// The new name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Name>,
    /// The new address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The new group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// The tag that the record must have.
    #[serde(skip)]
    pub if_match: Option<String>,
}

impl Change {
    /// Whether a record has the fields of this change.
    fn is_in(&self, user: &User) -> bool {
        self.name.as_ref().is_none_or(|name| *name == user.name)
            && self.email.as_ref().is_none_or(|email| *email == user.email)
            && self.group.is_none_or(|group| group == user.group)
    }
}

impl Client {
    /// Reads a user.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `user-not-found`, and those of every call.
    pub async fn read(&self, id: &UserId) -> Result<Versioned, Error> {
        versioned(self.fetch(&Call::get(user_path(id)), self.until()).await?)
    }

    /// Creates a user. A user without an id gets one.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `user-exists`, and those of every call.
    pub async fn create(&self, user: NewUser) -> Result<Versioned, Error> {
        let user = user.with_id(made_up_id);
        let body = serde_json::to_value(&user).unwrap_or_default();
        let (method, path) = (Method::POST, path::USERS.to_owned());
        let call = Call { method, path, body: Some(body), if_match: None };
        let is_done = |found: &Versioned| found.user == user;
        self.update(&call, &user.id, versioned, |found| found.filter(is_done)).await
    }

    /// Changes a user.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `user-not-found` or `precondition-failed`, and those of every call.
    pub async fn change(&self, id: &UserId, change: &Change) -> Result<Versioned, Error> {
        let mut body = serde_json::to_value(change).unwrap_or_default();
        body["id"] = json!(id);
        let (method, path) = (Method::PUT, path::USERS.to_owned());
        let call = Call { method, path, body: Some(body), if_match: change.if_match.clone() };
        let is_done = |found: &Versioned| change.is_in(&found.user);
        self.update(&call, id, versioned, |found| found.filter(is_done)).await
    }

    /// Deletes a user.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `user-not-found`, and those of every call.
    pub async fn delete(&self, id: &UserId) -> Result<(), Error> {
        let call = Call { method: Method::DELETE, path: user_path(id), body: None, if_match: None };
        self.update(&call, id, |_| Ok(()), |found| found.is_none().then_some(())).await
    }

    /// The nodes, the partitions, and why something is not available.
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub async fn cluster(&self) -> Result<ClusterStatus, Error> {
        parsed(&self.cluster_json().await?)
    }

    /// The status of the cluster (see [`Client::cluster`]) as JSON text.
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub async fn cluster_json(&self) -> Result<String, Error> {
        Ok(self.fetch(&Call::get(path::CLUSTER.to_owned()), self.until()).await?.body)
    }

    /// Accepts that updates are lost: an operator's last resort. It can be sent twice without harm.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `nothing-to-accept`, and those of every call.
    pub async fn accept_loss(&self, accepted: &AcceptLoss) -> Result<(), Error> {
        let body = serde_json::to_value(accepted).unwrap_or_default();
        let (method, path) = (Method::POST, path::ACCEPT_LOSS.to_owned());
        let call = Call { method, path, body: Some(body), if_match: None };
        self.fetch(&call, self.until()).await.map(drop)
    }
}

/// The characters of an id need no escapes.
pub(crate) fn user_path(id: &UserId) -> String {
    format!("{}{}", path::USERS, id.as_str())
}

#[allow(clippy::disallowed_methods, reason = "no part of the simulation")]
fn made_up_id() -> UserId {
    let text = Uuid::now_v7().to_string();
    text.parse().unwrap_or_else(|_| unreachable!("a UUID has the characters of an id"))
}

pub(crate) fn versioned(answer: Answer) -> Result<Versioned, Error> {
    let etag = answer.etag.ok_or_else(|| Error::Answer("a record without a tag".to_owned()))?;
    Ok(Versioned { user: parsed(&answer.body)?, etag })
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str(json).map_err(|error| Error::Answer(error.to_string()))
}
