//! The form of a check.

use std::collections::BTreeMap;

use db_process::store::StoreError;
use db_process::store::audit::{Audit, CopyAudit};
use history::users::UserHistory;
use protocol::id::PartitionId;
use protocol::view::Member;

use crate::model::{CopyId, Model, named};
use crate::plan::swarm::Core;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// A rule, and the state to judge by it.
pub trait Check {
    /// The rule, and the name of the check.
    fn rule(&self) -> Rule;

    /// Judges an event. `model` is the state of the cluster before it.
    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let _ = (model, at, seen);
        Ok(())
    }

    /// Judges the end of a run.
    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        let _ = (model, at, end);
        Ok(())
    }

    /// The cost of judging the end, in evaluations of a model.
    fn steps(&self) -> u64 {
        0
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The core: the part healed when the faults ended; none if nothing had to come back.
    pub core: Option<Core>,
    /// The data of each node after a loss of power everywhere, by place.
    pub audits: BTreeMap<usize, Result<Audit, StoreError>>,
    /// The history of the clients' operations.
    pub history: UserHistory,
}

impl End {
    /// The data of the nodes that were not left broken. A node left broken may still hold
    /// rotten rows.
    pub fn judged(&self) -> impl Iterator<Item = (usize, &Result<Audit, StoreError>)> {
        let is_broken = |place| matches!(self.core, Some(Core::AllBut { node }) if node == place);
        let audits = self.audits.iter().map(|(place, audit)| (*place, audit));
        audits.filter(move |(place, _)| !is_broken(*place))
    }

    /// The data of a copy, if the copy is in sync and so must hold every acknowledged update.
    pub fn in_sync(&self, model: &Model, copy: CopyId) -> Option<&CopyAudit> {
        let view = model.published.get(&copy.partition)?;
        named(view.in_sync, copy.member)?;
        self.copy(model, copy.partition, copy.member)
    }

    /// The data of a copy; none if it could not be read, or if its node was left broken.
    pub fn copy(
        &self,
        model: &Model,
        partition: PartitionId,
        member: Member,
    ) -> Option<&CopyAudit> {
        let place = model.ring.holder(partition, member).index();
        let (_, audit) = self.judged().find(|(judged, _)| *judged == place)?;
        let audit = audit.as_ref().ok()?;
        Some(match member {
            Member::Home => &audit.home,
            Member::Next => &audit.next,
        })
    }
}
