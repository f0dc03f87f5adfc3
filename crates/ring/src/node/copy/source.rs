//! The copy that sends: the primary to its replica, and a donor to its joiner, whichever of the two
//! copies it is.
//!
//! ```text
//!   source                                   receiver
//!     | <------------------------- greeting --- |   how far it is; begins a session
//!     | --- append, append, ... --------------> |   what is durable here and not sent yet (rule 4)
//!     | <-------------------------- durable --- |   commits what both have
//! ```
//!
//! [`sending`] is the handler: [`start`] says where a [`session`] begins, [`send`] what goes in
//! which order. Where the log no longer reaches back to where the receiver is, a [`snapshot`] goes
//! first. [`replication`] says how far entries have come, and so what is committed. [`joining`] has
//! how a receiver that is out of sync comes into the view, [`pace`] how fast it makes entries
//! durable, [`scrub`] how a member's rows are compared with those here, [`downtime`] what the gateway
//! hears where there is no session.

mod downtime;
mod joining;
mod pace;
pub(super) mod replication;
mod scrub;
mod send;
pub(super) mod sending;
mod session;
mod snapshot;
mod start;

use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::message::AskNumber;

use self::downtime::Downtime;
use self::joining::Join;
use self::scrub::Scrub;
use self::session::Session;
use self::snapshot::Snapshot;
use super::context::Fault;
use crate::link::LinkId;
use crate::time::Time;

/// What a copy has where it sends.
#[derive(Debug)]
pub(super) struct Source {
    session: Option<Session>,
    join: Join,
    scrub: Scrub,
    downtime: Downtime,
}

impl Source {
    pub(super) fn new(now: Time) -> Self {
        Self {
            session: None,
            join: Join::default(),
            scrub: Scrub::default(),
            downtime: Downtime::from(now),
        }
    }

    /// The link is gone, or has to begin anew; the receiver was well until `down_since`.
    pub(super) fn close(&mut self, down_since: Time) {
        if self.session.take().is_some() {
            self.downtime.begin(down_since);
        }
    }

    /// Next's node is dialled from now on: it has its time to be reached.
    pub(super) fn dialled(&mut self, now: Time) {
        if self.session.is_none() {
            self.downtime.begin(now);
        }
    }

    /// The gateway has a new link: what was reported on the one before is over.
    pub(super) fn forget_reports(&mut self) {
        self.downtime.forget_report();
    }

    /// The controller's word on the view has come, by its welcome or because the copy acts on a
    /// newer one: it answers whatever was asked before.
    pub(super) fn view_told(&mut self) {
        self.join.end();
    }

    /// The controller refuses an ask.
    pub(super) fn ask_refused(&mut self, now: Time, ask: AskNumber) {
        self.join.refused(now, ask);
    }

    /// The controller says that the other copy's node is linked, or the copy whole.
    pub(super) fn joiner_may_come(&mut self) {
        self.join.joiner_may_come();
    }

    /// The receiver has rows that were dropped here, of which no log tells: a snapshot is to take
    /// their place.
    pub(super) fn restore_receiver(&mut self, last: Option<Entry>) {
        if let Some(session) = &mut self.session {
            session.replace(Snapshot::begin(last));
        }
    }

    /// The receiver has compared the stretch that was sent last.
    pub(super) fn has_compared(&mut self, link: LinkId, number: u64) -> Result<(), Fault> {
        let is_of = |session: &&mut Session| session.number == number;
        let Some(session) = self.session.as_mut().filter(is_of) else { return Ok(()) };
        if !std::mem::take(&mut session.is_comparing) {
            let detail = "a stretch was compared that was not sent".to_owned();
            return Err(Fault::protocol_error(link, detail));
        }
        Ok(())
    }

    /// Rows of applied requests are wanted up to this entry: all where the copies are compared.
    fn applied_to(&self) -> Seq {
        let snapshot = self.session.as_ref().and_then(|session| session.snapshot.as_ref());
        snapshot.map_or(Seq(u64::MAX), |snapshot| snapshot.applied_to)
    }

    /// Damage was met: to meet it again at once helps nobody.
    fn rest_until(&mut self, until: Time) {
        if let Some(session) = &mut self.session {
            session.rests_until = until;
        }
    }
}
