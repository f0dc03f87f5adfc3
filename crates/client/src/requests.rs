//! The calls, and what a client sees when it looks whether an update was done.

use api::{AcceptLoss, ClusterStatus, path};
use protocol::user::{Email, Name, NewUser, User, UserId};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::attempt::{Answer, Attempt, Call};
use crate::{Client, Error};

/// The pause after a look, before the update is sent again.
const LOOKED: std::time::Duration = std::time::Duration::from_millis(250);

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
        versioned(self.fetch(&get(user_path(id))).await?)
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
        let done = self
            .update(&call, &user.id, |found| found.filter(|found| found.user == user).map(Some));
        match done.await? {
            Update::Answered(answer) => versioned(answer),
            Update::Seen(Some(found)) => Ok(found),
            Update::Seen(None) => unreachable!("a created user is seen with its record"),
        }
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
        let done = self
            .update(&call, id, |found| found.filter(|found| change.is_in(&found.user)).map(Some));
        match done.await? {
            Update::Answered(answer) => versioned(answer),
            Update::Seen(Some(found)) => Ok(found),
            Update::Seen(None) => unreachable!("a changed user is seen with its record"),
        }
    }

    /// Deletes a user.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`] with `user-not-found`, and those of every call.
    pub async fn delete(&self, id: &UserId) -> Result<(), Error> {
        let call = Call { method: Method::DELETE, path: user_path(id), body: None, if_match: None };
        let is_gone = |found: Option<Versioned>| found.is_none().then_some(None);
        self.update(&call, id, is_gone).await.map(drop)
    }

    /// The nodes, the partitions, and why something is not available.
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub async fn cluster(&self) -> Result<ClusterStatus, Error> {
        parsed(&self.cluster_json().await?)
    }

    /// The same, as the gateway writes it.
    ///
    /// # Errors
    ///
    /// Those of every call.
    pub async fn cluster_json(&self) -> Result<String, Error> {
        Ok(self.fetch(&get(path::CLUSTER.to_owned())).await?.body)
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
        self.fetch(&call).await.map(drop)
    }

    /// Sends an update until its outcome is known. Where an attempt may have been done, `seen` says
    /// of the user whether it was, and a later refusal is looked at in the same way.
    async fn update(
        &self,
        call: &Call,
        id: &UserId,
        seen: impl Fn(Option<Versioned>) -> Option<Option<Versioned>>,
    ) -> Result<Update, Error> {
        let (until, mut is_unknown) = (self.until(), false);
        loop {
            let (why, pause) = match self.attempt(call).await {
                Attempt::Done(answer) => return Ok(Update::Answered(answer)),
                Attempt::Strange(what) => return Err(Error::Answer(what)),
                Attempt::Refused(problem) => {
                    if is_unknown && let Some(found) = seen(self.look(id).await?) {
                        return Ok(Update::Seen(found));
                    }
                    return Err(Error::Refused(problem));
                }
                Attempt::NotDone { why, pause } => (why, pause),
                Attempt::Unknown { why } => {
                    is_unknown = true;
                    if let Ok(found) = self.look(id).await
                        && let Some(found) = seen(found)
                    {
                        return Ok(Update::Seen(found));
                    }
                    (why, LOOKED)
                }
            };
            if !until.pause(pause).await {
                return Err(if is_unknown { Error::Unknown(why) } else { Error::NotDone(why) });
            }
        }
    }

    /// The user as it is; none where there is none.
    async fn look(&self, id: &UserId) -> Result<Option<Versioned>, Error> {
        match self.read(id).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_problem("user-not-found") => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// How an update was found to be done.
enum Update {
    /// By its answer.
    Answered(Answer),
    /// By a look at the user.
    Seen(Option<Versioned>),
}

fn get(path: String) -> Call {
    Call { method: Method::GET, path, body: None, if_match: None }
}

/// The characters of an id need no escapes.
fn user_path(id: &UserId) -> String {
    format!("{}{}", path::USERS, id.as_str())
}

#[allow(clippy::disallowed_methods, reason = "no part of the simulation")]
fn made_up_id() -> UserId {
    let text = Uuid::now_v7().to_string();
    text.parse().unwrap_or_else(|_| unreachable!("a UUID has the characters of an id"))
}

fn versioned(answer: Answer) -> Result<Versioned, Error> {
    let etag = answer.etag.ok_or_else(|| Error::Answer("a record without a tag".to_owned()))?;
    Ok(Versioned { user: parsed(&answer.body)?, etag })
}

fn parsed<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, Error> {
    serde_json::from_str::<Value>(json)
        .and_then(serde_json::from_value)
        .map_err(|error| Error::Answer(error.to_string()))
}
