//! A machine of the ring: its disk, its reads under way, and its node while that runs.

use protocol::id::{Boot, Incarnation, NodeId};
use protocol::view::{Member, View};
use ring_core::node::{DialNext, Node, NodeEffect, NodeEvent, NodeIdentity, NodeSettings};
use ring_core::placement::Place;
use ring_core::store::Mark;
use ring_core::time::Time;
use uuid::Uuid;

use crate::disk::Disk;
use crate::reads::Reads;
use crate::totals::Totals;

/// A machine of the ring.
pub(crate) struct NodeMachine {
    /// Stable: it survives the loss of the disk.
    pub(crate) id: NodeId,
    /// Made with the disk.
    pub(crate) incarnation: Incarnation,
    /// Survives the process.
    pub(crate) disk: Disk,
    /// The reads of the process under way.
    pub(crate) reads: Reads,
    /// The next node and its address, once the node has asked for a link to it.
    pub(crate) dialling: Option<DialNext>,
    /// The position in the ring.
    place: Place,
    /// The settings of each node started here.
    settings: NodeSettings,
    /// The process, while it runs.
    node: Option<Node>,
    /// How many times a node was started on this disk.
    boots: u64,
    /// The mark of the sync under way.
    syncing: Option<Mark>,
}

impl NodeMachine {
    /// A machine with an empty disk, and without a process.
    pub(crate) fn new(place: Place, id: NodeId, settings: NodeSettings, disk: Disk) -> Self {
        Self {
            id,
            incarnation: Incarnation(Uuid::from_u128(100 + place.index() as u128)),
            disk,
            reads: Reads::default(),
            dialling: None,
            place,
            settings,
            node: None,
            boots: 0,
            syncing: None,
        }
    }

    /// The node, while it runs.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.node.as_ref()
    }

    /// How many log entries each copy keeps.
    pub(crate) fn log_entries_kept(&self) -> u64 {
        self.settings.log_entries_kept
    }

    /// Starts the node, unless it runs.
    pub(crate) fn start(&mut self, now: Time) {
        if self.node.is_some() {
            return;
        }
        self.boots += 1;
        let i = self.place.index();
        let nonce = Uuid::from_u128((i as u128) << 64 | u128::from(self.boots));
        let identity = NodeIdentity {
            node: self.id.clone(),
            incarnation: self.incarnation,
            boot: Boot { count: self.boots, nonce },
            address: format!("host-{i}:1"),
        };
        let node = Node::recovered(identity, self.settings.clone(), self.disk.recover(), now);
        self.node = Some(node.expect("a node finds its place again"));
    }

    /// Ends the process. Unsynced writes stay.
    pub(crate) fn kill(&mut self) {
        self.node = None;
        self.syncing = None;
        self.reads = Reads::default();
        self.dialling = None;
    }

    /// Replaces the disk by an empty one.
    pub(crate) fn lose_disk(&mut self, incarnation: Incarnation) {
        self.disk = self.disk.replacement();
        self.boots = 0;
        self.incarnation = incarnation;
    }

    /// Hands an event to the node.
    pub(crate) fn handle(&mut self, now: Time, event: NodeEvent) -> Vec<NodeEffect> {
        let mut effects = Vec::new();
        if let Some(node) = &mut self.node {
            node.handle(now, event, &self.disk, &mut effects);
        }
        effects
    }

    /// Whether the node is due for a tick.
    pub(crate) fn is_due(&self, now: Time) -> bool {
        self.node().and_then(Node::next_deadline).is_some_and(|due| due <= now)
    }

    /// Begins a sync, or lets the sync under way return. Returns the mark of a sync that returns.
    pub(crate) fn sync(&mut self) -> Option<Mark> {
        self.node()?;
        let Some(mark) = self.syncing.take() else {
            self.syncing = self.disk.written();
            return None;
        };
        self.disk.sync(mark);
        Some(mark)
    }

    /// Whether a running node has writes to sync.
    pub(crate) fn has_to_sync(&self) -> bool {
        self.node.is_some() && (self.syncing.is_some() || self.disk.written().is_some())
    }

    /// Carries out one of the reads, or returns the result of a read carried out before.
    pub(crate) fn read(&mut self, nth: usize, totals: &mut Totals) -> Option<NodeEvent> {
        self.reads.advance(nth, &self.disk, totals)
    }

    /// The view that a copy acts on.
    pub(crate) fn acting_view(&self, member: Member) -> Option<View> {
        let node = self.node()?;
        let copy = match member {
            Member::Home => node.home()?,
            Member::Next => node.next()?,
        };
        copy.view().copied()
    }
}
