//! What a copy answers: admission of requests, and answers that wait for what they were computed from.

use protocol::entry::Answer;
use protocol::id::{GatewayBoot, RequestId, Seq};
use protocol::message::{CallId, Reply, Request};
use protocol::user::UserId;

use super::Replica;
use crate::copy::acting::Admission;
use crate::copy::context::{Context, Fault};
use crate::copy::release::Waiting;
use crate::store::{AnswerIn, AppliedId, ReadError, StoredRecord};

/// A record in its newest state, and the entry that has to be committed before anyone is told of it.
pub(crate) struct Newest {
    pub(crate) record: Option<StoredRecord>,
    pub(crate) depends_on: Option<Seq>,
}

/// What a copy knows of a request that it may have applied.
pub(crate) enum Known {
    /// Not applied.
    New,
    /// Applied, by this entry.
    Applied(AppliedId),
    /// Below the window: whether it was applied is not known any more.
    Settled,
}

impl Replica {
    /// Judges a request by its epoch and the view (rules 2 and 8): returns it if it is to be served now.
    pub(crate) fn admit(
        &mut self,
        cx: &mut Context<'_>,
        request: Request,
    ) -> Result<Option<Request>, Fault> {
        match self.acting.admit(request.epoch) {
            Admission::Serve if self.is_named() => return Ok(Some(request)),
            Admission::Serve | Admission::Fence => cx.reply(request.call, Reply::Fenced),
            Admission::Park => self.acting.park(request),
            Admission::ProtocolError => {
                let detail = format!("a request of epoch {} before its view", request.epoch);
                return Err(cx.gateway_fault(detail));
            }
        }
        Ok(None)
    }

    /// The newest state of a user's record.
    pub(crate) fn newest(&self, cx: &Context<'_>, id: &UserId) -> Result<Newest, Fault> {
        if let Some(uncommitted) = self.tail.record(id) {
            return Ok(Newest { record: uncommitted.record, depends_on: Some(uncommitted.seq) });
        }
        let depends_on = (self.committed < self.found).then_some(self.found);
        Ok(Newest { record: cx.stored.record(self.member, id)?, depends_on })
    }

    /// Answers a read.
    pub(crate) fn read(
        &mut self,
        cx: &mut Context<'_>,
        call: CallId,
        id: &UserId,
    ) -> Result<(), Fault> {
        let Newest { record, depends_on } = self.newest(cx, id)?;
        let found = |StoredRecord { position, record }| Answer::Found { position, record };
        let answer = record.map_or(Answer::NotFound, found);
        self.answer_after(cx, depends_on, Waiting::Read(call, answer));
        Ok(())
    }

    /// Rule 3, *release*: answers at once where nothing uncommitted is involved.
    pub(crate) fn answer_after(
        &mut self,
        cx: &mut Context<'_>,
        depends_on: Option<Seq>,
        waiting: Waiting,
    ) {
        match (depends_on, waiting) {
            (Some(seq), waiting) if seq > self.committed => self.releases.wait(seq, waiting),
            (_, Waiting::Read(call, answer) | Waiting::Update(call, answer)) => {
                cx.answer(call, answer)
            }
        }
    }

    /// Looks a request up in the table of applied ids (rule 12).
    pub(crate) fn known(&self, request: RequestId) -> Known {
        match self.applied.get(request) {
            _ if request.counter < self.unsettled_from(request.boot) => Known::Settled,
            Some(id) => Known::Applied(id),
            None => Known::New,
        }
    }

    /// The lowest counter of a gateway's boot that is not settled: the duplicate of a request below it could not be recognised.
    pub(crate) fn unsettled_from(&self, boot: GatewayBoot) -> u64 {
        self.applied.unsettled_from(boot)
    }

    /// The answer of a request that was applied.
    pub(crate) fn repeated(&self, cx: &Context<'_>, id: AppliedId) -> Result<Answer, Fault> {
        let AppliedId { request, seq, answer } = id;
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(entry.answer());
        }
        let answer = match answer {
            AnswerIn::Log => {
                let entry = self.stored_entry(cx, seq)?.filter(|entry| entry.request == request);
                entry.map(|entry| entry.answer())
            }
            AnswerIn::Row => cx.stored.applied(self.member, request)?,
        };
        let missing = || {
            ReadError::Damaged(format!(
                "the answer to {request}, applied by entry {seq}, is missing"
            ))
        };
        Ok(answer.ok_or_else(missing)?)
    }
}
