//! What a copy answers: admission of requests, and answers that wait for what they are computed from.

use protocol::entry::Answer;
use protocol::id::{GatewayBoot, RequestId, Seq};
use protocol::message::{Reply, Request};
use protocol::user::UserId;

use super::Replica;
use crate::node::copy::acting::Admission;
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::reads::Purpose;
use crate::node::copy::release::Waiting;
use crate::node::copy::tail::Latest;
use crate::store::{AppliedId, AtHand, ReadError, ReadWhat, StoredRecord};

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

    /// Lets a request wait behind others that wait and concern the same user; returns it where there are none.
    pub(crate) fn queue(&mut self, request: Request) -> Option<Request> {
        if !self.waiting.has(request.operation.id()) {
            return Some(request);
        }
        self.waiting.push(request);
        None
    }

    /// The newest state of a user's record; none where that has to be read.
    pub(crate) fn newest(&self, cx: &Context<'_>, id: &UserId) -> Result<Option<Newest>, Fault> {
        if let Some(Latest { seq, record }) = self.tail.record(id) {
            return Ok(Some(Newest { record, depends_on: Some(seq) }));
        }
        let record = match self.waiting.record(id) {
            Some(read) => read?,
            None => match cx.stored.at_hand(self.member, id)? {
                AtHand::Record(record) => Some(record),
                AtHand::Absent => None,
                AtHand::Unknown => return Ok(None),
            },
        };
        let depends_on = (self.committed < self.found).then_some(self.found);
        Ok(Some(Newest { record, depends_on }))
    }

    /// Answers a read.
    pub(crate) fn read(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let Some(Newest { record, depends_on }) = self.newest(cx, request.operation.id())? else {
            self.wait_for_record(cx, request);
            return Ok(());
        };
        let found = |StoredRecord { position, record }| Answer::Found { position, record };
        let answer = record.map_or(Answer::NotFound, found);
        self.answer_after(cx, depends_on, Waiting::Read(request.call, answer));
        Ok(())
    }

    /// The request waits until the record of its user is read.
    pub(crate) fn wait_for_record(&mut self, cx: &mut Context<'_>, request: Request) {
        let id = request.operation.id().clone();
        if self.waiting.push(request) {
            let read = cx.read(self.member, ReadWhat::Record(id.clone()));
            self.reads.begin(read, Purpose::Record(id));
        }
    }

    /// The request waits until the answer is read that it got when it was applied.
    pub(crate) fn wait_for_answer(
        &mut self,
        cx: &mut Context<'_>,
        request: Request,
        applied: AppliedId,
    ) {
        let id = request.operation.id().clone();
        if self.waiting.push(request) {
            let what = ReadWhat::Answers { ids: vec![applied], bytes_max: 0 };
            let read = cx.read(self.member, what);
            self.reads.begin(read, Purpose::Answer(id, applied.request));
        }
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

    /// The answer of a request that was applied; none where that has to be read.
    pub(crate) fn repeated(&self, applied: AppliedId) -> Result<Option<Answer>, Fault> {
        if let Some(answer) = self.answer_at_hand(applied) {
            return Ok(Some(answer));
        }
        let Some(read) = self.waiting.answer(applied.request) else { return Ok(None) };
        Ok(Some(read?.ok_or_else(|| missing_answer(applied))?))
    }
}

/// An answer that must be there is not.
pub(crate) fn missing_answer(AppliedId { request, seq, .. }: AppliedId) -> ReadError {
    ReadError::Damaged(format!("the answer to {request}, applied by entry {seq}, is missing"))
}
