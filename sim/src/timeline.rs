//! The events for people: one line each, with the simulated time and the host.

mod origins;
mod words;

use protocol::id::PartitionId;
use ring_core::placement::Ring;
use service::events::{Event, GatewayFact, NodeFact, Said};

use self::origins::Origins;
use crate::seen::{ClientDid, Moment, Seen, WorldDid};
use crate::violation::About;

/// How many of the last events that matter are shown.
const SHOWN_MAX: usize = 30;

/// All events, in order.
#[derive(Debug, Default)]
pub struct Timeline {
    events: Vec<(Moment, Seen)>,
    origins: Origins,
}

impl Timeline {
    /// Adds an event.
    pub fn add(&mut self, at: Moment, seen: Seen) {
        self.origins.follow(&seen);
        self.events.push((at, seen));
    }

    /// The line of an event.
    pub fn line(&self, at: Moment, seen: &Seen) -> String {
        format!("{at}  {:<10} {seen}", self.origins.of(seen))
    }

    /// The last events that matter for the subject of a finding.
    pub fn about(&self, ring: &Ring, about: &About) -> Vec<String> {
        let user = about.user.as_deref();
        let of_user = || Some(ring.partition_of(&user?.parse().ok()?));
        let partition = about.partition.or_else(of_user);
        let last = self.events.iter().rev();
        let last = last.filter(|(_, seen)| matters(ring, partition, user, seen)).take(SHOWN_MAX);
        let mut lines = last.map(|(at, seen)| self.line(*at, seen)).collect::<Vec<_>>();
        lines.reverse();
        lines
    }
}

/// Whether an event is worth a line if nothing in particular is looked for.
pub fn is_news(seen: &Seen) -> bool {
    !matches!(
        seen,
        Seen::Inside(
            Event::Node { event: NodeFact::Comes(_), .. }
                | Event::Gateway {
                    event: GatewayFact::Hears { said: Said::Reply(_) | Said::Durable { .. }, .. },
                    ..
                }
        ) | Seen::Storage { .. }
    )
}

fn matters(ring: &Ring, partition: Option<PartitionId>, user: Option<&str>, seen: &Seen) -> bool {
    match seen {
        Seen::World(WorldDid::Begins(_) | WorldDid::Ends(_)) => false,
        Seen::World(_) => true,
        Seen::Client { did, .. } => {
            let input = match did {
                ClientDid::Invoked(input) => input,
                ClientDid::Completed(answered) => &answered.input,
            };
            match (user, partition) {
                (Some(user), _) => input.id() == user,
                (None, Some(partition)) => {
                    input.id().parse().is_ok_and(|id| ring.partition_of(&id) == partition)
                }
                (None, None) => false,
            }
        }
        Seen::Inside(event) => partition.is_none() || of_partition(event) == partition,
        Seen::Storage { .. } => false,
        Seen::State { .. } => true,
    }
}

fn of_partition(event: &Event) -> Option<PartitionId> {
    match event {
        Event::Node { event, .. } => match event {
            NodeFact::Acts { view, .. }
            | NodeFact::Stores { view, .. }
            | NodeFact::Appends { view, .. } => Some(view.partition),
            NodeFact::Comes(progress) => Some(progress.partition),
            NodeFact::Applies { partition, .. }
            | NodeFact::BeginsInstall { partition, .. }
            | NodeFact::Installs { partition, .. }
            | NodeFact::FindsDamage { partition, .. }
            | NodeFact::Salvages { partition, .. }
            | NodeFact::Compares { partition, .. }
            | NodeFact::Acknowledges { partition, .. }
            | NodeFact::AskRefused { partition, .. } => Some(*partition),
            NodeFact::Asks(ask) => Some(ask.partition),
            NodeFact::Starts { .. }
            | NodeFact::Joins { .. }
            | NodeFact::Leaves
            | NodeFact::TellsDisk { .. }
            | NodeFact::ReadsApart { .. }
            | NodeFact::ReadOvertaken { .. }
            | NodeFact::SkipsComparison { .. }
            | NodeFact::Replies { .. } => None,
        },
        Event::Gateway { event, .. } => match event {
            GatewayFact::Decides(view)
            | GatewayFact::Publishes(view)
            | GatewayFact::Tells { view, .. } => Some(view.partition),
            GatewayFact::Requests { partition, .. } | GatewayFact::Forgets { partition } => {
                Some(*partition)
            }
            _ => None,
        },
    }
}
