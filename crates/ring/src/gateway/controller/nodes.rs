//! What the controller knows of the nodes: by their links, and whatever becomes of these.

use std::collections::BTreeMap;

use protocol::hello::NodeHello;
use protocol::id::{Epoch, Incarnation, Seq};
use protocol::message::{Condition, DiskState, ProbeNumber, Progress, Report, Verdict};
use protocol::salvage::Salvage;
use protocol::view::Member;

use crate::link::LinkId;
use crate::placement::{Place, Ring};

/// The nodes of the ring.
#[derive(Debug)]
pub(crate) struct KnownNodes(BTreeMap<Place, Node>);

/// What the controller knows of a node.
#[derive(Debug, Default)]
pub(super) struct Node {
    pub(super) link: Option<NodeLink>,
    pub(super) progress: BTreeMap<Member, Progress>,
    /// The last entry reported durable by each copy, and the incarnation of its report. It is kept
    /// when the link is lost.
    pub(super) durable: BTreeMap<Member, (Incarnation, Seq)>,
    /// What came of comparing each copy with the other one.
    pub(super) compared: BTreeMap<Member, Verdict>,
    /// The last reported condition of each copy, and the incarnation of its report. It is kept
    /// when the link is lost.
    pub(super) conditions: BTreeMap<Member, (Incarnation, Condition)>,
    /// The last salvage of each copy. It is kept when the link is lost.
    pub(super) salvages: BTreeMap<Member, Salvage>,
    /// What it said when it ended.
    pub(super) last_words: Option<String>,
    /// The number of the last loss noticed at this node.
    pub(super) loss: ProbeNumber,
}

/// A node's link.
#[derive(Debug)]
pub(crate) struct NodeLink {
    pub(crate) link: LinkId,
    pub(crate) hello: NodeHello,
    /// What it has said that it has.
    pub(crate) report: Option<Report>,
    /// The last reported condition of each copy.
    pub(super) conditions: BTreeMap<Member, Condition>,
    /// The lowest position that each copy may report, as known when the node linked.
    pub(super) floors: BTreeMap<Member, Seq>,
    pub(crate) is_welcomed: bool,
    /// Home's node reports that it cannot reach next; for this epoch of its view.
    pub(crate) unreachable: Option<Epoch>,
    /// Whether its disk answers.
    pub(crate) disk: DiskState,
    /// The last probe that was sent over it.
    pub(super) probed: ProbeNumber,
    /// The last probe that was answered.
    pub(super) answered: ProbeNumber,
}

impl NodeLink {
    /// A new link: only its hello is known, and the lowest positions of its node's copies.
    pub(super) fn new(link: LinkId, hello: NodeHello, floors: BTreeMap<Member, Seq>) -> Self {
        Self {
            link,
            hello,
            report: None,
            conditions: BTreeMap::new(),
            floors,
            is_welcomed: false,
            unreachable: None,
            disk: DiskState::Answers,
            probed: ProbeNumber::default(),
            answered: ProbeNumber::default(),
        }
    }

    /// The condition of one of its copies.
    pub(crate) fn condition(&self, member: Member) -> Condition {
        self.conditions.get(&member).copied().unwrap_or_default()
    }
}

impl KnownNodes {
    /// The nodes at the start: all of them are missing, since this loss.
    pub(super) fn missing(ring: &Ring, loss: ProbeNumber) -> Self {
        let missing = || Node { loss, ..Node::default() };
        Self(ring.places().map(|place| (place, missing())).collect())
    }

    pub(super) fn get(&self, place: Place) -> Option<&Node> {
        self.0.get(&place)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> &mut Node {
        self.0.entry(place).or_default()
    }

    /// A node that is linked.
    pub(crate) fn linked(&self, place: Place) -> Option<&NodeLink> {
        self.get(place)?.link.as_ref()
    }

    pub(super) fn linked_mut(&mut self, place: Place) -> Option<&mut NodeLink> {
        self.get_mut(place).link.as_mut()
    }

    /// A node that was welcomed.
    pub(super) fn welcomed(&self, place: Place) -> Option<&NodeLink> {
        self.linked(place).filter(|linked| linked.is_welcomed)
    }

    /// A node that has said what it has.
    pub(super) fn reported(&self, place: Place) -> Option<&NodeLink> {
        self.linked(place).filter(|linked| linked.report.is_some())
    }

    /// The node at the other end of a link.
    pub(crate) fn place_of_link(&self, link: LinkId) -> Option<Place> {
        let is_of = |node: &Node| node.link.as_ref().is_some_and(|linked| linked.link == link);
        self.0.iter().find(|(_, node)| is_of(node)).map(|(place, _)| *place)
    }

    pub(crate) fn progress(&self, place: Place, member: Member) -> Option<Progress> {
        self.get(place)?.progress.get(&member).copied()
    }

    /// What came of comparing a copy with the other one, as far as its node has said.
    pub(crate) fn compared(&self, place: Place, member: Member) -> Option<Verdict> {
        self.get(place)?.compared.get(&member).copied()
    }

    /// What a node that is not linked said when it ended.
    pub(crate) fn last_words(&self, place: Place) -> Option<&str> {
        self.get(place)?.last_words.as_deref()
    }
}
