//! What a copy is, whichever of the two it is: a log, the records that follow from it, and the
//! view it acts on.
//!
//! ```text
//!   apply            a sync            every member has it
//!   -----> written ----------> durable ------------------> committed: the answers are released
//! ```
//!
//! Each part of the state has a type of its own. Whoever has the replica may read all of them.
//! What must change together is changed here: an entry is added to the log, to the table of
//! applied ids and to the waiting requests, or to none of them.
//!
//! | part | owns |
//! |---|---|
//! | [`acting`] | the view that the copy acts on, and the one it is storing |
//! | [`log`], [`extent`] | the entries: written, durable, committed; how far back they reach |
//! | [`verification`] | how far the log was looked at for damage |
//! | [`integrity`], [`install`] | the worth of the data; how a snapshot replaces it |
//! | [`last_salvage`], [`salvage`] | the last salvage of unreadable rows; what it changes |
//! | [`waiting`] | the requests that wait for the disk |
//!
//! [`snapshot_parts`] and [`stretch`] read the rows for the other copy. [`source`](super::source)
//! decides when an entry is committed.

pub(crate) mod acting;
mod extent;
mod install;
pub(crate) mod integrity;
mod last_salvage;
pub(crate) mod log;
mod salvage;
pub(crate) mod snapshot_parts;
mod stretch;
mod verification;
mod waiting;

pub(crate) use snapshot_parts::{Part, SnapshotParts};
pub(crate) use stretch::{Digest, stretch_of};
pub(crate) use waiting::WasRead;

use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::message::{CopyReport, FromNode, Holds, Progress, Reply, Request};
use protocol::view::{InSync, View};

use self::acting::{Acting, Admission};
use self::integrity::Integrity;
use self::last_salvage::LastSalvage;
use self::log::EntryLog;
use self::verification::Verification;
use self::waiting::WaitingRequests;
use super::applied::Applied;
use super::context::{Context, Fault};
use super::id::CopyId;
use super::reads::Reads;
use super::release::Releases;
use crate::node::settings::NodeSettings;
use crate::store::{Mark, Mutation, RecoveredCopy, Scope};

/// One copy of a partition.
#[derive(Debug)]
pub(crate) struct Replica {
    pub(super) id: CopyId,
    pub(super) acting: Acting,
    pub(super) log: EntryLog,
    pub(super) verification: Verification,
    pub(super) applied: Applied,
    pub(super) integrity: Integrity,
    pub(super) salvage: LastSalvage,
    /// The answers that wait for a commit.
    pub(super) releases: Releases,
    /// The requests that wait for a read.
    pub(super) waiting: WaitingRequests,
    /// The reads under way.
    pub(super) reads: Reads,
    /// The most rows that are read at once, of storage and of the tail each.
    rows_max: usize,
}

/// What a sync has brought to a copy.
pub(crate) struct Synced {
    /// Entries of it are durable that were not before.
    pub(crate) more_is_durable: bool,
    /// The view that it acts on from now.
    pub(crate) adopted: Option<View>,
    /// The requests that waited for that view.
    pub(crate) parked: Vec<Request>,
    /// What was salvaged is durable: the copy is whole.
    pub(crate) is_salvaged: bool,
}

impl Replica {
    /// A copy as it was found in storage.
    ///
    /// # Panics
    ///
    /// When the view found is of another partition.
    pub(crate) fn recovered(id: CopyId, settings: &NodeSettings, recovered: RecoveredCopy) -> Self {
        let (view, partition) = (recovered.view, id.partition);
        assert!(
            view.is_none_or(|view| view.partition == partition),
            "{view:?} is not of {partition}"
        );
        Self {
            id,
            acting: Acting::recovered(view),
            log: EntryLog::recovered(id.member, settings, &recovered),
            verification: Verification::default(),
            integrity: Integrity::recovered(&recovered),
            applied: Applied::recovered(recovered.applied, recovered.last.as_ref()),
            salvage: LastSalvage::recovered(recovered.salvage),
            releases: Releases::default(),
            waiting: WaitingRequests::default(),
            reads: Reads::of(id.member),
            rows_max: settings.rows_max,
        }
    }

    /// The view that it acts on.
    pub(crate) fn view(&self) -> Option<&View> {
        self.acting.view()
    }

    /// The rows, for a reader.
    pub(crate) fn parts(&self) -> SnapshotParts<'_> {
        SnapshotParts { log: &self.log, applied: &self.applied, rows_max: self.rows_max }
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            partition: self.id.partition,
            member: self.id.member,
            written: self.log.written(),
            durable: self.log.durable(),
            committed: self.log.committed(),
            condition: self.integrity.condition(),
        }
    }

    /// What the controller is told when the node is linked.
    pub(crate) fn report(&self) -> CopyReport {
        CopyReport {
            view: self.acting.newest().copied(),
            position: self.log.durable_position(),
            condition: self.integrity.condition(),
        }
    }

    /// Home serves alone: the controller hears of it before anyone hears of anything else.
    pub(crate) fn tell_alone(&self, cx: &mut Context<'_>) {
        let Some(View { partition, epoch, in_sync, .. }) = self.view().copied() else { return };
        if self.is_source() && matches!(in_sync, InSync::HomeOnly { .. }) {
            cx.tell_gateway(FromNode::ServesAlone { partition, epoch });
        }
    }

    /// The gateway hears how the salvage stands that the view remembers.
    pub(crate) fn tell_salvage(&self, cx: &mut Context<'_>) {
        if let Some(salvage) = self.salvage.accepted_by(self.view()).cloned() {
            cx.tell_gateway(FromNode::Salvage { partition: self.id.partition, salvage });
        }
    }

    /// The link to the gateway is gone: nobody waits for the answers any more.
    pub(crate) fn gateway_lost(&mut self) {
        self.releases.clear();
        self.waiting.forget();
        self.acting.forget_parked();
    }

    /// A view from the controller, or from the other copy.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        if self.acting.is_new(&view) {
            self.begin_salvage(cx, &view);
        }
        self.acting.offer(cx, self.id.member, view)
    }

    /// The mutations up to `mark` are durable. The reads that waited under a view that is over are
    /// fenced, and so are the updates that wait to be decided.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Synced {
        let more_is_durable = self.log.synced(mark);
        let is_salvaged = self.integrity.synced(mark);
        let Some((view, parked)) = self.acting.durable(mark) else {
            return Synced { more_is_durable, adopted: None, parked: Vec::new(), is_salvaged };
        };
        self.end_restoring(cx, &view);
        let waiting = self.waiting.fence(view.epoch);
        for call in self.releases.fence_reads().into_iter().chain(waiting) {
            cx.reply(call, Reply::Fenced);
        }
        if !self.is_named() {
            // What became of the updates that wait is for the other copy to say: it has their
            // entries, or nobody has.
            self.releases.clear();
        }
        Synced { more_is_durable, adopted: Some(view), parked, is_salvaged }
    }

    /// Judges a request by its epoch and the view (rules 2 and 8): returns it if it is to be served
    /// now.
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

    /// Whether it may act as a member: the view that it acts on names it, with the data that it
    /// has, and no part of that is missing.
    pub(crate) fn is_named(&self) -> bool {
        self.view().is_some_and(|view| self.id.is_in(view)) && self.integrity.condition().serves()
    }

    /// Whether it is this copy that sends to the other one, by the view that it acts on.
    pub(crate) fn is_source(&self) -> bool {
        let member = self.id.member;
        self.is_named() && self.view().is_some_and(|view| view.in_sync.source() == member)
    }

    /// Whether the newest view that it knows of names it, with the data that it has.
    pub(crate) fn is_counted_on(&self) -> bool {
        self.acting.newest().is_some_and(|view| self.id.is_in(view))
    }

    /// What of it the other copy can rely on; none while that is about to change. A member keeps
    /// its log, damaged or not: only what nobody counts on is to be replaced.
    pub(crate) fn holds(&self) -> Option<Holds> {
        let position = self.log.durable_position();
        match &self.integrity {
            // The snapshot's first entry is not durable: a loss of power would bring back what was
            // there before.
            Integrity::Installing(_) if self.log.is_all_in_flight() => None,
            Integrity::Installing(cursor) => Some(Holds::Part(position, cursor.clone())),
            Integrity::Installed(_) => None,
            Integrity::Damaged | Integrity::Salvaged(_) if self.is_counted_on() => {
                Some(Holds::Whole(position))
            }
            Integrity::Damaged | Integrity::Unreadable | Integrity::Salvaged(_) => {
                Some(Holds::Nothing)
            }
            Integrity::Whole => Some(Holds::Whole(position)),
        }
    }

    /// Writes the entry that follows the last one: the log, which has the applied id too, and the
    /// record, all or nothing.
    ///
    /// # Panics
    ///
    /// When it does not follow the last one.
    pub(crate) fn apply(&mut self, cx: &mut Context<'_>, entry: Entry) {
        let position = entry.position;
        assert_eq!(position, self.log.next_position(position.epoch), "a log has no gaps");
        let settled = self.applied.apply(&entry);
        let oldest_applied = self.applied.oldest_logged().unwrap_or(position.seq);
        let scope = match self.integrity.installing() {
            Some(cursor) if !cursor.covers(entry.change.id()) => Scope::WithoutRecord,
            Some(_) | None => Scope::Whole,
        };
        let mutation = Mutation::Apply {
            member: self.id.member,
            entry: entry.clone(),
            oldest_applied,
            settled,
            scope,
        };
        let mark = cx.write(mutation);
        self.waiting.note(&entry);
        self.log.append(mark, entry);
    }

    /// The entries up to this one are committed, as far as they were not yet: their answers are
    /// released.
    ///
    /// # Panics
    ///
    /// When they are not durable here.
    pub(crate) fn commit(&mut self, cx: &mut Context<'_>, committed: Seq) {
        if committed <= self.log.committed() {
            return;
        }
        assert!(committed <= self.log.durable(), "nothing is committed that is not durable");
        self.log.commit(committed);
        for (call, answer) in self.releases.release(committed) {
            cx.answer(call, answer);
        }
    }

    /// A row is not what was written. Returns whether that is news.
    pub(crate) fn mark_damaged(&mut self, cx: &mut Context<'_>) -> bool {
        let is_news = self.integrity.damage();
        if is_news {
            cx.write(Mutation::MarkDamaged { member: self.id.member });
        }
        is_news
    }
}
