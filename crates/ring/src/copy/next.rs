//! The next copy: the replica of the partition of the node before this one, where reads leave.
//!
//! ```text
//!   home                          next                      gateway
//!     | append (view, entries)     |                            |
//!     |--------------------------->| write ... synced           |
//!     |<----------------- durable--| committed: release ------->| answer
//! ```
//!
//! What is durable here is committed here: home sends only what is durable on itself (rule 4).
//!
//! Invariants: `durable ≤ written`; the log has no gaps and is a prefix of home's.

use protocol::entry::{Answer, Entry};
use protocol::id::{Incarnation, PartitionId, Position, Seq};
use protocol::message::{CallId, FromNext, Operation, Progress, Reply, Request, ToNext};
use protocol::user::UserId;
use protocol::view::{Member, View};

use super::acting::{Acting, Admission};
use super::applied::Applied;
use super::context::{Context, Fault};
use super::durability::Durability;
use super::release::{Releases, Waiting};
use super::tail::Tail;
use crate::link::LinkId;
use crate::store::{Mark, Mutation, RecoveredCopy};

/// The log is trimmed in steps of this many entries.
const TRIM_STEP: u64 = 1024;

/// The next copy of a node.
#[derive(Debug)]
pub struct NextCopy {
    partition: PartitionId,
    me: Incarnation,
    acting: Acting,
    written: Position,
    log_from: Seq,
    durability: Durability,
    tail: Tail,
    applied: Applied,
    releases: Releases,
    home: HomeLink,
}

/// The link from home.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum HomeLink {
    Down,
    /// Linked; the greeting waits until all that was written is durable.
    Ungreeted(LinkId),
    /// Greeted. `owes_fence`: an append named an older view than the one that is being stored; home is told once it is
    /// durable.
    Open {
        link: LinkId,
        owes_fence: bool,
    },
}

impl NextCopy {
    pub(crate) fn recovered(
        partition: PartitionId,
        me: Incarnation,
        recovered: RecoveredCopy,
    ) -> Self {
        let view = recovered.view;
        assert!(
            view.is_none_or(|view| view.partition == partition),
            "{view:?} is not of {partition}"
        );
        Self {
            partition,
            me,
            acting: Acting::recovered(view),
            written: recovered.written,
            log_from: recovered.log_from,
            durability: Durability::recovered(recovered.written.seq),
            tail: Tail::default(),
            applied: Applied::recovered(recovered.applied, recovered.unsettled_from),
            releases: Releases::default(),
            home: HomeLink::Down,
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
            member: Member::Next,
            written: self.written,
            durable: self.durability.seq(),
            committed: self.durability.seq(),
        }
    }

    /// The gateway's welcome on a new link: nobody waits for the answers of the link before.
    pub(crate) fn welcomed(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.gateway_lost();
        self.offer(cx, view)
    }

    /// The link to the gateway is gone.
    pub(crate) fn gateway_lost(&mut self) {
        self.releases.clear();
        self.acting.forget_parked();
    }

    /// A view from the controller, or from home.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.acting.offer(cx, Member::Next, view)
    }

    /// The mutations up to `mark` are durable.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        // The view first: what it fences must not be released by the entries that became durable along with it.
        let parked = match self.acting.durable(mark) {
            Some((view, parked)) => {
                self.act_on(cx, view);
                parked
            }
            None => Vec::new(),
        };
        if self.durability.synced(mark) {
            self.commit(cx);
        }
        for request in parked {
            self.request(cx, request)?;
        }
        self.greet(cx);
        Ok(())
    }

    fn act_on(&mut self, cx: &mut Context<'_>, view: View) {
        for call in self.releases.fence_reads() {
            cx.reply(call, Reply::Fenced);
        }
        if let HomeLink::Open { link, owes_fence: owes_fence @ true } = &mut self.home {
            *owes_fence = false;
            cx.tell_home(*link, FromNext::Fenced { view });
        }
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        let durable = self.durability.seq();
        self.tail.commit(durable);
        for (call, answer) in self.releases.release(durable) {
            cx.answer(call, answer);
        }
        if let HomeLink::Open { link, .. } = self.home {
            cx.tell_home(link, FromNext::Durable { seq: durable });
        }
    }

    /// A request.
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

    /// Rule 8: out of sync never serves, not even when it is the only copy alive.
    fn serve(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let in_sync = self.acting.view().and_then(|view| view.in_sync.incarnation(Member::Next));
        if in_sync != Some(self.me) {
            cx.reply(request.call, Reply::Fenced);
            return Ok(());
        }
        match request.operation {
            Operation::Read(id) => self.read(cx, request.call, &id),
            Operation::Update(_) => {
                Err(cx.gateway_fault("an update at next: only the primary updates"))
            }
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, call: CallId, id: &UserId) -> Result<(), Fault> {
        let (record, depends_on) = match self.tail.record(id) {
            Some(uncommitted) => (uncommitted.record, Some(uncommitted.seq)),
            None => (cx.stored.record(Member::Next, id)?, None),
        };
        let answer = record.map_or(Answer::NotFound, |found| Answer::Found {
            position: found.position,
            record: found.record,
        });
        match depends_on {
            Some(seq) => self.releases.wait(seq, Waiting::Read(call, answer)),
            None => cx.answer(call, answer),
        }
        Ok(())
    }

    /// A new link from home. It takes the place of one before, which is returned.
    pub(crate) fn home_linked(&mut self, cx: &mut Context<'_>, link: LinkId) -> Option<LinkId> {
        let before = std::mem::replace(&mut self.home, HomeLink::Ungreeted(link));
        self.greet(cx);
        match before {
            HomeLink::Ungreeted(before) | HomeLink::Open { link: before, .. } => Some(before),
            HomeLink::Down => None,
        }
    }

    /// The link from home is gone.
    pub(crate) fn home_lost(&mut self, link: LinkId) {
        if self.is_home(link) {
            self.home = HomeLink::Down;
        }
    }

    fn is_home(&self, link: LinkId) -> bool {
        match self.home {
            HomeLink::Ungreeted(home) | HomeLink::Open { link: home, .. } => home == link,
            HomeLink::Down => false,
        }
    }

    /// Tells home how far the copy is, once that is durable.
    fn greet(&mut self, cx: &mut Context<'_>) {
        let HomeLink::Ungreeted(link) = self.home else { return };
        if self.durability.seq() == self.written.seq {
            let (view, position) = (self.acting.view().copied(), self.written);
            cx.tell_home(link, FromNext::Greeting { view, position });
            self.home = HomeLink::Open { link, owes_fence: false };
        }
    }

    /// A message from home.
    pub(crate) fn home_says(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        message: ToNext,
    ) -> Result<(), Fault> {
        if !self.is_home(link) {
            return Ok(());
        }
        let ToNext::Append { view, previous, entries, keep_from } = message;
        let HomeLink::Open { owes_fence, .. } = &mut self.home else {
            return Err(Fault::protocol_error(link, "an append before the greeting"));
        };
        if view.partition != self.partition || view.in_sync.incarnation(Member::Home).is_none() {
            return Err(Fault::protocol_error(link, format!("an append under {view}")));
        }
        if let Some(newest) = self.acting.newest().filter(|newest| newest.epoch > view.epoch) {
            if self.acting.storing().is_some() {
                *owes_fence = true;
            } else {
                cx.tell_home(link, FromNext::Fenced { view: *newest });
            }
            return Ok(());
        }
        self.offer(cx, view)?;
        self.append(cx, link, previous, entries)?;
        self.trim_log(cx, keep_from);
        Ok(())
    }

    /// Rule 4: whatever home sends follows what is here, or is here already.
    fn append(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        previous: Position,
        entries: Vec<Entry>,
    ) -> Result<(), Fault> {
        if previous.seq > self.written.seq {
            return Err(Fault::protocol_error(
                link,
                format!("entries after {previous}, next is at {}", self.written),
            ));
        }
        if previous.seq == self.written.seq && previous != self.written {
            return Err(Fault::protocol_error(
                link,
                format!("home holds {previous}, next {}", self.written),
            ));
        }
        for entry in entries {
            let position = entry.position;
            if position.seq <= self.written.seq {
                continue;
            }
            if position.seq != self.written.seq.next() || position.epoch < self.written.epoch {
                return Err(Fault::protocol_error(
                    link,
                    format!("entry {position} after {}", self.written),
                ));
            }
            self.apply(cx, entry);
        }
        Ok(())
    }

    fn apply(&mut self, cx: &mut Context<'_>, entry: Entry) {
        let position = entry.position;
        let settled = self.applied.apply(&entry);
        let mutation = Mutation::Apply { member: Member::Next, entry: entry.clone(), settled };
        let mark = cx.write(mutation);
        self.written = position;
        if self.log_from == Seq::ZERO {
            self.log_from = position.seq;
        }
        self.durability.wrote(mark, position.seq);
        self.tail.push(entry);
    }

    fn trim_log(&mut self, cx: &mut Context<'_>, keep_from: Seq) {
        let below = keep_from.min(self.durability.seq());
        if below.0 >= self.log_from.0.saturating_add(TRIM_STEP) {
            cx.write(Mutation::TrimLog { member: Member::Next, below });
            self.log_from = below;
        }
    }
}
