//! Counts the events of a run, so that a run with few events is not taken for a proof.

use std::time::Duration;

use history::Outcome;
use history::users::Input;
use protocol::view::{InSync, Member};
use service::events::{Event, GatewayFact};

use crate::model::Model;
use crate::plan::swarm::{Pace, Swarm};
use crate::probes::Probes;
use crate::report::{Paced, Reader, Statistics};
use crate::seen::{Answered, ClientDid, Phase, Seen, WorldDid};

/// Counts the events of a run.
#[derive(Debug, Default)]
pub(crate) struct Counter {
    pub(crate) statistics: Statistics,
    probes: Probes,
    /// Whether faults come one at a time, and have not ended.
    is_paced: bool,
}

impl Counter {
    pub(crate) fn new(swarm: &Swarm) -> Self {
        let mut counter = Self::default();
        if swarm.pace == Pace::OneAtATime {
            counter.is_paced = true;
            let detection_ms = swarm.detection_ms();
            counter.statistics.paced = Paced { seeds: 1, detection_ms, ..Paced::default() };
        }
        counter
    }

    /// Counts an event. `model` is the state of the cluster before it.
    pub(crate) fn count(&mut self, model: &Model, seen: &Seen) {
        for probe in self.probes.reached(model, seen) {
            *self.statistics.probes.entry(probe.name().to_owned()).or_default() += 1;
        }
        match seen {
            Seen::Inside(Event::Gateway { event: GatewayFact::Publishes(view), .. })
                if model.published.contains_key(&view.partition) =>
            {
                self.statistics.view_changes += 1;
            }
            Seen::World(WorldDid::Phase(Phase::Liveness)) => self.is_paced = false,
            Seen::World(WorldDid::Fault(kind)) => {
                *self.statistics.faults.entry(*kind).or_default() += 1;
            }
            Seen::Client { did: ClientDid::Completed(answered), .. } => self.ended(model, answered),
            _ => {}
        }
    }

    fn ended(&mut self, model: &Model, answered: &Answered) {
        let statistics = &mut self.statistics;
        match answered.outcome {
            Outcome::Done(_) => statistics.done += 1,
            Outcome::NotDone => statistics.not_done += 1,
            Outcome::Unknown => statistics.unknown += 1,
        }
        let (Input::Read { id }, Outcome::Done(_)) = (&answered.input, &answered.outcome) else {
            return;
        };
        statistics.read_ms_max = statistics.read_ms_max.max(millis(answered.took));
        if self.is_paced {
            let paced = &mut statistics.paced;
            paced.reads += 1;
            paced.read_ms_max = paced.read_ms_max.max(millis(answered.took));
        }
        if let Some(reader) = reader(model, id, answered) {
            *statistics.readers.entry(reader).or_default() += 1;
        }
    }

    pub(crate) fn converged(&mut self, took: Duration) {
        self.statistics.convergence_ms = self.statistics.convergence_ms.max(millis(took));
    }

    pub(crate) fn finish(mut self, now: Duration, checker_steps: u64) -> Statistics {
        self.statistics.simulated_ms = millis(now);
        self.statistics.checker_steps = checker_steps;
        self.statistics
    }
}

fn reader(model: &Model, id: &str, answered: &Answered) -> Option<Reader> {
    let by = answered.served_by.as_ref()?;
    let partition = model.ring.partition_of(&id.parse().ok()?);
    let view = model.views.get(&(partition, by.epoch))?;
    Some(match (by.member, view.in_sync) {
        (Member::Home, _) => Reader::Primary,
        (Member::Next, InSync::NextOnly { .. }) => Reader::ReplicaAlone,
        (Member::Next, _) => Reader::Replica,
    })
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
