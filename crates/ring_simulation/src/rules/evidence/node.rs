//! What the gateway knows of one node.

use std::collections::BTreeMap;

use protocol::id::{Epoch, Incarnation, PartitionId};
use protocol::message::{Condition, DiskState, FromNode, ProbeNumber};
use protocol::view::Member;
use ring_core::link::LinkId;

use super::moment::Moment;

/// What the gateway knows of one node.
#[derive(Debug, Default)]
pub(super) struct NodeEvidence {
    /// The present link.
    link: Option<LinkId>,
    /// The moment when the link was lost, while there is none.
    unlinked: Option<Moment>,
    /// The moment when the disk stopped to answer, while it does not answer.
    silent: Option<Moment>,
    /// Home's word about next, while home cannot reach next.
    unreachable: Option<Unreachable>,
    /// The data of the last link.
    data: Option<Data>,
    /// The condition of each copy as told last, over this link or an earlier one.
    conditions: BTreeMap<Member, CopyCondition>,
    /// The moment of each probe sent over this link.
    probes: BTreeMap<ProbeNumber, Moment>,
    /// The moment of the newest probe answered over this link.
    answered: Option<Moment>,
}

/// The data of a node.
#[derive(Debug, Clone, Copy)]
struct Data {
    incarnation: Incarnation,
    /// The moment when the node first linked with it.
    since: Moment,
}

/// The condition of a copy.
#[derive(Debug, Clone, Copy)]
struct CopyCondition {
    /// The link of the newest word.
    link: LinkId,
    incarnation: Incarnation,
    /// The newest word.
    condition: Condition,
    /// The moment since when the copy is said to be in any condition but whole.
    damaged: Option<Moment>,
}

/// Home's word that it cannot reach next.
#[derive(Debug, Clone, Copy)]
struct Unreachable {
    /// The epoch of its view.
    epoch: Epoch,
    since: Moment,
}

impl NodeEvidence {
    /// A node without a link.
    pub(super) fn missing(now: Moment) -> Self {
        Self { unlinked: Some(now), ..Self::default() }
    }

    pub(super) fn linked(&mut self, link: LinkId, incarnation: Incarnation, now: Moment) {
        let data = self.data.filter(|data| data.incarnation == incarnation);
        *self = Self {
            link: Some(link),
            data: Some(data.unwrap_or(Data { incarnation, since: now })),
            conditions: std::mem::take(&mut self.conditions),
            ..Self::default()
        };
    }

    pub(super) fn unlinked(&mut self, now: Moment) {
        *self = Self {
            data: self.data,
            conditions: std::mem::take(&mut self.conditions),
            ..Self::missing(now)
        };
    }

    /// The node has sent a message. `home` is the partition with its home on this node.
    pub(super) fn says(&mut self, home: PartitionId, message: &FromNode, now: Moment) {
        match message {
            FromNode::Report(report) => {
                for member in Member::ALL {
                    self.copy_is(member, report.copy(member).condition, now);
                }
            }
            FromNode::Condition { partition, condition, .. } => {
                let member = if *partition == home { Member::Home } else { Member::Next };
                self.copy_is(member, *condition, now);
            }
            FromNode::Disk(DiskState::Silent) => self.silent = self.silent.or(Some(now)),
            FromNode::Disk(DiskState::Answers) => self.silent = None,
            FromNode::NextUnreachable { epoch, .. } => {
                self.unreachable = Some(Unreachable { epoch: *epoch, since: now });
            }
            FromNode::NextReachable { .. } => self.unreachable = None,
            FromNode::Alive(probe) => {
                self.answered = self.answered.max(self.probes.get(probe).copied());
            }
            _ => {}
        }
    }

    fn copy_is(&mut self, member: Member, condition: Condition, now: Moment) {
        let (Some(link), Some(Data { incarnation, .. })) = (self.link, self.data) else { return };
        let before = self.conditions.get(&member).and_then(|before| before.damaged);
        let damaged = (condition != Condition::Whole).then_some(before.unwrap_or(now));
        let told = CopyCondition { link, incarnation, condition, damaged };
        self.conditions.insert(member, told);
    }

    pub(super) fn probed(&mut self, probe: ProbeNumber, now: Moment) {
        self.probes.insert(probe, now);
    }

    pub(super) fn is_linked_by(&self, link: LinkId) -> bool {
        self.link == Some(link)
    }

    pub(super) fn is_linked_with(&self, incarnation: Incarnation) -> bool {
        self.link.is_some() && self.data.is_some_and(|data| data.incarnation == incarnation)
    }

    pub(super) fn can_write(&self) -> bool {
        self.silent.is_none()
    }

    /// The condition of a copy as told over the present link.
    pub(super) fn condition_now(&self, member: Member) -> Option<Condition> {
        let told = self.conditions.get(&member)?;
        self.is_linked_by(told.link).then_some(told.condition)
    }

    /// The moment when the link was lost, or the disk stopped to answer.
    pub(super) fn lost_since(&self) -> Option<Moment> {
        self.unlinked.or(self.silent)
    }

    /// The moment when the node first linked with other data.
    pub(super) fn other_data_since(&self, named: Incarnation) -> Option<Moment> {
        self.data.filter(|data| data.incarnation != named).map(|data| data.since)
    }

    /// The moment when a copy with this data was first said not to be whole.
    pub(super) fn damaged_since(&self, member: Member, named: Incarnation) -> Option<Moment> {
        let told = self.conditions.get(&member).filter(|told| told.incarnation == named);
        told.and_then(|told| told.damaged)
    }

    /// The moment when home said that it cannot reach next under this view.
    pub(super) fn next_unreachable_since(&self, epoch: Epoch) -> Option<Moment> {
        self.unreachable.filter(|told| told.epoch == epoch).map(|told| told.since)
    }

    /// The moment of the newest probe answered over the present link.
    pub(super) fn answered(&self) -> Option<Moment> {
        self.answered
    }
}
