//! What a copy is, whichever of the two it is: a log, the records that follow from it, and the view it acts on.
//!
//! ```text
//!   apply            a sync            every member has it
//!   -----> written ----------> durable ------------------> committed: release the answers that waited for it
//! ```
//!
//! Invariants: `committed ≤ durable ≤ written`; the log has no gaps and its epochs never go back; what is committed
//! never goes back, unless all is dropped for a snapshot.
//!
//! Here is how the state moves; [`answers`] is what the gateway hears of it, [`waiting`] has the requests that wait for the
//! disk, [`log`], [`scan`] and [`stretch`] are what the other copy hears, [`install`] is how a snapshot takes the place of what
//! is here, [`integrity`] what all of it is worth, [`salvage`] how it drops what it cannot read. When an entry is committed is not decided here: see [`copy`](super).

mod answers;
mod extent;
mod install;
mod integrity;
mod log;
mod salvage;
mod scan;
mod stretch;
mod waiting;

pub(crate) use answers::{Known, Newest, missing_answer};
pub(crate) use scan::Part;
pub(crate) use stretch::{Digest, stretch_of};
pub(crate) use waiting::WasRead;

use protocol::entry::Entry;
use protocol::id::{Epoch, Incarnation, PartitionId, Position, Seq};
use protocol::message::{CopyReport, Progress, Reply, Request};
use protocol::view::{Member, View};

use self::extent::{Extent, Retention};
use self::integrity::Integrity;
use self::waiting::WaitingRequests;
use super::acting::Acting;
use super::applied::Applied;
use super::context::{Context, Fault};
use super::durability::Durability;
use super::reads::Reads;
use super::release::Releases;
use super::tail::{Pin, Tail};
use crate::node::settings::NodeSettings;
use crate::store::{Mark, Mutation, RecoveredCopy, SalvageRow, Scope};

/// One copy of a partition.
#[derive(Debug)]
pub(crate) struct Replica {
    partition: PartitionId,
    member: Member,
    me: Incarnation,
    acting: Acting,
    written: Position,
    /// The entry that was written last.
    last: Option<Entry>,
    extent: Extent,
    retention: Retention,
    /// The most rows that are read at once, of storage and of the tail each.
    rows_max: usize,
    /// The log was looked at up to here.
    verified: Seq,
    durability: Durability,
    committed: Seq,
    /// The last entry found at the start. Until it is committed (whether it was is not stored), nobody is told of
    /// anything that was found.
    found: Seq,
    tail: Tail,
    applied: Applied,
    releases: Releases,
    /// What is being read.
    pub(crate) reads: Reads,
    /// The requests that wait for that.
    pub(crate) waiting: WaitingRequests,
    integrity: Integrity,
    /// The last salvage, if there was one.
    salvage: Option<SalvageRow>,
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
    pub(crate) fn recovered(
        (partition, member): (PartitionId, Member),
        me: Incarnation,
        settings: &NodeSettings,
        recovered: RecoveredCopy,
    ) -> Self {
        let (written, integrity) = (recovered.written(), Integrity::recovered(&recovered));
        let RecoveredCopy { view, log_from, last, applied, log_sizes, salvage, .. } = recovered;
        assert!(
            view.is_none_or(|view| view.partition == partition),
            "{view:?} is not of {partition}"
        );
        let committed = match member {
            Member::Home => Seq::ZERO,
            // Home sends only what is durable there, so what next has is durable on both.
            Member::Next => written.seq,
        };
        Self {
            partition,
            member,
            me,
            acting: Acting::recovered(view),
            written,
            applied: Applied::recovered(applied, last.as_ref()),
            last,
            extent: Extent::recovered(log_from, &log_sizes),
            retention: Retention {
                entries: settings.log_entries_kept,
                bytes: settings.log_bytes_kept,
            },
            rows_max: settings.rows_max,
            verified: Seq::ZERO,
            durability: Durability::recovered(written),
            committed,
            found: written.seq,
            tail: Tail::default(),
            releases: Releases::default(),
            reads: Reads::default(),
            waiting: WaitingRequests::default(),
            integrity,
            salvage,
        }
    }

    pub(crate) fn partition(&self) -> PartitionId {
        self.partition
    }

    /// Which of the two copies it is.
    pub(crate) fn member(&self) -> Member {
        self.member
    }

    /// The data of the node that holds it.
    pub(crate) fn me(&self) -> Incarnation {
        self.me
    }

    /// The view that it acts on.
    pub(crate) fn view(&self) -> Option<&View> {
        self.acting.view()
    }

    /// The view that is being stored.
    pub(crate) fn storing(&self) -> Option<&View> {
        self.acting.storing()
    }

    /// The newest view that is known, acted on or not.
    pub(crate) fn newest_view(&self) -> Option<&View> {
        self.acting.newest()
    }

    pub(crate) fn written(&self) -> Position {
        self.written
    }

    pub(crate) fn durable(&self) -> Seq {
        self.durability.position().seq
    }

    /// The last entry that is durable.
    pub(crate) fn durable_position(&self) -> Position {
        self.durability.position()
    }

    pub(crate) fn committed(&self) -> Seq {
        self.committed
    }

    /// The first entry that the log still has; [`Seq::ZERO`] where it has none.
    pub(crate) fn log_from(&self) -> Seq {
        self.extent.from()
    }

    pub(crate) fn progress(&self) -> Progress {
        Progress {
            partition: self.partition,
            member: self.member,
            written: self.written,
            durable: self.durable(),
            committed: self.committed,
            condition: self.condition(),
        }
    }

    /// What the controller is told when the node is linked.
    pub(crate) fn report(&self) -> CopyReport {
        CopyReport {
            view: self.newest_view().copied(),
            position: self.durable_position(),
            condition: self.condition(),
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
        self.acting.offer(cx, self.member, view)
    }

    /// The mutations up to `mark` are durable. The reads that waited under a view that is over are fenced, and so are the
    /// updates that wait to be decided.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Synced {
        let more_is_durable = self.durability.synced(mark);
        let is_salvaged = self.integrity_synced(mark);
        let Some((view, parked)) = self.acting.durable(mark) else {
            return Synced { more_is_durable, adopted: None, parked: Vec::new(), is_salvaged };
        };
        self.end_restoring(cx, &view);
        let waiting = self.waiting.fence(view.epoch);
        for call in self.releases.fence_reads().into_iter().chain(waiting) {
            cx.reply(call, Reply::Fenced);
        }
        if !self.is_named() {
            // What became of the updates that wait is for the other copy to say: it has their entries, or nobody has.
            self.releases.clear();
        }
        Synced { more_is_durable, adopted: Some(view), parked, is_salvaged }
    }

    /// Whether it may act as a member: the view that it acts on names it, with the data that it has, and no part of that
    /// is missing.
    pub(crate) fn is_named(&self) -> bool {
        let named = self.view().and_then(|view| view.in_sync.incarnation(self.member));
        named == Some(self.me) && self.condition().serves()
    }

    /// Whether the newest view that it knows of names it, with the data that it has.
    pub(crate) fn is_counted_on(&self) -> bool {
        self.newest_view().and_then(|view| view.in_sync.incarnation(self.member)) == Some(self.me)
    }

    /// The place in the log for an entry that is made now.
    ///
    /// # Panics
    ///
    /// When the epoch is older than the last entry's.
    pub(crate) fn next_position(&self, epoch: Epoch) -> Position {
        assert!(epoch >= self.written.epoch, "the log's epochs never go back");
        Position { epoch, seq: self.written.seq.next() }
    }

    /// Writes the entry that follows the last one: the log, which has the applied id too, and the record, all or nothing.
    ///
    /// # Panics
    ///
    /// When it does not follow the last one.
    pub(crate) fn apply(&mut self, cx: &mut Context<'_>, entry: Entry) {
        let position = entry.position;
        assert_eq!(position, self.next_position(position.epoch), "a log has no gaps");
        let settled = self.applied.apply(&entry);
        let oldest_applied = self.applied.oldest_logged().unwrap_or(position.seq);
        let scope = match self.installing() {
            Some(cursor) if !cursor.covers(entry.change.id()) => Scope::WithoutRecord,
            Some(_) | None => Scope::Whole,
        };
        let mutation = Mutation::Apply {
            member: self.member,
            entry: entry.clone(),
            oldest_applied,
            settled,
            scope,
        };
        let mark = cx.write(mutation);
        self.written = position;
        self.extent.push(position.seq, entry.size_bytes());
        self.durability.wrote(mark, position);
        self.last = Some(entry.clone());
        self.waiting.note(&entry);
        self.tail.push(entry);
    }

    /// Keeps the entries that are not committed, and those that come, for a read of rows that begins now.
    pub(crate) fn pin(&mut self) -> Pin {
        self.tail.pin(self.committed.next())
    }

    /// The read is over. Returns whether its entries were kept until now.
    pub(crate) fn unpin(&mut self, pin: Pin) -> bool {
        self.tail.unpin(pin, self.committed)
    }

    /// Whether the entries of a read are still kept.
    pub(crate) fn keeps(&self, pin: Pin) -> bool {
        self.tail.keeps(pin)
    }

    /// The entries up to this one are committed, as far as they were not yet: their answers are released.
    ///
    /// # Panics
    ///
    /// When they are not durable here.
    pub(crate) fn commit(&mut self, cx: &mut Context<'_>, committed: Seq) {
        if committed <= self.committed {
            return;
        }
        assert!(committed <= self.durable(), "nothing is committed that is not durable");
        self.committed = committed;
        self.tail.commit(committed);
        for (call, answer) in self.releases.release(committed) {
            cx.answer(call, answer);
        }
    }
}
