//! The home copy: the primary, where updates enter.
//!
//! ```text
//!   gateway                home                                   next
//!      | update             |                                       |
//!      |------------------->| duplicate? precondition? next seq     |
//!      |                    | write ... synced: durable at home     |
//!      |                    |-- append (durable entries only) ----->| write ... synced
//!      |                    |<------------------------- durable ----|
//!      |<--- answer --------| committed: release                    |
//! ```
//!
//! Nothing waits for the update before it: many share one sync and one append.
//!
//! Invariants: `committed ≤ durable ≤ written`; the log has no gaps; what is committed never goes back; what was sent
//! to next is durable here (rule 4, *prefix*).
//!
//! Here are requests and views; [`replication`] has the session with next, [`joining`] how an out-of-sync next comes
//! back into the view.

mod joining;
mod replication;

use protocol::entry::{Answer, Change, Entry};
use protocol::id::{Incarnation, PartitionId, Position, RequestId, Seq};
use protocol::message::{Action, CallId, FromNode, Operation, Progress, Reply, Request, Update};
use protocol::user::{User, UserId};
use protocol::view::{InSync, Member, View};

use self::joining::Join;
use self::replication::NextLink;
use super::acting::{Acting, Admission};
use super::applied::Applied;
use super::context::{Context, Fault, GatewayLink};
use super::durability::Durability;
use super::release::{Releases, Waiting};
use super::tail::Tail;
use crate::node::NodeSettings;
use crate::store::{Mark, Mutation, ReadError, RecoveredCopy, StoredRecord};
use crate::time::{Time, earliest};

/// The home copy of a node.
#[derive(Debug)]
pub struct HomeCopy {
    partition: PartitionId,
    me: Incarnation,
    settings: NodeSettings,
    acting: Acting,
    written: Position,
    log_from: Seq,
    durability: Durability,
    committed: Seq,
    /// The last entry found at the start. Whether it was committed is not stored, so until it is (again), nobody is
    /// told of anything that was found.
    found: Seq,
    tail: Tail,
    applied: Applied,
    releases: Releases,
    next: NextLink,
    join: Join,
}

/// A record in its newest state, and the entry that has to be committed before anyone is told of it.
struct Newest {
    record: Option<StoredRecord>,
    depends_on: Option<Seq>,
}

impl HomeCopy {
    pub(crate) fn recovered(
        partition: PartitionId,
        me: Incarnation,
        settings: NodeSettings,
        recovered: RecoveredCopy,
        now: Time,
    ) -> Self {
        let view = recovered.view;
        assert!(
            view.is_none_or(|view| view.partition == partition),
            "{view:?} is not of {partition}"
        );
        Self {
            partition,
            me,
            settings,
            acting: Acting::recovered(view),
            written: recovered.written,
            log_from: recovered.log_from,
            durability: Durability::recovered(recovered.written.seq),
            committed: Seq::ZERO,
            found: recovered.written.seq,
            tail: Tail::default(),
            applied: Applied::recovered(recovered.applied, recovered.unsettled_from),
            releases: Releases::default(),
            next: NextLink::down(now),
            join: Join::default(),
        }
    }

    /// The partition.
    pub fn partition(&self) -> PartitionId {
        self.partition
    }

    /// The view that the copy acts on.
    pub fn view(&self) -> Option<&View> {
        self.acting.view()
    }

    /// How far the copy is.
    pub fn progress(&self) -> Progress {
        Progress {
            partition: self.partition,
            member: Member::Home,
            written: self.written,
            durable: self.durability.seq(),
            committed: self.committed,
        }
    }

    /// The gateway's welcome on a new link: whatever was begun on the link before is over.
    pub(crate) fn welcomed(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.gateway_lost();
        self.join.end();
        self.next.forget_report();
        self.offer(cx, view)?;
        self.proceed(cx)
    }

    /// The link to the gateway is gone: nobody waits for the answers any more.
    pub(crate) fn gateway_lost(&mut self) {
        self.releases.clear();
        self.acting.forget_parked();
    }

    /// A view from the controller, or from next.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.acting.offer(cx, Member::Home, view)
    }

    /// The mutations up to `mark` are durable.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        let more_durable = self.durability.synced(mark);
        let adopted = self.acting.durable(mark);
        if let Some((_, parked)) = adopted {
            self.fence_reads(cx);
            self.join.end();
            self.next.view_changed();
            self.proceed(cx)?;
            for request in parked {
                self.request(cx, request)?;
            }
        } else if more_durable {
            self.proceed(cx)?;
        }
        Ok(())
    }

    /// A read or an update.
    pub(crate) fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        match self.acting.admit(request.epoch) {
            Admission::Serve => self.serve(cx, request),
            Admission::Park => {
                self.acting.park(request);
                Ok(())
            }
            Admission::Fence => {
                cx.reply(request.call, Reply::Fenced);
                Ok(())
            }
            Admission::ProtocolError => {
                Err(cx
                    .gateway_fault(format!("a request of epoch {} before its view", request.epoch)))
            }
        }
    }

    fn serve(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let view = self.acting.view().unwrap_or_else(|| unreachable!("admitted under a view"));
        if view.in_sync.incarnation(Member::Home) != Some(self.me) {
            cx.reply(request.call, Reply::Fenced);
            return Ok(());
        }
        match request.operation {
            Operation::Read(_) if view.in_sync.reader() != Member::Home => {
                Err(cx.gateway_fault(format!("a read at home under {view}")))
            }
            Operation::Read(id) => self.read(cx, request.call, &id),
            Operation::Update(update) => self.update(cx, request.call, update),
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, call: CallId, id: &UserId) -> Result<(), Fault> {
        let newest = self.newest(cx, id)?;
        let answer = newest.record.map_or(Answer::NotFound, |StoredRecord { position, record }| {
            Answer::Found { position, record }
        });
        self.answer_after(cx, newest.depends_on, Waiting::Read(call, answer));
        Ok(())
    }

    fn update(&mut self, cx: &mut Context<'_>, call: CallId, update: Update) -> Result<(), Fault> {
        let id = update.request;
        let foreign = cx.gateway.is_none_or(|gateway| gateway.boot != id.boot);
        if foreign || id.counter < update.unsettled_from || self.applied.is_settled(id) {
            cx.reply(call, Reply::Settled);
            return Ok(());
        }
        // Duplicates first: a precondition that held the first time need not hold after it.
        if let Some(seq) = self.applied.seq_of(id) {
            let answer = self.repeated(cx, id, seq)?;
            self.answer_after(cx, Some(seq), Waiting::Update(call, answer));
            return Ok(());
        }
        let newest = self.newest(cx, update.action.id())?;
        match decide(update.action, newest.record)? {
            Decision::Refuse(answer) => {
                self.answer_after(cx, newest.depends_on, Waiting::Update(call, answer));
            }
            Decision::Apply(change) => {
                let entry = self.append(cx, update.request, update.unsettled_from, change);
                let answer = entry.answer();
                self.answer_after(cx, Some(entry.position.seq), Waiting::Update(call, answer));
            }
        }
        Ok(())
    }

    /// Gives a change the next place in the log and writes it.
    fn append(
        &mut self,
        cx: &mut Context<'_>,
        request: RequestId,
        unsettled_from: u64,
        change: Change,
    ) -> Entry {
        let epoch = self.acting.view().unwrap_or_else(|| unreachable!("served under a view")).epoch;
        assert!(epoch >= self.written.epoch, "the log's epochs never go back");
        let position = Position { epoch, seq: self.written.seq.next() };
        let entry = Entry { position, request, unsettled_from, change };
        let settled = self.applied.apply(&entry);
        let mutation = Mutation::Apply { member: Member::Home, entry: entry.clone(), settled };
        let mark = cx.write(mutation);
        self.written = position;
        if self.log_from == Seq::ZERO {
            self.log_from = position.seq;
        }
        self.durability.wrote(mark, position.seq);
        self.tail.push(entry.clone());
        entry
    }

    fn repeated(&self, cx: &Context<'_>, request: RequestId, seq: Seq) -> Result<Answer, Fault> {
        if let Some(entry) = self.tail.entry(seq) {
            return Ok(entry.answer());
        }
        let missing = || {
            ReadError(format!("the answer of {request} is missing though entry {seq} applied it"))
        };
        Ok(cx.stored.applied(Member::Home, request)?.ok_or_else(missing)?)
    }

    fn newest(&self, cx: &Context<'_>, id: &UserId) -> Result<Newest, Fault> {
        if let Some(uncommitted) = self.tail.record(id) {
            return Ok(Newest { record: uncommitted.record, depends_on: Some(uncommitted.seq) });
        }
        let depends_on = (self.committed < self.found).then_some(self.found);
        Ok(Newest { record: cx.stored.record(Member::Home, id)?, depends_on })
    }

    /// Rule 3, *release*: answers at once where nothing uncommitted is involved.
    fn answer_after(&mut self, cx: &mut Context<'_>, depends_on: Option<Seq>, waiting: Waiting) {
        match (depends_on, waiting) {
            (Some(seq), waiting) if seq > self.committed => self.releases.wait(seq, waiting),
            (_, Waiting::Read(call, answer) | Waiting::Update(call, answer)) => {
                cx.answer(call, answer)
            }
        }
    }

    fn fence_reads(&mut self, cx: &mut Context<'_>) {
        for call in self.releases.fence_reads() {
            cx.reply(call, Reply::Fenced);
        }
    }

    /// Does whatever has become possible: commits and releases, sends, asks, trims.
    fn proceed(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        self.commit(cx);
        self.send_entries(cx)?;
        self.pursue_joining(cx);
        // Joining may have ended in giving up, which lets the copy commit alone again.
        self.commit(cx);
        self.report_next(cx);
        self.trim_log(cx);
        Ok(())
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        let committed = self.committable();
        if committed <= self.committed {
            return;
        }
        assert!(committed <= self.durability.seq(), "nothing is committed that is not durable");
        self.committed = committed;
        self.tail.commit(committed);
        for (call, answer) in self.releases.release(committed) {
            cx.answer(call, answer);
        }
    }

    /// The last entry that may be committed: durable on every member of the view, on those of the view that is being
    /// stored, and on the joiner while an ask is open or about to be (rule 6).
    fn committable(&self) -> Seq {
        let Some(acting) = self.acting.view() else { return Seq::ZERO };
        let views = [Some(acting), self.acting.storing()];
        let mut committable = self.durability.seq();
        for in_sync in views.into_iter().flatten().map(|view| view.in_sync) {
            match in_sync {
                InSync::HomeOnly { home } if home == self.me => {}
                InSync::Both { home, next } if home == self.me => {
                    committable = committable.min(self.next.durable_at(next));
                }
                InSync::HomeOnly { .. } | InSync::Both { .. } | InSync::NextOnly { .. } => {
                    return Seq::ZERO;
                }
            }
        }
        match self.join.holds_for() {
            Some(joiner) => committable.min(self.next.durable_at(joiner)),
            None => committable,
        }
    }

    /// Tells the gateway whether next can be reached, where the view needs it to be (it shrinks on that).
    fn report_next(&mut self, cx: &mut Context<'_>) {
        let partition = self.partition;
        let Some(View { epoch, .. }) = self.acting.view().copied() else { return };
        if cx.gateway.is_none() {
            return;
        }
        if self.next.is_open() {
            if self.next.forget_report() {
                cx.tell_gateway(FromNode::NextReachable { partition });
            }
        } else if self.needs_next() && self.next.report_is_due(cx.now, self.settings.patience) {
            cx.tell_gateway(FromNode::NextUnreachable { partition, epoch });
        }
    }

    /// Whether the view has next in sync, so that nothing commits without it.
    fn needs_next(&self) -> bool {
        let both =
            |view: &View| matches!(view.in_sync, InSync::Both { home, .. } if home == self.me);
        self.acting.view().is_some_and(both)
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let stalled = self.next.stalled(cx.now, self.settings.append_deadline);
        if stalled.is_some() {
            // Next had its time: the gateway is told at once.
            self.next.close(Time::ZERO);
        }
        self.proceed(cx)?;
        match stalled {
            Some(link) => {
                let waited = self.settings.append_deadline;
                Err(Fault::protocol_error(
                    link,
                    format!("no append was made durable for {waited:?}"),
                ))
            }
            None => Ok(()),
        }
    }

    /// When to tick at the latest.
    pub(crate) fn deadline(&self, gateway: Option<GatewayLink>) -> Option<Time> {
        let reports = gateway.is_some() && self.needs_next();
        earliest([
            self.next.report_deadline(self.settings.patience).filter(|_| reports),
            self.next.stall_deadline(self.settings.append_deadline),
            self.join.deadline(self.settings.hold_max),
        ])
    }
}

enum Decision {
    Refuse(Answer),
    Apply(Change),
}

/// Decides an update on the newest state of its record.
fn decide(action: Action, current: Option<StoredRecord>) -> Result<Decision, Fault> {
    Ok(match (action, current) {
        (Action::Create(_), Some(_)) => Decision::Refuse(Answer::AlreadyExists),
        (Action::Create(user), None) => {
            let record = user.to_json();
            Decision::Apply(Change::Create { id: user.id, record })
        }
        (Action::Change { .. } | Action::Delete { .. }, None) => Decision::Refuse(Answer::NotFound),
        (Action::Change { if_match: Some(position), .. }, Some(current))
        | (Action::Delete { if_match: Some(position), .. }, Some(current))
            if position != current.position =>
        {
            Decision::Refuse(Answer::PreconditionFailed)
        }
        (Action::Change { patch, .. }, Some(current)) => {
            let damaged = |error| ReadError(format!("a record is damaged: {error}"));
            let user = User::from_json(&current.record).map_err(damaged)?;
            let record = user.patched(&patch).to_json();
            Decision::Apply(Change::Replace { id: patch.id, record })
        }
        (Action::Delete { id, .. }, Some(_)) => Decision::Apply(Change::Delete { id }),
    })
}
