//! The probes reached by the events of a gateway.

use protocol::id::{Epoch, GatewayBoot, NodeId};
use protocol::message::CallId;
use protocol::view::{InSync, Member};
use service::events::{GatewayFact, Said};

use super::Probes;
use super::probe::Probe;
use crate::model::Model;
use crate::plan::host::Host;

impl Probes {
    pub(super) fn by_gateway(
        &mut self,
        model: &Model,
        gateway: GatewayBoot,
        event: &GatewayFact,
    ) -> Vec<Probe> {
        match event {
            GatewayFact::Starts { views, .. } if !views.is_empty() => vec![Probe::GatewayGoesOn],
            GatewayFact::Linked { node, .. } => {
                self.calls.remove(node);
                let place = model.ring.place_of(node);
                let is_linked = model.links.iter().any(|((gateway, _), linked)| {
                    Some(*gateway) == model.gateway && Some(linked.place) == place
                });
                is_linked.then_some(Probe::LinkReplaced).into_iter().collect()
            }
            GatewayFact::Publishes(view) => {
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
                    (Some(InSync::HomeOnly { .. }), InSync::NextOnly { .. }) => {
                        vec![Probe::NextReinstated]
                    }
                    (None, _) if view.epoch > Epoch::FIRST => vec![Probe::ViewRebuilt],
                    _ => Vec::new(),
                }
            }
            GatewayFact::Forgets { .. } => vec![Probe::ViewForgotten],
            GatewayFact::Unlinked { node, .. } => {
                let place = model.ring.place_of(node).map(|place| Host::Node(place.index()));
                let is_up = place.is_some_and(|place| self.up.contains(&place));
                let is_last = model.links.len() == 1;
                let probes = [
                    is_up.then_some(Probe::CutFromGateway),
                    is_last.then_some(Probe::AllLinksLost),
                    self.probed.remove(node).then_some(Probe::ProbeUnanswered),
                ];
                probes.into_iter().flatten().collect()
            }
            GatewayFact::Welcomes { node, views } => {
                let Some(place) = model.ring.place_of(node) else { return Vec::new() };
                let is_published = |member: &Member| {
                    model.published.contains_key(&model.ring.partition_at(place, *member))
                };
                let published = Member::ALL.iter().filter(|member| is_published(member)).count();
                let is_without = views.len() < published;
                is_without.then_some(Probe::WelcomedWithoutView).into_iter().collect()
            }
            GatewayFact::Requests { node, partition, member, call, request, is_alone, .. } => {
                self.calls.entry(node.clone()).or_default().insert(*call, *is_alone);
                let is_again = request.is_some_and(|request| !self.sent.insert(request));
                let progress = model.copy(*partition, *member).progress;
                if let Some(progress) = progress.filter(|_| *member == Member::Next)
                    && request.is_none()
                {
                    self.committed_at_read.insert((gateway, *call), progress.committed);
                }
                let again = is_again.then_some(Probe::UpdateResent);
                let alone = is_alone.then_some(Probe::SentAlone);
                again.into_iter().chain(alone).collect()
            }
            GatewayFact::Probes { node, .. } => {
                self.probed.insert(node.clone());
                Vec::new()
            }
            GatewayFact::Hears { node, said } => self.by_said(node, *said),
            _ => Vec::new(),
        }
    }

    fn by_said(&mut self, node: &NodeId, said: Said) -> Vec<Probe> {
        match said {
            Said::Alive(_) => {
                self.probed.remove(node);
                vec![Probe::ProbeAnswered]
            }
            Said::Undecodable(understood) => {
                let first = understood.map_or(CallId(0), |understood| CallId(understood.0 + 1));
                let unread = self.calls.get(node).and_then(|calls| calls.range(first..).next());
                let is_alone = unread.is_some_and(|(_, is_alone)| *is_alone);
                let culprit = is_alone.then_some(Probe::CulpritFound);
                [Probe::FrameUndecodable].into_iter().chain(culprit).collect()
            }
            _ => Vec::new(),
        }
    }
}
