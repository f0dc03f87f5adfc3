//! Requests that wait for a read of the storage, by the user whom they concern.
//!
//! ```text
//!             not at hand          the read returns
//!   request --------------> waiting ----------------> admitted and served again, in order
//!                              |
//!                              +--- another view: fenced; the gateway's link is lost: forgotten
//! ```
//!
//! There is one read of each user at a time. What it has read is the newest state unless an entry
//! of that user was applied meanwhile: what is not in the tail when a read begins is committed, so
//! it is written. An entry that is applied while the read is under way is noted here, as it may be
//! committed and gone from the tail when the read returns.

use std::collections::BTreeMap;

use protocol::entry::{Answer, Entry};
use protocol::id::{Epoch, RequestId};
use protocol::message::{CallId, Request};
use protocol::user::UserId;

use crate::node::copy::tail::record_after;
use crate::store::{ReadError, StoredRecord};

/// The requests that wait for reads.
#[derive(Debug, Default)]
pub(crate) struct WaitingRequests {
    by_user: BTreeMap<UserId, WaitingForRead>,
    /// What was read last, while the requests that waited for it are served.
    came: Option<(UserId, WasRead)>,
}

/// What was read for requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WasRead {
    /// The newest state of the user's record.
    Record(Result<Option<StoredRecord>, ReadError>),
    /// The answer of a request that was applied; none where it is not there any more.
    Answer(RequestId, Result<Option<Answer>, ReadError>),
}

#[derive(Debug, Default)]
struct WaitingForRead {
    requests: Vec<Request>,
    /// What the last change since the read began has left behind.
    overtaken_by: Option<Option<StoredRecord>>,
}

impl WaitingRequests {
    /// Whether requests of a user wait: another one comes behind them.
    fn has(&self, id: &UserId) -> bool {
        self.by_user.contains_key(id)
    }

    /// Lets a request wait behind others that wait and concern the same user; returns it where
    /// there are none.
    pub(crate) fn queue(&mut self, request: Request) -> Option<Request> {
        if !self.has(request.operation.id()) {
            return Some(request);
        }
        self.push(request);
        None
    }

    /// A request waits for the read of its user; returns whether it is the first one.
    pub(crate) fn push(&mut self, request: Request) -> bool {
        let id = request.operation.id().clone();
        let is_first = !self.has(&id);
        self.by_user.entry(id).or_default().requests.push(request);
        is_first
    }

    /// An entry is applied.
    pub(crate) fn note(&mut self, entry: &Entry) {
        self.overtake(entry.change.id(), || record_after(entry));
    }

    /// A user's record is another one now, or none, whatever was read or is being read.
    pub(crate) fn overtake(&mut self, id: &UserId, newest: impl Fn() -> Option<StoredRecord>) {
        if let Some(waiting) = self.by_user.get_mut(id) {
            waiting.overtaken_by = Some(newest());
        }
        if let Some((_, WasRead::Record(record))) = self.came.as_mut().filter(|(of, _)| of == id) {
            *record = Ok(newest());
        }
    }

    /// The read of a user has returned: the requests that waited for it are served now, with
    /// this, or with the newest record where the one read is not that any more.
    pub(crate) fn begin_serving(&mut self, id: UserId, read: WasRead) -> Vec<Request> {
        let waiting = self.by_user.remove(&id).unwrap_or_default();
        let read = match (read, waiting.overtaken_by) {
            (WasRead::Record(_), Some(newest)) => WasRead::Record(Ok(newest)),
            (read, _) => read,
        };
        self.came = Some((id, read));
        waiting.requests
    }

    /// They are served.
    pub(crate) fn end_serving(&mut self) {
        self.came = None;
    }

    /// The record of a user, if it was read just now.
    pub(crate) fn record(&self, id: &UserId) -> Option<Result<Option<StoredRecord>, ReadError>> {
        match &self.came {
            Some((of, WasRead::Record(record))) if of == id => Some(record.clone()),
            Some(_) | None => None,
        }
    }

    /// The answer of a request, if it was read just now.
    pub(crate) fn answer(&self, request: RequestId) -> Option<Result<Option<Answer>, ReadError>> {
        match &self.came {
            Some((_, WasRead::Answer(of, answer))) if *of == request => Some(answer.clone()),
            Some(_) | None => None,
        }
    }

    /// Takes the requests of epochs before this one. Reads go on: who comes later may wait for them
    /// too.
    pub(crate) fn fence(&mut self, epoch: Epoch) -> Vec<CallId> {
        let mut fenced = Vec::new();
        for waiting in self.by_user.values_mut() {
            waiting.requests.retain(|request| {
                let stays = request.epoch >= epoch;
                if !stays {
                    fenced.push(request.call);
                }
                stays
            });
        }
        fenced
    }

    /// The requests, of which none is to be served.
    pub(crate) fn into_calls(self) -> impl Iterator<Item = CallId> {
        let requests = self.by_user.into_values().flat_map(|waiting| waiting.requests);
        requests.map(|request| request.call)
    }

    /// Forgets the requests: nobody waits for an answer any more.
    pub(crate) fn forget(&mut self) {
        self.by_user.values_mut().for_each(|waiting| waiting.requests.clear());
    }
}
