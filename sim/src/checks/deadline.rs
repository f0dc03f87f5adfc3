//! Every request has an answer within its deadline, plus some slack for the way. Exceptions:
//! the gateway died or stood still meanwhile, or the client was cut off.
//!
//! And no request is given up early. A read of a formed cluster fails at its deadline and no
//! sooner, and so does an update of unknown outcome. Exceptions: the gateway ends meanwhile,
//! and answers all waiting clients; or a node cannot decode the requests of that user.

use std::collections::BTreeSet;
use std::time::Duration;

use history::users::Input;

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::step::{Condition, Death};
use crate::plan::swarm::{Overloads, Swarm};
use crate::seen::{ClientDid, Moment, Seen, StateDid, WorldDid};
use crate::violation::{Finding, Rule};

/// The time for the way there and back, and for the gateway to notice the deadline.
const SLACK: Duration = Duration::from_millis(500);

/// See the [module](self).
#[derive(Debug)]
pub struct Deadline {
    deadline: Duration,
    allowed: Duration,
    /// Whether clients may ask for more than nodes take.
    overloads: Overloads,
    /// Since when the gateway is up and moves; none while it does not.
    undisturbed_since: Option<Moment>,
    /// How many faults make the gateway stand still, or keep clients away from it.
    pauses: u32,
    is_up: bool,
    /// When an ending gateway last gave up its waiting requests: when it could not save, or one
    /// deadline after it was told to stop.
    gave_up_at: Option<Moment>,
    /// Since when a cluster is formed. Before that, requests are turned away at once.
    formed_since: Option<Moment>,
    /// The users with requests that a node could not decode at some time.
    undecodable: BTreeSet<String>,
}

impl Deadline {
    /// A check for the deadline and the latencies of a run.
    pub fn new(swarm: &Swarm) -> Self {
        let way = Duration::from_millis(6 * swarm.latency_ms.max + 4 * swarm.tick_ms);
        let deadline = Duration::from_millis(swarm.request_deadline_ms);
        let allowed = deadline + way + SLACK;
        Self {
            deadline,
            allowed,
            overloads: swarm.overloads(),
            undisturbed_since: None,
            pauses: 0,
            is_up: false,
            gave_up_at: None,
            formed_since: None,
            undecodable: BTreeSet::new(),
        }
    }

    fn is_disturbed(&mut self, at: Moment, did: &WorldDid) {
        match did {
            WorldDid::Starts(Host::Gateway) => self.is_up = true,
            WorldDid::Kills(Host::Gateway, _)
            | WorldDid::Ended(Host::Gateway, _)
            | WorldDid::Stops(Host::Gateway) => {
                self.is_up = false;
            }
            WorldDid::Begins(
                Condition::Paused(Host::Gateway) | Condition::Cut(Host::Clients, _),
            ) => self.pauses += 1,
            WorldDid::Begins(Condition::Undecodable(_, user)) => {
                self.undecodable.insert(user.clone());
                return;
            }
            WorldDid::Ends(Condition::Paused(Host::Gateway) | Condition::Cut(Host::Clients, _)) => {
                self.pauses = self.pauses.saturating_sub(1);
            }
            _ => return,
        }
        self.undisturbed_since = (self.is_up && self.pauses == 0).then_some(at);
    }
}

impl Check for Deadline {
    fn rule(&self) -> Rule {
        Rule {
            check: "deadline",
            says: "a request has its answer by its deadline, and is not given up before",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        if self.formed_since.is_none() && !model.published.is_empty() {
            self.formed_since = Some(at);
        }
        match seen {
            Seen::World(WorldDid::Kills(Host::Gateway, Death::DataLost)) => {
                // A gateway without a known cluster turns requests away until it has found the
                // cluster again.
                self.formed_since = None;
                self.is_up = false;
                self.undisturbed_since = None;
            }
            Seen::World(did) => {
                if *did == WorldDid::Stops(Host::Gateway) {
                    self.gave_up_at = Some(Moment(at.0 + self.deadline));
                }
                self.is_disturbed(at, did);
            }
            Seen::State { gateway: Host::Gateway, did: StateDid::Failed } => {
                self.gave_up_at = Some(at)
            }
            Seen::Client { did: ClientDid::Completed(answered), .. } => {
                let began = at.0.saturating_sub(answered.took);
                let was_undisturbed = self.undisturbed_since.is_some_and(|since| since.0 <= began);
                if was_undisturbed && answered.took > self.allowed {
                    let detail = format!(
                        "an answer took {:?}, {:?} are allowed: {answered:?}",
                        answered.took, self.allowed
                    );
                    let user = answered.input.id();
                    return Err(Finding::liveness(at, detail).of_user(user));
                }
                let is_read = matches!(answered.input, Input::Read { .. });
                let is_given_up = match answered.status {
                    // The check `waiting` judges who is turned away from a busy node.
                    Some(503) if self.overloads.reads && answered.is_overload() => false,
                    Some(503) => is_read && self.formed_since.is_some_and(|since| since.0 <= began),
                    Some(504) => true,
                    _ => false,
                };
                let has_ended =
                    self.gave_up_at.is_some_and(|since| (began..=at.0).contains(&since.0));
                // The id of one user may begin with the id of another.
                let user = answered.input.id();
                let is_undecodable = self.undecodable.iter().any(|id| user.starts_with(id));
                if is_given_up && !has_ended && !is_undecodable && answered.took < self.deadline {
                    let detail = format!(
                        "given up before the deadline of {:?}: {answered:?}",
                        self.deadline
                    );
                    return Err(Finding::liveness(at, detail).of_user(user));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use history::Outcome;

    use super::super::support::*;
    use super::*;
    use crate::plan::{Options, Plan};
    use crate::seen::Answered;

    fn late() -> Seen {
        given_up_after(Duration::from_secs(20))
    }

    fn given_up_after(took: Duration) -> Seen {
        client(ClientDid::Completed(Answered {
            input: Input::Read { id: "user-1".to_owned() },
            outcome: Outcome::NotDone,
            status: Some(504),
            served_by: None,
            has_retry_after: true,
            took,
            problem: None,
        }))
    }

    #[test]
    fn a_request_that_is_given_up_early_is_seen() {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        let mut scene = Scene::formed(Deadline::new(&swarm));
        scene.play(given_up_after(Duration::from_millis(swarm.request_deadline_ms)));
        scene.objects(given_up_after(Duration::from_millis(10)));
    }

    #[test]
    fn a_request_that_cannot_be_decoded_may_be_given_up_early_and_no_other() {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        let mut scene = Scene::formed(Deadline::new(&swarm));
        let undecodable = |user: &str| {
            let condition = Condition::Undecodable(Host::Node(0), user.to_owned());
            Seen::World(WorldDid::Begins(condition))
        };
        scene.play(undecodable("user-2"));
        scene.objects(given_up_after(Duration::from_millis(10)));
        scene.play(undecodable("user-1"));
        scene.play(given_up_after(Duration::from_millis(10)));
    }

    #[test]
    fn a_gateway_that_ends_may_give_up_what_waits_and_nothing_that_comes_later() {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        let scene = Scene::formed(Deadline::new(&swarm));
        let mut check = scene.check;
        let mut see =
            |ms, seen: &Seen| check.see(&scene.model, Moment(Duration::from_millis(ms)), seen);
        see(5_000, &Seen::State { gateway: Host::Gateway, did: StateDid::Failed }).unwrap();
        see(5_005, &given_up_after(Duration::from_millis(10))).unwrap();
        assert!(see(5_011, &given_up_after(Duration::from_millis(10))).is_err());
        let deadline_ms = swarm.request_deadline_ms;
        see(9_000, &Seen::World(WorldDid::Stops(Host::Gateway))).unwrap();
        assert!(see(9_005, &given_up_after(Duration::from_millis(10))).is_err());
        see(9_005 + deadline_ms, &given_up_after(Duration::from_millis(10))).unwrap();
    }

    #[test]
    fn a_late_answer_is_seen_unless_the_gateway_was_away() {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        let scene = Scene::formed(Deadline::new(&swarm));
        let mut check = scene.check;
        let mut see = |second, seen: &Seen| {
            check.see(&scene.model, Moment(Duration::from_secs(second)), seen)
        };
        see(1, &Seen::World(WorldDid::Starts(Host::Gateway))).unwrap();
        assert!(see(30, &late()).is_err());
        see(35, &Seen::World(WorldDid::Begins(Condition::Paused(Host::Gateway)))).unwrap();
        see(40, &Seen::World(WorldDid::Ends(Condition::Paused(Host::Gateway)))).unwrap();
        see(45, &late()).unwrap();
    }
}
