//! Availability: no read fails while at most one node at a time is in trouble, and each fault
//! waits until every view is *both* again.

use history::Outcome;
use history::users::Input;

use super::check::Check;
use crate::model::Model;
use crate::plan::swarm::{Pace, Swarm};
use crate::seen::{Answered, ClientDid, Moment, Phase, Seen, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug)]
pub struct Availability {
    pace: Pace,
    /// When the formed cluster was whole for the first time.
    whole_since: Option<Moment>,
    /// Whether the liveness phase has begun. The part left broken then comes on top of the last
    /// fault.
    is_over: bool,
}

impl Availability {
    /// A check for the pace of a run.
    pub fn new(swarm: &Swarm) -> Self {
        Self { pace: swarm.pace, whole_since: None, is_over: false }
    }
}

impl Check for Availability {
    fn rule(&self) -> Rule {
        Rule { check: "availability", says: "with one node in trouble no read fails" }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        self.is_over |= *seen == Seen::World(WorldDid::Phase(Phase::Liveness));
        if self.pace == Pace::Free || self.is_over {
            return Ok(());
        }
        let Some(since) = self.whole_since else {
            self.whole_since = model.is_whole().then_some(at);
            return Ok(());
        };
        let Seen::Client { did: ClientDid::Completed(answered), .. } = seen else { return Ok(()) };
        let Answered { input: Input::Read { id }, outcome, took, .. } = answered else {
            return Ok(());
        };
        let began_whole = at.0.saturating_sub(*took) >= since.0;
        if matches!(outcome, Outcome::Done(_)) || !began_whole {
            return Ok(());
        }
        let detail = format!("a read failed with one node in trouble: {answered:?}");
        Err(Finding::liveness(at, detail).of_user(id))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::id::Position;
    use protocol::message::Progress;
    use protocol::view::Member;

    use super::super::support::*;
    use super::*;
    use crate::plan::{Options, Plan};

    fn scene(pace: Pace) -> Scene<Availability> {
        let swarm = Swarm { pace, ..Plan::draw(1, &Options::default()).swarm };
        let mut scene = Scene::formed(Availability::new(&swarm));
        for place in 0..3_u16 {
            for (member, of) in [(Member::Home, place), (Member::Next, (place + 2) % 3)] {
                let progress = Progress {
                    partition: protocol::id::PartitionId(of),
                    member,
                    written: Position::default(),
                    durable: Position::default().seq,
                    committed: Position::default().seq,
                    condition: protocol::message::Condition::Whole,
                };
                let event = service::events::NodeFact::Comes(progress);
                scene.play(node(usize::from(place), event));
            }
        }
        for _ in 0..100 {
            scene.play(client(ClientDid::Invoked(Input::Read { id: "user-1".to_owned() })));
        }
        scene
    }

    fn failed() -> Seen {
        let input = Input::Read { id: "user-1".to_owned() };
        let took = Duration::from_millis(20);
        let (outcome, status) = (Outcome::NotDone, Some(503));
        let answered = Answered {
            input,
            outcome,
            status,
            served_by: None,
            has_retry_after: true,
            took,
            problem: None,
        };
        client(ClientDid::Completed(answered))
    }

    #[test]
    fn a_failed_read_is_seen_where_one_node_at_a_time_is_in_trouble() {
        scene(Pace::OneAtATime).objects(failed());
        scene(Pace::Free).play(failed());
    }
}
