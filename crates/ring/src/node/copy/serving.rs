//! What a copy answers: reads, and updates (see [`updates`](super::updates)).
//!
//! A request waits where the storage has to be read first, and is served again then. Its answer
//! waits for the entries that it is computed from (rule 3).

use protocol::entry::Answer;
use protocol::id::Seq;
use protocol::message::{Operation, Reply, Request, Update};
use protocol::user::UserId;

use super::applied::missing_answer;
use super::context::{Context, Fault};
use super::reads::Purpose;
use super::release::Waiting;
use super::replica::Replica;
use super::tail::Latest;
use crate::store::{AppliedId, AtHand, ReadWhat, StoredRecord};

/// A record in its newest state, and the entry that has to be committed before anyone is told of
/// it.
pub(super) struct Newest {
    pub(super) record: Option<StoredRecord>,
    pub(super) depends_on: Option<Seq>,
}

/// Serves requests. It changes the replica: an update makes an entry.
pub(super) struct Serving<'a> {
    pub(super) replica: &'a mut Replica,
}

impl Serving<'_> {
    /// A read or an update. One that meets damage is turned away.
    pub(super) fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let call = request.call;
        let served = self.serve(cx, request);
        if matches!(served, Err(Fault::Damaged(_))) {
            cx.reply(call, Reply::Fenced);
        }
        served
    }

    fn serve(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let Some(request) = self.replica.admit(cx, request)? else { return Ok(()) };
        let view = self.replica.view().unwrap_or_else(|| unreachable!("admitted under a view"));
        let member = self.replica.id.member;
        match &request.operation {
            Operation::Read(_) if view.in_sync.reader() != member => {
                return Err(cx.gateway_fault(format!("a read at {member} under {view}")));
            }
            Operation::Update(_) if view.in_sync.primary() != Some(member) => {
                return Err(cx.gateway_fault(format!("an update at {member} under {view}")));
            }
            Operation::Read(_) | Operation::Update(_) => {}
        }
        let Some(request) = self.replica.waiting.queue(request) else { return Ok(()) };
        match request.operation {
            Operation::Read(_) => self.read(cx, request),
            Operation::Update(Update { request: id, unsettled_from, .. }) => {
                self.update(cx, request, id, unsettled_from)
            }
        }
    }

    /// The newest state of a user's record; none where that has to be read.
    pub(super) fn newest(&self, cx: &Context<'_>, id: &UserId) -> Result<Option<Newest>, Fault> {
        if let Some(Latest { seq, record }) = self.replica.log.tail().record(id) {
            return Ok(Some(Newest { record, depends_on: Some(seq) }));
        }
        let record = match self.replica.waiting.record(id) {
            Some(read) => read?,
            None => match cx.stored.at_hand(self.replica.id.member, id)? {
                AtHand::Record(record) => Some(record),
                AtHand::Absent => None,
                AtHand::Unknown => return Ok(None),
            },
        };
        let depends_on = self.replica.log.found_uncommitted();
        Ok(Some(Newest { record, depends_on }))
    }

    /// Answers a read.
    fn read(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
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
    pub(super) fn wait_for_record(&mut self, cx: &mut Context<'_>, request: Request) {
        let id = request.operation.id().clone();
        if self.replica.waiting.push(request) {
            let what = ReadWhat::Record(id.clone());
            self.replica.reads.begin(cx, what, Purpose::Record(id));
        }
    }

    /// The request waits until the answer is read that it got when it was applied.
    pub(super) fn wait_for_answer(
        &mut self,
        cx: &mut Context<'_>,
        request: Request,
        applied: AppliedId,
    ) {
        let id = request.operation.id().clone();
        if self.replica.waiting.push(request) {
            let what = ReadWhat::Answers { ids: vec![applied], bytes_max: 0 };
            self.replica.reads.begin(cx, what, Purpose::Answer(id, applied.request));
        }
    }

    /// Rule 3, *release*: answers at once where nothing uncommitted is involved.
    pub(super) fn answer_after(
        &mut self,
        cx: &mut Context<'_>,
        depends_on: Option<Seq>,
        waiting: Waiting,
    ) {
        match (depends_on, waiting) {
            (Some(seq), waiting) if seq > self.replica.log.committed() => {
                self.replica.releases.wait(seq, waiting);
            }
            (_, Waiting::Read(call, answer) | Waiting::Update(call, answer)) => {
                cx.answer(call, answer)
            }
        }
    }

    /// The answer of a request that was applied; none where that has to be read.
    pub(super) fn repeated(&self, applied: AppliedId) -> Result<Option<Answer>, Fault> {
        if let Some(answer) = self.replica.parts().answer_at_hand(applied) {
            return Ok(Some(answer));
        }
        let read = self.replica.waiting.answer(applied.request);
        let Some(read) = read else { return Ok(None) };
        Ok(Some(read?.ok_or_else(|| missing_answer(applied))?))
    }
}
