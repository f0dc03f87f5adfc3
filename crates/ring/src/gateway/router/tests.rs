use protocol::id::{Epoch, Incarnation};
use protocol::message::ToNode;
use protocol::user::UserId;
use protocol::view::InSync;
use uuid::Uuid;

use super::*;
use crate::gateway::published::Service;
use crate::gateway::settings::NodeLimits;

const NOW: Time = Time::ZERO;

fn ring() -> Ring {
    Ring::new((0..3).map(|node| format!("db-{node}").parse().unwrap()).collect()).unwrap()
}

/// A read of a user of a partition.
fn read(partition: u16) -> ClientRequest {
    let mut ids = (0..).map(|user| format!("user-{user}").parse::<UserId>().unwrap());
    let is_there = |id: &UserId| ring().partition_of(id) == PartitionId(partition);
    ClientRequest::Read(ids.find(is_there).unwrap())
}

fn publishes(partition: u16, epoch: u64, in_sync: InSync) -> Published {
    let (partition, epoch) = (PartitionId(partition), Epoch(epoch));
    let decided_by = GatewayBoot(Uuid::nil());
    let view = View { partition, epoch, in_sync, decided_by, accepted_loss: None };
    Published::View(view, Service::Available)
}

/// The sent requests, by partition and epoch.
fn sent(effects: &[GatewayEffect]) -> Vec<(PartitionId, Epoch)> {
    let request = |effect: &GatewayEffect| match effect {
        GatewayEffect::Send { message, .. } => match &**message {
            ToNode::Request(request) => Some((request.partition, request.epoch)),
            _ => None,
        },
        _ => None,
    };
    effects.iter().filter_map(request).collect()
}

/// Seed 905589: db-0 has one read of P0 and no room. The view of P0 moves this read, and a read of
/// P2 takes the room. The view of P2 was published at the same time.
#[test]
fn a_request_that_takes_room_made_by_a_view_goes_under_the_view_published_with_it() {
    let node = |node| Incarnation(Uuid::from_u128(node));
    let limits = NodeLimits { reads_max: 1, ..NodeLimits::default() };
    let settings = GatewaySettings { node_limits: limits, ..GatewaySettings::default() };
    let mut router = Router::new(ring(), GatewayBoot(Uuid::nil()), &settings, NOW);
    let links =
        ring().places().map(|place| Published::Welcomed(place, LinkId(place.index() as u64)));
    let views = [
        publishes(0, 1, InSync::HomeOnly { home: node(0) }),
        publishes(2, 1, InSync::Both { home: node(2), next: node(0) }),
    ];
    router.follow(NOW, &links.chain(views).collect::<Vec<_>>(), &mut Vec::new());
    let mut effects = Vec::new();
    for (ticket, partition) in [(1, 0), (2, 2)] {
        let time_allowed = Duration::from_secs(5);
        router.submit(NOW, Ticket(ticket), read(partition), time_allowed, &mut effects);
    }
    assert_eq!(sent(&effects), [(PartitionId(0), Epoch(1))]);
    effects.clear();
    let published = [
        publishes(0, 2, InSync::Both { home: node(0), next: node(1) }),
        publishes(2, 2, InSync::NextOnly { next: node(0) }),
    ];
    router.follow(NOW, &published, &mut effects);
    assert_eq!(sent(&effects), [(PartitionId(0), Epoch(2)), (PartitionId(2), Epoch(2))]);
}
