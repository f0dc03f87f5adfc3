//! What is said of views, and to whom: first to the nodes, then to the router.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{GatewayBoot, PartitionId};
use protocol::message::{Neighbour, ToNode, Welcome};
use protocol::view::{Member, View};

use super::copies::Copies;
use super::nodes::{KnownNodes, NodeLink};
use super::unheard::Unheard;
use crate::gateway::cluster_state::ClusterState;
use crate::gateway::effect::GatewayEffect;
use crate::gateway::published::{Published, Service};
use crate::placement::{Place, Ring};

/// By whom each view is served.
pub(super) type Services = BTreeMap<PartitionId, Service>;

/// The copies that have become whole: if an ask for one was refused, another is worth it.
pub(super) type Restored = BTreeSet<(PartitionId, Member)>;

/// Says what is published: to the nodes by effects, then to the router.
pub(super) struct Publishing<'a> {
    pub(super) ring: &'a Ring,
    pub(super) boot: GatewayBoot,
    pub(super) state: Option<&'a ClusterState>,
    pub(super) nodes: &'a mut KnownNodes,
    pub(super) unheard: &'a Unheard,
    /// By whom each view is served, as it was told last.
    pub(super) services: &'a mut Services,
    pub(super) effects: &'a mut Vec<GatewayEffect>,
    pub(super) published: &'a mut Vec<Published>,
}

impl Publishing<'_> {
    /// Tells the views that differ from those of the state before.
    pub(super) fn publish_views(&mut self, before: Option<&ClusterState>) {
        let Some(state) = self.state else { return };
        for partition in self.ring.places().map(Place::partition) {
            let known = before.and_then(|before| before.view(partition));
            let Some(view) = state.view(partition) else {
                if before.is_none() || known.is_some() {
                    self.published.push(Published::Unknown(partition));
                }
                continue;
            };
            if known == Some(view) {
                continue;
            }
            self.services.remove(&partition);
            assert!(
                known.is_none_or(|known| view.epoch > known.epoch),
                "an epoch never goes back: {known:?} to {view:?}",
            );
            for member in Member::ALL {
                if let Some(linked) = self.nodes.welcomed(self.ring.holder(partition, member)) {
                    self.effects.push(GatewayEffect::send(linked.link, ToNode::View(*view)));
                }
            }
        }
        self.publish_services();
    }

    /// Tells by whom views are served, where that has changed: with the view, or with what is known
    /// of its nodes.
    pub(super) fn publish_services(&mut self) {
        let Some(state) = self.state else { return };
        for view in state.known_views() {
            let service = self.copies().service(state, view.partition);
            if self.services.insert(view.partition, service) != Some(service) {
                self.published.push(Published::View(*view, service));
            }
        }
    }

    /// Welcomes the nodes that have reported.
    pub(super) fn welcome_nodes(&mut self) {
        let Some(state) = self.state else { return };
        for place in self.ring.places() {
            let Some(linked) = self.nodes.reported(place).filter(|linked| !linked.is_welcomed)
            else {
                continue;
            };
            if self.is_about_to_be_dropped(state, place) {
                continue;
            }
            let (link, me) = (linked.link, neighbour(linked));
            let welcome = Welcome {
                cluster: state.cluster,
                ring: self.ring.nodes().to_vec(),
                gateway_boot: self.boot,
                views: self.views_at(state, place),
                next: self.nodes.welcomed(self.ring.next(place)).map(neighbour),
                home_is_linked: self.nodes.welcomed(self.ring.previous(place)).is_some(),
            };
            self.effects.push(GatewayEffect::send(link, ToNode::Welcome(welcome)));
            self.published.push(Published::Welcomed(place, link));
            if let Some(linked) = self.nodes.linked_mut(place) {
                linked.is_welcomed = true;
            }
            if let Some(previous) = self.nodes.welcomed(self.ring.previous(place)) {
                self.effects.push(GatewayEffect::send(previous.link, ToNode::NextIsLinked(me)));
            }
            if let Some(next) = self.nodes.welcomed(self.ring.next(place)) {
                self.effects.push(GatewayEffect::send(next.link, ToNode::HomeIsLinked));
            }
        }
    }

    /// Rule 9: a node that lost its data is dropped before its welcome from the views that named
    /// that. It waits for the ones whose other member takes over as soon as that has shown that it
    /// is alive.
    fn is_about_to_be_dropped(&self, state: &ClusterState, place: Place) -> bool {
        Member::ALL.into_iter().any(|member| {
            state.view(self.ring.partition_at(place, member)).is_some_and(|view| {
                state.is_member_lost(self.ring, view, member)
                    && self.copies().could_survive(view, member.other())
            })
        })
    }

    /// What a node is told of at its welcome. Rule 9: not a view that names data which it has lost;
    /// it hears of that partition once it is dropped there.
    fn views_at(&self, state: &ClusterState, place: Place) -> Vec<View> {
        let view_of = |member| {
            let view = state.view(self.ring.partition_at(place, member))?;
            (!state.is_member_lost(self.ring, view, member)).then_some(*view)
        };
        Member::ALL.into_iter().filter_map(view_of).collect()
    }

    /// The copies that have become whole are worth another ask.
    pub(super) fn tell_restored(&mut self, restored: Restored) {
        for (partition, member) in restored {
            if let Some(donor) = self.nodes.welcomed(self.ring.holder(partition, member.other())) {
                let message = ToNode::JoinerIsWhole { partition };
                self.effects.push(GatewayEffect::send(donor.link, message));
            }
        }
    }

    fn copies(&self) -> Copies<'_> {
        let Self { ring, state, nodes, unheard, .. } = self;
        Copies { ring, published: *state, nodes, unheard }
    }
}

fn neighbour(linked: &NodeLink) -> Neighbour {
    Neighbour { incarnation: linked.hello.incarnation, address: linked.hello.address.clone() }
}
