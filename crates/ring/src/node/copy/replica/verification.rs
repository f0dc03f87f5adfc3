//! The look at a copy's log for damage, from its first entry to its last, round after round.

use protocol::id::Seq;

use super::log::{EntryLog, READ};
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::reads::{Purpose, Reads};
use crate::store::{ReadError, ReadRows, ReadWhat};

/// How far the log was looked at in this round.
#[derive(Debug, Default)]
pub(crate) struct Verification {
    verified: Seq,
}

impl Verification {
    /// The log begins anew.
    pub(super) fn restart(&mut self) {
        self.verified = Seq::ZERO;
    }

    /// Looks at more of the log, and begins again at its end; not before the last look is over.
    pub(crate) fn pursue(&mut self, cx: &mut Context<'_>, log: &EntryLog, reads: &mut Reads) {
        let durable = log.durable();
        let from = self.verified.next().max(log.from());
        if reads.is_verifying() {
            return;
        }
        if from > durable || log.from() == Seq::ZERO {
            self.verified = Seq::ZERO;
            return;
        }
        let what = ReadWhat::Entries { from, to: durable, budget: READ };
        reads.begin(cx, what, Purpose::Verification { from });
    }

    /// Entries were read to be looked at.
    ///
    /// # Errors
    ///
    /// When they are damaged.
    pub(crate) fn look_at(
        &mut self,
        log: &EntryLog,
        from: Seq,
        result: Result<ReadRows, ReadError>,
    ) -> Result<(), Fault> {
        let entries = log.as_read(from, result)?.unwrap_or_default();
        self.verified = entries.last().map_or(Seq::ZERO, |last| last.position.seq);
        Ok(())
    }
}
