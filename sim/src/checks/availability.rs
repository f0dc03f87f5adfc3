//! Availability: no read fails while at most one node at a time is in trouble, and each fault
//! waits until every view is *both* again. No update is turned away either, unless its home is
//! the node in trouble.

use std::collections::BTreeSet;

use history::Outcome;
use history::users::Input;
use protocol::view::Member;

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::swarm::{Overloads, Pace, Swarm};
use crate::seen::{Answered, ClientDid, Moment, Phase, Seen, StorageDid, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug)]
pub struct Availability {
    pace: Pace,
    /// Whether clients may ask for more reads, and more updates, than nodes take. Requests then
    /// wait for a place until they are turned away. The check `waiting` judges that.
    overloads: Overloads,
    /// The hosts concerned by the last fault.
    troubled: BTreeSet<Host>,
    /// The hosts concerned by the fault before that.
    troubled_before: BTreeSet<Host>,
    /// When the formed cluster was whole for the first time.
    whole_since: Option<Moment>,
    /// Whether the liveness phase has begun. The part left broken then comes on top of the last
    /// fault.
    is_over: bool,
}

impl Availability {
    /// A check for the pace of a run.
    pub fn new(swarm: &Swarm) -> Self {
        Self {
            pace: swarm.pace,
            overloads: swarm.overloads(),
            troubled: BTreeSet::new(),
            troubled_before: BTreeSet::new(),
            whole_since: None,
            is_over: false,
        }
    }
}

impl Availability {
    /// Notes the hosts in trouble. The next fault begins once all is whole again.
    fn follow(&mut self, did: &WorldDid) {
        match did {
            WorldDid::Fault(_) => {
                self.troubled_before = std::mem::take(&mut self.troubled);
            }
            WorldDid::Kills(host, _)
            | WorldDid::Stops(host)
            | WorldDid::Ended(host, _)
            | WorldDid::Corrupts(host, ..) => {
                self.troubled.insert(*host);
            }
            WorldDid::Begins(condition) => self.troubled.extend(condition.hosts()),
            WorldDid::Starts(_) | WorldDid::Ends(_) | WorldDid::Phase(_) => {}
        }
    }

    /// Whether the node with the home copy of a user may be in trouble.
    fn is_home_troubled(&self, model: &Model, user: &str) -> bool {
        let Ok(id) = user.parse() else { return true };
        let partition = model.ring.partition_of(&id);
        let home = Host::Node(model.ring.holder(partition, Member::Home).index());
        model.has_no_primary(partition)
            || self.troubled.contains(&home)
            || self.troubled_before.contains(&home)
    }
}

impl Check for Availability {
    fn rule(&self) -> Rule {
        Rule {
            check: "availability",
            says: "with one node in trouble no read fails, and no update whose home is another node is turned away",
        }
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
        match seen {
            Seen::World(did) => self.follow(did),
            Seen::Storage { node, did: StorageDid::Failed(_) | StorageDid::ReadFailed } => {
                self.troubled.insert(Host::Node(*node));
            }
            _ => {}
        }
        let Seen::Client { did: ClientDid::Completed(answered), .. } = seen else { return Ok(()) };
        let Answered { input, outcome, took, .. } = answered;
        let began_whole = at.0.saturating_sub(*took) >= since.0;
        let is_judged = match input {
            Input::Read { .. } => !self.overloads.reads,
            _ => !self.overloads.updates,
        };
        if !began_whole || !is_judged {
            return Ok(());
        }
        let (what, has_failed) = match (input, outcome) {
            (_, Outcome::Done(_)) => return Ok(()),
            (Input::Read { .. }, _) => ("a read failed", true),
            (_, Outcome::Unknown) => return Ok(()),
            (update, Outcome::NotDone) => {
                ("an update was turned away", !self.is_home_troubled(model, update.id()))
            }
        };
        if !has_failed {
            return Ok(());
        }
        let detail = format!("{what} with one node in trouble: {answered:?}");
        Err(Finding::liveness(at, detail).of_user(input.id()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use protocol::id::Position;
    use protocol::message::Progress;

    use super::super::support::*;
    use super::*;
    use crate::plan::step::Death;
    use crate::plan::{Options, Plan};

    fn scene(pace: Pace) -> Scene<Availability> {
        let drawn = Plan::draw(1, &Options::default()).swarm;
        let max = 1_000;
        let swarm = Swarm { pace, reads_of_node_max: max, updates_of_node_max: max, ..drawn };
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
        fails(Input::Read { id: "user-1".to_owned() })
    }

    fn fails(input: Input) -> Seen {
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

    #[test]
    fn an_update_that_is_turned_away_is_seen_unless_its_home_is_in_trouble() {
        let mut scene = scene(Pace::OneAtATime);
        let id = "user-1".to_owned();
        let home = scene.model.ring.partition_of(&id.parse().unwrap()).0;
        let update =
            || fails(Input::Delete { id: id.clone(), if_match: None, if_none_match: None });
        let kills = |place| Seen::World(WorldDid::Kills(Host::Node(place), Death::Killed));
        scene.play(kills((usize::from(home) + 1) % 3));
        scene.objects(update());
        scene.play(kills(usize::from(home)));
        scene.play(update());
    }
}
