//! How a snapshot takes the place of what a copy holds.
//!
//! ```text
//!   begin: all is dropped, marked     chunks and entries, in the source's order     complete: the mark is taken away
//!   --------------------------------> installing, cursor moves on ----------------> whole, once that is durable
//! ```
//!
//! A chunk holds its rows as they are at the source right after the last entry that was sent before it. An entry that
//! comes later changes a record only where the snapshot has come past it: the chunks ahead will bring its effect. So
//! at any moment the copy holds exactly the source's rows up to the cursor, as of its own last entry; and a copy that
//! dies on the way can go on from there.

use protocol::entry::Entry;
use protocol::id::{Position, Seq};
use protocol::message::{Cursor, Reply, Rows};

use super::Replica;
use super::extent::Extent;
use super::integrity::Integrity;
use crate::node::copy::applied::Applied;
use crate::node::copy::context::Context;
use crate::node::copy::durability::Durability;
use crate::node::copy::reads::Reads;
use crate::node::copy::tail::Tail;
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
        self.reads = Reads::default();
        let position = base.as_ref().map_or(Position::ZERO, |base| base.position);
        self.written = position;
        self.committed = Position::ZERO.seq;
        self.found = Position::ZERO.seq;
        self.tail = Tail::default();
        self.extent = Extent::default();
        self.verified = Seq::ZERO;
        self.durability = Durability::recovered(Position::ZERO);
        self.applied = Applied::after(base.as_ref());
        self.integrity = Integrity::Installing(Cursor::START);
        self.salvage = None;
        self.last.clone_from(&base);
        if let Some(base) = &base {
            self.extent.push(position.seq, base.size_bytes());
        }
        let mark = cx.write(Mutation::Install { member: self.member, base });
        if position != Position::ZERO {
            self.durability.wrote(mark, position);
        }
    }

    /// More of a snapshot. Requests that the log tells of need no row: with one, the log could be trimmed beyond the oldest entry
    /// that the last one says is needed.
    pub(crate) fn install(&mut self, cx: &mut Context<'_>, mut rows: Rows, then: Option<Cursor>) {
        if let Rows::Applied(rows) = &mut rows {
            rows.retain(|row| !self.applied.is_logged(row.request));
            for row in rows {
                self.applied.insert_row(row.request, row.seq);
            }
        }
        let mark = cx.write(Mutation::Chunk { member: self.member, rows, then: then.clone() });
        self.integrity = then.map_or(Integrity::Installed(mark), Integrity::Installing);
    }
}
