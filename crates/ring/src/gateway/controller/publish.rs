//! What is said of views, and to whom: first to the nodes, then to the router.

use protocol::id::PartitionId;
use protocol::message::{Neighbour, ToNode, Welcome};
use protocol::view::{Member, View};

use super::{Controller, NodeLink};
use crate::gateway::cluster_state::ClusterState;
use crate::gateway::effect::GatewayEffect;
use crate::gateway::published::{Published, Service};
use crate::placement::Place;

impl Controller {
    pub(super) fn publish_views(
        &mut self,
        before: Option<&ClusterState>,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        let Some(state) = self.published.clone() else { return };
        for partition in self.ring.places().map(Place::partition) {
            let known = before.and_then(|before| before.view(partition));
            let Some(view) = state.view(partition) else {
                if before.is_none() || known.is_some() {
                    published.push(Published::Unknown(partition));
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
                if let Some(linked) = self.welcomed(self.ring.holder(partition, member)) {
                    effects.push(GatewayEffect::send(linked.link, ToNode::View(*view)));
                }
            }
        }
        self.publish_services(published);
    }

    /// Tells by whom views are served, where that has changed: with the view, or with what is known of its nodes.
    pub(super) fn publish_services(&mut self, published: &mut Vec<Published>) {
        let Some(state) = &self.published else { return };
        for view in state.known_views() {
            let service = self.service(state, view.partition);
            if self.services.insert(view.partition, service) != Some(service) {
                published.push(Published::View(*view, service));
            }
        }
    }

    /// Whether a partition can be served under a state.
    pub(crate) fn service(&self, state: &ClusterState, partition: PartitionId) -> Service {
        let Some(view) = state.view(partition) else { return Service::Available };
        match state.lost_member(&self.ring, view) {
            None => Service::Available,
            Some(lost) if !state.is_lost(&self.ring, view) => Service::Without(lost),
            Some(lost) if self.reinstatable(view, state).is_some() => Service::Without(lost),
            Some(_) => Service::Lost,
        }
    }

    pub(super) fn welcome_nodes(
        &mut self,
        effects: &mut Vec<GatewayEffect>,
        published: &mut Vec<Published>,
    ) {
        let Some(state) = self.published.clone() else { return };
        for place in self.ring.places() {
            let Some(linked) = self.reported(place).filter(|linked| !linked.is_welcomed) else {
                continue;
            };
            if self.is_about_to_be_dropped(&state, place) {
                continue;
            }
            let (link, me) = (linked.link, neighbour(linked));
            let welcome = Welcome {
                cluster: state.cluster,
                ring: self.ring.nodes().to_vec(),
                gateway_boot: self.boot,
                views: self.views_at(&state, place),
                next: self.welcomed(self.ring.next(place)).map(neighbour),
                home_is_linked: self.welcomed(self.ring.previous(place)).is_some(),
            };
            effects.push(GatewayEffect::send(link, ToNode::Welcome(welcome)));
            published.push(Published::Welcomed(place, link));
            if let Some(linked) = self.nodes.entry(place).or_default().link.as_mut() {
                linked.is_welcomed = true;
            }
            if let Some(previous) = self.welcomed(self.ring.previous(place)) {
                effects.push(GatewayEffect::send(previous.link, ToNode::NextIsLinked(me)));
            }
            if let Some(next) = self.welcomed(self.ring.next(place)) {
                effects.push(GatewayEffect::send(next.link, ToNode::HomeIsLinked));
            }
        }
    }

    /// Rule 9: a node that lost its data is dropped before its welcome from the views that named that. It waits for the ones whose
    /// other member takes over as soon as that has shown that it is alive.
    fn is_about_to_be_dropped(&self, state: &ClusterState, place: Place) -> bool {
        Member::ALL.into_iter().any(|member| {
            state.view(self.ring.partition_at(place, member)).is_some_and(|view| {
                state.is_member_lost(&self.ring, view, member)
                    && self.could_survive(view, member.other())
            })
        })
    }

    /// What a node is told of at its welcome. Rule 9: not a view that names data which it has lost; it hears of that
    /// partition once it is dropped there.
    fn views_at(&self, state: &ClusterState, place: Place) -> Vec<View> {
        let view_of = |member| {
            let view = state.view(self.ring.partition_at(place, member))?;
            (!state.is_member_lost(&self.ring, view, member)).then_some(*view)
        };
        Member::ALL.into_iter().filter_map(view_of).collect()
    }
}

fn neighbour(linked: &NodeLink) -> Neighbour {
    Neighbour { incarnation: linked.hello.incarnation, address: linked.hello.address.clone() }
}
