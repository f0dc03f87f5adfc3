//! How a snapshot takes the place of what a copy holds.
//!
//! ```text
//!   begin: all is dropped      chunks and entries, in order       complete         durable
//!   ---------------------> installing, cursor moves on ---------> installed -------> whole
//! ```
//!
//! A chunk holds its rows as they are at the source right after the last entry that was sent before
//! it. An entry that comes later changes a record only where the snapshot has come past it: the
//! chunks ahead will bring its effect. So at any moment the copy holds exactly the source's rows up
//! to the cursor, as of its own last entry; and a copy that dies on the way can go on from there.

use protocol::entry::Entry;
use protocol::message::{Cursor, Reply, Rows};

use super::Replica;
use super::integrity::Integrity;
use super::last_salvage::LastSalvage;
use crate::node::copy::applied::Applied;
use crate::node::copy::context::Context;
use crate::store::Mutation;

impl Replica {
    /// A snapshot begins. Whoever still waits for an answer under the view before is turned away.
    ///
    /// # Panics
    ///
    /// When the newest view counts on what the copy holds.
    pub(crate) fn begin_install(&mut self, cx: &mut Context<'_>, base: Option<Entry>) {
        assert!(!self.is_counted_on(), "what a view counts on is never dropped");
        let waiting = std::mem::take(&mut self.waiting).into_calls();
        for call in self.releases.fence_reads().into_iter().chain(waiting) {
            cx.reply(call, Reply::Fenced);
        }
        self.releases.clear();
        // What is being read is of what is dropped.
        self.reads.forget();
        self.verification.restart();
        self.applied = Applied::after(base.as_ref());
        self.integrity = Integrity::Installing(Cursor::START);
        self.salvage = LastSalvage::default();
        let mutation = Mutation::Install { member: self.id.member, base: base.clone() };
        self.log.install(cx.write(mutation), base);
    }

    /// More of a snapshot. Requests that the log tells of need no row: with one, the log could be
    /// trimmed beyond the oldest entry that the last one says is needed.
    pub(crate) fn install(&mut self, cx: &mut Context<'_>, mut rows: Rows, then: Option<Cursor>) {
        if let Rows::Applied(rows) = &mut rows {
            rows.retain(|row| !self.applied.is_logged(row.request));
            for row in rows {
                self.applied.insert_row(row.request, row.seq);
            }
        }
        let mark = cx.write(Mutation::Chunk { member: self.id.member, rows, then: then.clone() });
        self.integrity = then.map_or(Integrity::Installed(mark), Integrity::Installing);
    }
}
