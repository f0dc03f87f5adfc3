//! The last salvage of a copy, as it is stored.

use protocol::id::{Epoch, Seq};
use protocol::message::RecordRow;
use protocol::salvage::Salvage;
use protocol::user::UserId;
use protocol::view::{Member, View};

use super::integrity::Integrity;
use crate::node::copy::context::Context;
use crate::store::{Mark, Mutation, RecordKey, SalvageRow};

/// The last salvage of a copy, if there was one.
#[derive(Debug, Default)]
pub(crate) struct LastSalvage(Option<SalvageRow>);

/// What a salvage does to the records of a copy.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) dropped: Vec<RecordKey>,
    /// As memory has them.
    pub(super) rewritten: Vec<RecordRow>,
}

impl LastSalvage {
    /// As it was found in storage.
    pub(super) fn recovered(row: Option<SalvageRow>) -> Self {
        Self(row)
    }

    /// An operator has accepted a loss: a salvage begins.
    pub(super) fn begin(&mut self, accepted: Epoch) {
        self.0 = Some(SalvageRow { salvage: Salvage::begin(accepted), snapshot_to: None });
    }

    /// The salvage that a view remembers.
    pub(crate) fn accepted_by(&self, view: Option<&View>) -> Option<&Salvage> {
        let accepted = view?.accepted_loss?;
        let salvage = self.0.as_ref().map(|row| &row.salvage);
        salvage.filter(|salvage| salvage.accepted == accepted)
    }

    /// Whether a copy out of sync that ends with this entry has to be restored by a snapshot: its
    /// log does not tell of what was dropped here.
    pub(crate) fn needs_snapshot(&self, theirs: Seq) -> bool {
        let snapshot_to = self.0.as_ref().and_then(|row| row.snapshot_to);
        snapshot_to.is_some_and(|to| theirs <= to)
    }

    /// A record was dropped.
    pub(super) fn drop_record(&mut self, id: Option<UserId>) {
        if let Some(row) = &mut self.0 {
            row.salvage.drop_record(id);
        }
    }

    /// Stores the salvage, with what it does to the records.
    pub(super) fn write(
        &self,
        cx: &mut Context<'_>,
        member: Member,
        integrity: &Integrity,
        changes: Changes,
    ) -> Mark {
        let Some(row) = self.0.clone() else { unreachable!("a salvage that is written was begun") };
        let Changes { dropped, rewritten } = changes;
        let is_damaged = integrity.has_damage();
        cx.write(Mutation::Salvage { member, row, is_damaged, dropped, rewritten })
    }

    /// All was looked at: the other copy has to be restored up to this entry.
    pub(super) fn end(&mut self, snapshot_to: Seq) {
        if let Some(row) = &mut self.0 {
            row.salvage.ended = true;
            row.snapshot_to = Some(snapshot_to);
        }
    }

    /// The other copy was restored. Returns whether that is news.
    pub(super) fn end_restoring(&mut self) -> bool {
        self.0.as_mut().is_some_and(|row| row.snapshot_to.take().is_some())
    }
}
