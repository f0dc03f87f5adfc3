//! The hosts of events.

use std::collections::BTreeSet;

use protocol::id::GatewayBoot;
use service::events::{Event, GatewayFact};

use crate::plan::host::Host;
use crate::seen::{Seen, WorldDid};

/// Knows the host of each event. Gateways name themselves by their boots only.
#[derive(Debug, Default)]
pub(super) struct Origins {
    /// The host of the process started last.
    started: Option<Host>,
    /// The boots of second gateways.
    second: BTreeSet<GatewayBoot>,
}

impl Origins {
    /// Follows an event. A gateway tells its boot in the moment of its start: no other process
    /// runs in between.
    pub(super) fn follow(&mut self, seen: &Seen) {
        match seen {
            Seen::World(WorldDid::Starts(host)) => self.started = Some(*host),
            Seen::Inside(Event::Gateway { gateway, event: GatewayFact::Starts { .. } })
                if self.started == Some(Host::SecondGateway) =>
            {
                self.second.insert(*gateway);
            }
            _ => {}
        }
    }

    /// The host of an event.
    pub(super) fn of(&self, seen: &Seen) -> String {
        match seen {
            Seen::Inside(Event::Node { node, .. }) => node.to_string(),
            Seen::Inside(Event::Gateway { gateway, .. }) if self.second.contains(gateway) => {
                Host::SecondGateway.to_string()
            }
            Seen::Inside(Event::Gateway { .. }) => Host::Gateway.to_string(),
            Seen::Storage { node, .. } => Host::Node(*node).to_string(),
            Seen::State { gateway, .. } => gateway.to_string(),
            Seen::Client { client, .. } => client.to_string(),
            Seen::World(_) => "world".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn the_events_of_a_second_gateway_are_its_own() {
        let mut origins = Origins::default();
        let boot = |number| GatewayBoot(Uuid::from_u128(number));
        let starts = |number| {
            let event = GatewayFact::Starts { cluster: None, views: Vec::new() };
            Seen::Inside(Event::Gateway { gateway: boot(number), event })
        };
        for (host, number) in [(Host::Gateway, 1), (Host::SecondGateway, 2), (Host::Gateway, 3)] {
            origins.follow(&Seen::World(WorldDid::Starts(host)));
            origins.follow(&starts(number));
        }
        let told = [1, 2, 3].map(|number| origins.of(&starts(number)));
        assert_eq!(told, ["gateway", "gateway-2", "gateway"]);
    }
}
