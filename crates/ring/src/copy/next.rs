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
//! Invariants: those of every [`Replica`], and: the log is a prefix of home's.

use protocol::entry::Entry;
use protocol::id::{Incarnation, PartitionId, Position};
use protocol::message::{FromNext, Operation, Progress, Request, ToNext};
use protocol::view::{Member, View};

use super::context::{Context, Fault};
use super::replica::{Replica, Synced};
use crate::link::LinkId;
use crate::node::NodeSettings;
use crate::store::{Mark, RecoveredCopy};

/// The next copy of a node.
#[derive(Debug)]
pub struct NextCopy {
    replica: Replica,
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
        settings: &NodeSettings,
        recovered: RecoveredCopy,
    ) -> Self {
        let committed = recovered.written.seq;
        let replica =
            Replica::recovered((partition, Member::Next), me, settings, recovered, committed);
        Self { replica, home: HomeLink::Down }
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

    /// The gateway's welcome on a new link: nobody waits for the answers of the link before.
    pub(crate) fn welcomed(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.gateway_lost();
        self.offer(cx, view)
    }

    /// The link to the gateway is gone.
    pub(crate) fn gateway_lost(&mut self) {
        self.replica.gateway_lost();
    }

    /// A view from the controller, or from home.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.replica.offer(cx, view)
    }

    /// The mutations up to `mark` are durable.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        let Synced { more_is_durable, adopted, parked } = self.replica.synced(cx, mark);
        if let Some(view) = adopted {
            self.pay_fence(cx, view);
        }
        if more_is_durable {
            self.commit(cx);
        }
        for request in parked {
            self.request(cx, request)?;
        }
        self.greet(cx);
        Ok(())
    }

    /// Tells home of the view that it did not know, now that it is durable here.
    fn pay_fence(&mut self, cx: &mut Context<'_>, view: View) {
        if let HomeLink::Open { link, owes_fence: owes_fence @ true } = &mut self.home {
            *owes_fence = false;
            cx.tell_home(*link, FromNext::Fenced { view });
        }
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        let durable = self.replica.durable();
        self.replica.commit(cx, durable);
        if let HomeLink::Open { link, .. } = self.home {
            cx.tell_home(link, FromNext::Durable { seq: durable });
        }
    }

    /// A read.
    pub(crate) fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        match self.replica.admit(cx, request)? {
            Some(Request { call, operation: Operation::Read(id), .. }) => {
                self.replica.read(cx, call, &id)
            }
            Some(Request { operation: Operation::Update(_), .. }) => {
                Err(cx.gateway_fault("an update at next: only the primary updates"))
            }
            None => Ok(()),
        }
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
        if self.replica.durable() == self.replica.written().seq {
            let (view, position) = (self.view().copied(), self.replica.written());
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
        if view.partition != self.replica.partition()
            || view.in_sync.incarnation(Member::Home).is_none()
        {
            return Err(Fault::protocol_error(link, format!("an append under {view}")));
        }
        if let Some(newest) = self.replica.newest_view().filter(|newest| newest.epoch > view.epoch)
        {
            if self.replica.storing().is_some() {
                *owes_fence = true;
            } else {
                cx.tell_home(link, FromNext::Fenced { view: *newest });
            }
            return Ok(());
        }
        self.offer(cx, view)?;
        self.append(cx, link, previous, entries)?;
        self.replica.trim_log(cx, keep_from.min(self.replica.durable()));
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
        if previous.seq > self.replica.written().seq {
            return Err(Fault::protocol_error(
                link,
                format!("entries after {previous}, next is at {}", self.replica.written()),
            ));
        }
        if previous.seq == self.replica.written().seq && previous != self.replica.written() {
            return Err(Fault::protocol_error(
                link,
                format!("home holds {previous}, next {}", self.replica.written()),
            ));
        }
        for entry in entries {
            let position = entry.position;
            if position.seq <= self.replica.written().seq {
                continue;
            }
            if position.seq != self.replica.written().seq.next()
                || position.epoch < self.replica.written().epoch
            {
                return Err(Fault::protocol_error(
                    link,
                    format!("entry {position} after {}", self.replica.written()),
                ));
            }
            self.replica.apply(cx, entry);
        }
        Ok(())
    }
}
