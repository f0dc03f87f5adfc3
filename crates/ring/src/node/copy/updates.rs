//! What an update does: duplicates first, then the decision on the newest state, then an entry.

use protocol::entry::{Answer, Change, Entry};
use protocol::id::{RequestId, Seq};
use protocol::message::{Action, Operation, Reply, Request, Update};
use protocol::user::User;

use super::applied::Known;
use super::context::{Context, Fault};
use super::release::Waiting;
use super::serving::{Newest, Serving};
use crate::store::{ReadError, StoredRecord};

impl Serving<'_> {
    /// An update that was admitted. It waits where the storage has to be read first, and is served
    /// again then.
    pub(super) fn update(
        &mut self,
        cx: &mut Context<'_>,
        request: Request,
        id: RequestId,
        unsettled_from: u64,
    ) -> Result<(), Fault> {
        let call = request.call;
        let foreign = cx.gateway.is_none_or(|gateway| gateway.boot != id.boot);
        if foreign || id.counter < unsettled_from {
            cx.reply(call, Reply::Settled);
            return Ok(());
        }
        let (depends_on, answer) = match self.replica.applied.known(id) {
            Known::Settled => {
                cx.reply(call, Reply::Settled);
                return Ok(());
            }
            // Before preconditions: one that held the first time need not hold after it.
            Known::Applied(applied) => match self.repeated(applied)? {
                Some(answer) => (Some(applied.seq), answer),
                None => {
                    self.wait_for_answer(cx, request, applied);
                    return Ok(());
                }
            },
            Known::New => match self.newest(cx, request.operation.id())? {
                Some(newest) => self.decide_on(cx, request, newest)?,
                None => {
                    self.wait_for_record(cx, request);
                    return Ok(());
                }
            },
        };
        self.answer_after(cx, depends_on, Waiting::Update(call, answer));
        Ok(())
    }

    /// Decides an update on the newest state of its record, and carries it out; returns its answer,
    /// and what that depends on.
    fn decide_on(
        &mut self,
        cx: &mut Context<'_>,
        Request { epoch, operation, .. }: Request,
        newest: Newest,
    ) -> Result<(Option<Seq>, Answer), Fault> {
        let Operation::Update(Update { request, unsettled_from, action }) = operation else {
            unreachable!("a read decides nothing")
        };
        let change = match decide(action, newest.record)? {
            Decision::Refuse(answer) => return Ok((newest.depends_on, answer)),
            Decision::Apply(change) => change,
        };
        let position = self.replica.log.next_position(epoch);
        // It never goes back, in whichever order updates come.
        let unsettled_from = unsettled_from.max(self.replica.applied.unsettled_from(request.boot));
        let entry = Entry { position, request, unsettled_from, change };
        let answer = entry.answer();
        self.replica.apply(cx, entry);
        Ok((Some(position.seq), answer))
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
