//! The model follows the events.

use protocol::id::GatewayBoot;
use service::events::{Event, GatewayFact, Said};

use super::{Call, LinkedNode, Model};
use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::seen::{Moment, Seen, StateDid, WorldDid};

impl Model {
    /// Follows an event.
    pub fn follow(&mut self, at: Moment, seen: &Seen) {
        match seen {
            Seen::Inside(Event::Node { node, event }) => {
                if let Some(place) = self.ring.place_of(node) {
                    self.nodes[place.index()].follow(event);
                }
            }
            Seen::Inside(Event::Gateway { gateway, event }) => {
                self.follow_gateway(at, *gateway, event);
            }
            Seen::Storage { node, did } => self.nodes[*node].follow_storage(did),
            Seen::State { gateway: Host::Gateway, did: StateDid::Saved(views) } => {
                self.saved = views.iter().map(|view| (view.partition, *view)).collect();
            }
            Seen::World(WorldDid::Kills(Host::Gateway, how)) => {
                self.links.clear();
                if *how == Death::DataLost {
                    self.saved.clear();
                    self.published.clear();
                }
            }
            Seen::World(WorldDid::Ended(Host::Gateway, _)) => self.links.clear(),
            Seen::State { .. } | Seen::Client { .. } | Seen::World(_) => {}
        }
    }

    fn follow_gateway(&mut self, at: Moment, gateway: GatewayBoot, event: &GatewayFact) {
        match event {
            GatewayFact::Starts { views, .. } => {
                self.gateway = Some(gateway);
                self.heard.clear();
                self.deciding.clear();
                self.published = views.iter().map(|view| (view.partition, *view)).collect();
                self.saved = self.published.clone();
                self.views.extend(views.iter().map(|view| ((view.partition, view.epoch), *view)));
            }
            GatewayFact::Linked { link, node, incarnation, .. } => {
                if let Some(place) = self.ring.place_of(node) {
                    self.links
                        .insert((gateway, *link), LinkedNode { place, incarnation: *incarnation });
                }
            }
            GatewayFact::Unlinked { link, .. } => {
                self.links.remove(&(gateway, *link));
            }
            GatewayFact::Decides(view) => {
                self.deciding.insert(view.partition, *view);
            }
            GatewayFact::Publishes(view) => {
                self.deciding.remove(&view.partition);
                self.published.insert(view.partition, *view);
                // A view that nobody has stored may be lost with the controller's file. Its
                // epoch is then used again.
                self.views.insert((view.partition, view.epoch), *view);
            }
            GatewayFact::Forgets { partition } => {
                self.published.remove(partition);
            }
            GatewayFact::Requests { node, partition, member, epoch, call, request, .. } => {
                let sent = Call {
                    at,
                    node: node.clone(),
                    partition: *partition,
                    member: *member,
                    epoch: *epoch,
                    request: *request,
                };
                self.calls.insert((gateway, *call), sent);
            }
            GatewayFact::Tells { .. }
            | GatewayFact::Welcomes { .. }
            | GatewayFact::Probes { .. } => {}
            GatewayFact::Hears { node, said } => {
                if let (Said::Durable { member, seq }, Some(place)) =
                    (said, self.ring.place_of(node))
                {
                    self.heard.insert((place, *member), *seq);
                }
            }
        }
    }
}
