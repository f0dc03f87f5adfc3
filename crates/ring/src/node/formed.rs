//! The state of a node after it has joined a cluster: its place and its two copies.

use protocol::hello::{HomeHello, Membership};
use protocol::id::PartitionId;
use protocol::message::{Neighbour, Request, ToNode, Welcome};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use super::copy::PartitionCopy;
use super::copy::context::{Context, Fault};
use super::copy::event::CopyEvent;
use super::copy::id::CopyId;
use super::effect::{DialNext, NodeEffect, StopReason};
use super::identity::NodeIdentity;
use super::settings::NodeSettings;
use crate::placement::{Place, Ring};
use crate::store::RecoveredCopy;
use crate::time::Time;

/// What came of an event that both copies got.
pub(super) struct Heard {
    pub(super) home: Result<(), Fault>,
    pub(super) next: Result<(), Fault>,
}

/// A node's place in its cluster, and its copies.
#[derive(Debug)]
pub(super) struct Formed {
    identity: NodeIdentity,
    pub(super) membership: Membership,
    pub(super) ring: Ring,
    pub(super) place: Place,
    pub(super) home: PartitionCopy,
    pub(super) next: PartitionCopy,
}

impl Formed {
    pub(super) fn new(
        identity: &NodeIdentity,
        settings: &NodeSettings,
        membership: Membership,
        [home, next]: [RecoveredCopy; 2],
        now: Time,
    ) -> Result<Self, StopReason> {
        let other_ring =
            |detail: String| StopReason::Refused(Refusal::new(RefusalCode::OtherRing, detail));
        let ring =
            Ring::new(membership.ring.clone()).map_err(|error| other_ring(error.to_string()))?;
        let missing =
            || other_ring(format!("the ring {:?} has no node {}", ring.nodes(), identity.node));
        let place = ring.place_of(&identity.node).ok_or_else(missing)?;
        let copy = |member, recovered| {
            let partition = ring.partition_at(place, member);
            let id = CopyId { partition, member, incarnation: identity.incarnation };
            PartitionCopy::recovered(id, settings.clone(), recovered, now)
        };
        Ok(Self {
            home: copy(Member::Home, home),
            next: copy(Member::Next, next),
            identity: identity.clone(),
            membership,
            ring,
            place,
        })
    }

    /// Judges a node that dials as the home node of our next copy.
    pub(super) fn admit(&self, hello: &HomeHello) -> Result<(), Refusal> {
        let refuse = |code, detail: String| Err(Refusal::new(code, detail));
        let NodeIdentity { node, incarnation, .. } = &self.identity;
        if hello.cluster != self.membership.cluster {
            let detail = format!("{node} is of cluster {}", self.membership.cluster);
            return refuse(RefusalCode::ForeignCluster, detail);
        }
        let predecessor = self.ring.node_at(self.ring.previous(self.place));
        if hello.node != *predecessor || hello.partition != self.next.partition() {
            let detail = format!("the node before {node} is {predecessor}, not {}", hello.node);
            return refuse(RefusalCode::NotPredecessor, detail);
        }
        if hello.to != (node.clone(), *incarnation) {
            let detail = format!("this is {node} with data {incarnation}");
            return refuse(RefusalCode::Replaced, detail);
        }
        Ok(())
    }

    /// Hands the gateway's welcome to both copies, even if home returns a fault.
    pub(super) fn welcomed(&mut self, cx: &mut Context<'_>, welcome: Welcome) -> Heard {
        let of = |partition: PartitionId| {
            welcome.views.iter().find(|view| view.partition == partition).copied()
        };
        let (home, next): (Option<View>, Option<View>) =
            (of(self.home.partition()), of(self.next.partition()));
        if let Some(neighbour) = welcome.next {
            self.dial(cx, neighbour);
        }
        self.handle(cx, CopyEvent::Welcomed { view: home }, CopyEvent::Welcomed { view: next })
    }

    /// Hands each copy its event, even if home returns a fault.
    pub(super) fn handle(
        &mut self,
        cx: &mut Context<'_>,
        home: CopyEvent,
        next: CopyEvent,
    ) -> Heard {
        let home = self.home.handle(cx, home);
        Heard { home, next: self.next.handle(cx, next) }
    }

    /// Handles a message of the gateway, after its welcome.
    pub(super) fn gateway_says(
        &mut self,
        cx: &mut Context<'_>,
        message: ToNode,
    ) -> Result<(), Fault> {
        match message {
            ToNode::View(view) => {
                let partition = view.partition;
                self.copy_of(cx, partition)?.handle(cx, CopyEvent::Offered { view })
            }
            ToNode::NextIsLinked(neighbour) => {
                self.dial(cx, neighbour);
                self.home.handle(cx, CopyEvent::JoinerMayCome)
            }
            ToNode::HomeIsLinked => self.next.handle(cx, CopyEvent::JoinerMayCome),
            ToNode::JoinerIsWhole { partition } => {
                self.copy_of(cx, partition)?.handle(cx, CopyEvent::JoinerMayCome)
            }
            ToNode::AskRefused { partition, ask } => {
                self.copy_of(cx, partition)?.handle(cx, CopyEvent::AskRefused { ask })
            }
            ToNode::Request(request) => self.request(cx, request),
            ToNode::Welcome(_) | ToNode::Probe(_) | ToNode::Goodbye(_) => {
                Err(cx.gateway_fault("a message out of place"))
            }
        }
    }

    fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let copy = self.copy(request.member);
        if copy.partition() == request.partition {
            return copy.handle(cx, CopyEvent::Requested { request });
        }
        let (member, partition) = (request.member, request.partition);
        Err(cx.gateway_fault(format!("a request for {member} of {partition}, which is not here")))
    }

    /// The copy of a partition on this node.
    fn copy_of(
        &mut self,
        cx: &Context<'_>,
        partition: PartitionId,
    ) -> Result<&mut PartitionCopy, Fault> {
        if partition == self.home.partition() {
            Ok(&mut self.home)
        } else if partition == self.next.partition() {
            Ok(&mut self.next)
        } else {
            Err(cx.gateway_fault(format!("{partition} has no copy here")))
        }
    }

    /// The home copy or the next copy.
    pub(super) fn copy(&mut self, member: Member) -> &mut PartitionCopy {
        match member {
            Member::Home => &mut self.home,
            Member::Next => &mut self.next,
        }
    }

    fn dial(&mut self, cx: &mut Context<'_>, neighbour: Neighbour) {
        let node = self.ring.node_at(self.ring.next(self.place)).clone();
        let hello = HomeHello {
            node: self.identity.node.clone(),
            incarnation: self.identity.incarnation,
            boot: self.identity.boot,
            cluster: self.membership.cluster,
            partition: self.home.partition(),
            to: (node, neighbour.incarnation),
        };
        self.home.next_is_dialled(cx.now);
        cx.effects.push(NodeEffect::DialNext(DialNext { address: neighbour.address, hello }));
    }
}
