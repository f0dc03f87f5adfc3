//! What a gateway tells of.

use process::events::GatewayEvent;
use protocol::id::{Epoch, GatewayBoot};
use protocol::view::{InSync, Member};

use super::{Probe, Probes};
use crate::model::Model;
use crate::plan::host::Host;

impl Probes {
    pub(super) fn by_gateway(
        &mut self,
        model: &Model,
        gateway: GatewayBoot,
        event: &GatewayEvent,
    ) -> Vec<Probe> {
        match event {
            GatewayEvent::Starts { views, .. } if !views.is_empty() => vec![Probe::GatewayGoesOn],
            GatewayEvent::Linked { node, .. } => {
                let place = model.ring.place_of(node);
                let is_linked = model.links.iter().any(|((gateway, _), linked)| {
                    Some(*gateway) == model.gateway && Some(linked.place) == place
                });
                is_linked.then_some(Probe::LinkReplaced).into_iter().collect()
            }
            GatewayEvent::Publishes(view) => {
                let before = model.published.get(&view.partition).map(|view| view.in_sync);
                match (before, view.in_sync) {
                    (Some(InSync::Both { .. }), InSync::HomeOnly { .. }) => {
                        let next = model.ring.holder(view.partition, Member::Next);
                        let is_cut = model.is_linked(gateway, next)
                            && !model.copy(view.partition, Member::Next).is_damaged;
                        let cut = is_cut.then_some(Probe::NeighboursCut);
                        [Probe::ViewShrinks].into_iter().chain(cut).collect()
                    }
                    (Some(InSync::HomeOnly { .. }), InSync::Both { .. }) => {
                        let under_load = self.is_under_load.then_some(Probe::SlowJoinerBack);
                        [Probe::ViewExpands].into_iter().chain(under_load).collect()
                    }
                    (Some(InSync::Both { .. }), InSync::NextOnly { .. }) => {
                        vec![Probe::HomeDropped]
                    }
                    (Some(InSync::NextOnly { .. }), InSync::Both { .. }) => {
                        vec![Probe::HomeRestored]
                    }
                    (None, _) if view.epoch > Epoch::FIRST => vec![Probe::ViewRebuilt],
                    _ => Vec::new(),
                }
            }
            GatewayEvent::Forgets(_) => vec![Probe::ViewForgotten],
            GatewayEvent::Unlinked { node, .. } => {
                let place = model.ring.place_of(node).map(|place| Host::Node(place.index()));
                let is_up = place.is_some_and(|place| self.up.contains(&place));
                is_up.then_some(Probe::CutFromGateway).into_iter().collect()
            }
            GatewayEvent::Requests { request: None, partition, member, call, .. } => {
                let progress = model.copy(*partition, *member).progress;
                if let Some(progress) = progress.filter(|_| *member == Member::Next) {
                    self.committed_at_read.insert((gateway, *call), progress.committed);
                }
                Vec::new()
            }
            GatewayEvent::Requests { request: Some(request), .. } => {
                let is_again = !self.sent.insert(*request);
                is_again.then_some(Probe::UpdateResent).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
