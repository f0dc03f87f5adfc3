//! What an update does: duplicates first, then the decision on the newest state, then an entry.

use protocol::entry::{Answer, Change, Entry};
use protocol::id::Epoch;
use protocol::message::{Action, CallId, Reply, Update};
use protocol::user::User;

use super::PartitionCopy;
use crate::copy::context::{Context, Fault};
use crate::copy::release::Waiting;
use crate::copy::replica::Known;
use crate::store::{ReadError, StoredRecord};

impl PartitionCopy {
    /// An update that was admitted under the view of `epoch`.
    pub(super) fn update(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        epoch: Epoch,
        update: Update,
    ) -> Result<(), Fault> {
        let Update { request, unsettled_from, action } = update;
        let foreign = cx.gateway.is_none_or(|gateway| gateway.boot != request.boot);
        if foreign || request.counter < unsettled_from {
            cx.reply(call, Reply::Settled);
            return Ok(());
        }
        let (depends_on, answer) = match self.replica.known(request) {
            Known::Settled => {
                cx.reply(call, Reply::Settled);
                return Ok(());
            }
            // Before preconditions: one that held the first time need not hold after it.
            Known::Applied(id) => (Some(id.seq), self.replica.repeated(cx, id)?),
            Known::New => {
                let newest = self.replica.newest(cx, action.id())?;
                match decide(action, newest.record)? {
                    Decision::Refuse(answer) => (newest.depends_on, answer),
                    Decision::Apply(change) => {
                        let position = self.replica.next_position(epoch);
                        // It never goes back, in whichever order updates come.
                        let known = self.replica.unsettled_from(request.boot);
                        let unsettled_from = unsettled_from.max(known);
                        let entry = Entry { position, request, unsettled_from, change };
                        let answer = entry.answer();
                        self.replica.apply(cx, entry);
                        (Some(position.seq), answer)
                    }
                }
            }
        };
        self.replica.answer_after(cx, depends_on, Waiting::Update(call, answer));
        Ok(())
    }
}

enum Decision {
    Refuse(Answer),
    Apply(Change),
}

/// Decides an update on the newest state of its record.
fn decide(action: Action, current: Option<StoredRecord>) -> Result<Decision, Fault> {
    let precondition =
        action.precondition().check(current.as_ref().map(|current| current.position));
    Ok(match (action, current) {
        // What is refused anyway is refused for that, whatever the precondition (RFC 9110, 13.2.1).
        (Action::Create { .. }, Some(_)) => Decision::Refuse(Answer::AlreadyExists),
        (Action::Change { .. } | Action::Delete { .. }, None) => Decision::Refuse(Answer::NotFound),
        _ if precondition.is_err() => Decision::Refuse(Answer::PreconditionFailed),
        (Action::Create { user, .. }, None) => {
            let record = user.to_json();
            Decision::Apply(Change::Create { id: user.id, record })
        }
        (Action::Change { patch, .. }, Some(current)) => {
            let damaged = |error| ReadError::Damaged(format!("a record is no user's: {error}"));
            let user = User::from_json(&current.record).map_err(damaged)?;
            let record = user.patched(&patch).to_json();
            Decision::Apply(Change::Replace { id: patch.id, record })
        }
        (Action::Delete { id, .. }, Some(_)) => Decision::Apply(Change::Delete { id }),
    })
}
