//! The known state of a node and its copies.

use std::collections::BTreeMap;

use protocol::id::{Boot, GatewayBoot, Incarnation, PartitionId, Position};
use protocol::message::{Ask, Condition, Progress};
use protocol::view::{Member, View};
use service::events::{FoundCopy, NodeFact};

use crate::seen::{DiskCall, StorageDid};

/// The known state of a node.
#[derive(Debug, Clone, Default)]
pub struct NodeModel {
    /// The incarnation of its data.
    pub incarnation: Option<Incarnation>,
    /// The boot of its last start.
    pub boot: Option<Boot>,
    /// The gateway that welcomed it last.
    pub joined: Option<GatewayBoot>,
    /// Whether its storage has synced since it was opened.
    pub has_synced: bool,
    /// The number of writes since its storage was opened, at each stage.
    pub writes: Writes,
    /// Its home copy.
    pub home: CopyModel,
    /// Its next copy.
    pub next: CopyModel,
}

/// The writes of a node.
#[derive(Debug, Clone, Default)]
pub struct Writes {
    /// How many have taken effect.
    written: u64,
    /// How many are durable.
    durable: u64,
    /// The content of both copies in each write under way.
    taken: BTreeMap<DiskCall, [Content; 2]>,
    /// The writes covered by each sync under way, and the content of both copies.
    covered: BTreeMap<DiskCall, (u64, [Content; 2])>,
}

impl Writes {
    /// Whether a write is not durable.
    pub fn are_dirty(&self) -> bool {
        self.written > self.durable
    }
}

/// The content of a copy at one stage.
#[derive(Debug, Clone, Copy)]
struct Content {
    view: Option<View>,
    entry: Position,
    snapshot: SnapshotModel,
}

/// The known state of a copy.
#[derive(Debug, Clone, Default)]
pub struct CopyModel {
    /// The view it acts on.
    pub acting: Option<View>,
    /// The newest view at each stage: handed to the storage, written, durable.
    pub view: Stages<Option<View>>,
    /// The last entry at each stage: handed to the storage, written, durable.
    pub entry: Stages<Position>,
    /// The progress told last.
    pub progress: Option<Progress>,
    /// The open ask, if there is one.
    pub ask: Option<Ask>,
    /// The state of a snapshot that replaces the copy, at each stage.
    pub snapshot: Stages<SnapshotModel>,
    /// Whether its node has found a damaged row.
    pub is_damaged: bool,
}

/// The known state of a copy's snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SnapshotModel {
    /// The number of snapshots begun since the start of the node.
    pub begun: u64,
    /// Whether the last snapshot is incomplete, or the copy is unreadable.
    pub is_part: bool,
}

/// The stages of a value on its way to the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stages<T> {
    /// Handed to the storage.
    pub handed: T,
    /// Written: found after a kill.
    pub written: T,
    /// Synced: found after a power loss.
    pub durable: T,
}

impl CopyModel {
    /// Whether a snapshot has begun to replace the copy, and no part of it is durable.
    pub fn has_begun_undurably(&self) -> bool {
        let Stages { handed, durable, .. } = self.snapshot;
        handed.is_part && handed.begun > durable.begun
    }

    /// Whether a power loss would leave the whole copy: neither a part of a snapshot, nor the
    /// data that a snapshot was to replace.
    pub fn is_whole_durably(&self) -> bool {
        let Stages { handed, durable, .. } = self.snapshot;
        !handed.is_part && handed == durable
    }
}

impl CopyModel {
    fn handed(&self) -> Content {
        let Self { view, entry, snapshot, .. } = self;
        Content { view: view.handed, entry: entry.handed, snapshot: snapshot.handed }
    }

    fn written(&self) -> Content {
        let Self { view, entry, snapshot, .. } = self;
        Content { view: view.written, entry: entry.written, snapshot: snapshot.written }
    }

    fn has_written(&mut self, Content { view, entry, snapshot }: Content) {
        (self.view.written, self.entry.written, self.snapshot.written) = (view, entry, snapshot);
    }

    fn has_synced(&mut self, Content { view, entry, snapshot }: Content) {
        (self.view.durable, self.entry.durable, self.snapshot.durable) = (view, entry, snapshot);
    }
}

impl<T: Copy> Stages<T> {
    fn all(value: T) -> Self {
        Self { handed: value, written: value, durable: value }
    }
}

impl NodeModel {
    /// One of its copies.
    pub fn copy(&self, member: Member) -> &CopyModel {
        match member {
            Member::Home => &self.home,
            Member::Next => &self.next,
        }
    }

    /// Whether one of its copies has an open ask.
    pub fn has_asked(&self) -> bool {
        self.home.ask.is_some() || self.next.ask.is_some()
    }

    fn copy_mut(&mut self, member: Member) -> &mut CopyModel {
        match member {
            Member::Home => &mut self.home,
            Member::Next => &mut self.next,
        }
    }

    /// The copy that acts on a view of a partition.
    fn copy_of(&mut self, partition: PartitionId) -> Option<&mut CopyModel> {
        let is_of =
            |copy: &&mut CopyModel| copy.acting.is_some_and(|view| view.partition == partition);
        self.copies_mut().into_iter().find(is_of)
    }

    fn copies_mut(&mut self) -> [&mut CopyModel; 2] {
        [&mut self.home, &mut self.next]
    }
}

impl NodeModel {
    pub(super) fn follow(&mut self, event: &NodeFact) {
        match event {
            NodeFact::Starts { incarnation, boot, home, next } => {
                let found = |found: &FoundCopy| CopyModel {
                    acting: found.view,
                    view: Stages::all(found.view),
                    entry: Stages::all(found.written),
                    snapshot: Stages::all(SnapshotModel {
                        begun: 0,
                        is_part: !found.condition.serves(),
                    }),
                    is_damaged: found.condition != Condition::Whole,
                    ..CopyModel::default()
                };
                self.incarnation = Some(*incarnation);
                self.boot = Some(*boot);
                self.joined = None;
                (self.home, self.next) = (found(home), found(next));
            }
            NodeFact::Joins { gateway } => {
                self.joined = Some(*gateway);
                // An ask ends with the link that carried it.
                self.copies_mut().into_iter().for_each(|copy| copy.ask = None);
            }
            NodeFact::BeginsInstall { member, base, .. } => {
                let copy = self.copy_mut(*member);
                copy.entry.handed = *base;
                let SnapshotModel { begun, .. } = copy.snapshot.handed;
                copy.snapshot.handed = SnapshotModel { begun: begun + 1, is_part: true };
                copy.is_damaged = false;
            }
            NodeFact::Installs { member, is_complete, .. } => {
                let copy = self.copy_mut(*member);
                copy.snapshot.handed.is_part = !is_complete;
                copy.is_damaged &= !is_complete;
            }
            NodeFact::FindsDamage { member, .. } => self.copy_mut(*member).is_damaged = true,
            NodeFact::Salvages { member, ended, .. } => {
                let copy = self.copy_mut(*member);
                copy.is_damaged = !ended;
                copy.snapshot.handed.is_part &= !ended;
            }
            NodeFact::Acts { member, view } => {
                let copy = self.copy_mut(*member);
                copy.acting = Some(*view);
                copy.ask = None;
            }
            NodeFact::Comes(progress) => self.copy_mut(progress.member).progress = Some(*progress),
            NodeFact::Applies { member, position, .. } => {
                self.copy_mut(*member).entry.handed = *position;
            }
            NodeFact::Stores { member, view, .. } => {
                self.copy_mut(*member).view.handed = Some(*view);
            }
            NodeFact::Asks(ask) => {
                if let Some(copy) = self.copy_of(ask.partition) {
                    copy.ask = Some(*ask);
                }
            }
            NodeFact::AskRefused { partition, ask } => {
                if let Some(copy) = self.copy_of(*partition) {
                    copy.ask.take_if(|open| open.ask == *ask);
                }
            }
            NodeFact::Leaves
            | NodeFact::TellsDisk { .. }
            | NodeFact::Appends { .. }
            | NodeFact::Acknowledges { .. }
            | NodeFact::Compares { .. }
            | NodeFact::ReadsApart { .. }
            | NodeFact::ReadOvertaken { .. }
            | NodeFact::SkipsComparison { .. }
            | NodeFact::Replies { .. } => {}
        }
    }

    pub(super) fn follow_storage(&mut self, did: &StorageDid) {
        match did {
            StorageDid::Opened => {
                self.has_synced = false;
                self.writes = Writes::default();
            }
            StorageDid::WriteBegins(call) => {
                self.writes.taken.insert(*call, [self.home.handed(), self.next.handed()]);
            }
            StorageDid::Written(call) => {
                self.writes.written += 1;
                if let Some([home, next]) = self.writes.taken.remove(call) {
                    self.home.has_written(home);
                    self.next.has_written(next);
                }
            }
            StorageDid::SyncBegins(call) => {
                let content = [self.home.written(), self.next.written()];
                self.writes.covered.insert(*call, (self.writes.written, content));
            }
            StorageDid::Synced(call) => {
                self.has_synced = true;
                if let Some((writes, [home, next])) = self.writes.covered.remove(call) {
                    self.writes.durable = self.writes.durable.max(writes);
                    self.home.has_synced(home);
                    self.next.has_synced(next);
                }
            }
            StorageDid::Failed(_) | StorageDid::ReadFailed => {}
        }
    }
}
