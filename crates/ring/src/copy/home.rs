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
//! Invariants: those of every [`Replica`], and: what was sent to next is durable here (rule 4, *prefix*).
//!
//! Here are views and what is committed. [`updates`] decides what an update does; [`session`] and [`replication`] have
//! the link to next, [`joining`] how an out-of-sync next comes back into the view.

mod joining;
mod replication;
mod session;
mod updates;

use protocol::id::{Incarnation, PartitionId, Seq};
use protocol::message::{FromNode, Operation, Progress, Request};
use protocol::view::{InSync, Member, View};

use self::joining::Join;
use self::session::NextLink;
use super::context::{Context, Fault, GatewayLink};
use super::replica::{Replica, Synced};
use crate::node::NodeSettings;
use crate::store::{Mark, RecoveredCopy};
use crate::time::{Time, earliest};

/// The home copy of a node.
#[derive(Debug)]
pub struct HomeCopy {
    replica: Replica,
    settings: NodeSettings,
    next: NextLink,
    join: Join,
}

impl HomeCopy {
    pub(crate) fn recovered(
        partition: PartitionId,
        me: Incarnation,
        settings: NodeSettings,
        recovered: RecoveredCopy,
        now: Time,
    ) -> Self {
        Self {
            replica: Replica::recovered(
                (partition, Member::Home),
                me,
                &settings,
                recovered,
                Seq::ZERO,
            ),
            settings,
            next: NextLink::down(now),
            join: Join::default(),
        }
    }

    /// The partition.
    pub fn partition(&self) -> PartitionId {
        self.replica.partition()
    }

    /// The view that the copy acts on.
    pub fn view(&self) -> Option<&View> {
        self.replica.view()
    }

    /// How far the copy is.
    pub fn progress(&self) -> Progress {
        self.replica.progress()
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
        self.replica.gateway_lost();
    }

    /// A view from the controller, or from next.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.replica.offer(cx, view)
    }

    /// The mutations up to `mark` are durable.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        let Synced { more_is_durable, adopted, parked } = self.replica.synced(cx, mark);
        if adopted.is_some() {
            self.join.end();
            self.next.view_changed();
        }
        if more_is_durable || adopted.is_some() {
            self.proceed(cx)?;
        }
        for request in parked {
            self.request(cx, request)?;
        }
        Ok(())
    }

    /// A read or an update.
    pub(crate) fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let Some(Request { call, epoch, operation, .. }) = self.replica.admit(cx, request)? else {
            return Ok(());
        };
        let view = self.view().unwrap_or_else(|| unreachable!("admitted under a view"));
        match operation {
            Operation::Read(_) if view.in_sync.reader() != Member::Home => {
                Err(cx.gateway_fault(format!("a read at home under {view}")))
            }
            Operation::Read(id) => self.replica.read(cx, call, &id),
            Operation::Update(update) => self.update(cx, call, epoch, update),
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
        self.replica.commit(cx, self.committable());
    }

    /// The last entry that may be committed: durable on every member of the view, on those of the view that is being
    /// stored, and on the joiner while an ask is open or about to be (rule 6).
    fn committable(&self) -> Seq {
        let Some(acting) = self.view() else { return Seq::ZERO };
        let views = [Some(acting), self.replica.storing()];
        let mut committable = self.replica.durable();
        for in_sync in views.into_iter().flatten().map(|view| view.in_sync) {
            match in_sync {
                InSync::HomeOnly { home } if home == self.replica.me() => {}
                InSync::Both { home, next } if home == self.replica.me() => {
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
        let partition = self.partition();
        let Some(View { epoch, .. }) = self.view().copied() else { return };
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
        let both = |view: &View| matches!(view.in_sync, InSync::Both { home, .. } if home == self.replica.me());
        self.view().is_some_and(both)
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
