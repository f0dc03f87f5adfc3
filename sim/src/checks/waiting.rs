//! Waiting is not load: a request that finds its node full gets 503 `overloaded` only after it has waited for 250 ms in which
//! that node answered others. While the node is silent it waits on.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use history::users::Input;
use process::events::{Event, GatewayEvent, Said};
use protocol::problem::ProblemType;
use protocol::view::Member;
use ring::placement::Place;

use super::Check;
use crate::model::Model;
use crate::report::Violation;
use crate::seen::{Answered, ClientDid, Moment, Seen};

const NAME: &str = "waiting";

/// So long a request waits at least.
const WAIT_MIN: Duration = Duration::from_millis(250);

/// Of the time between two answers of a node no more counts as busy.
const SILENCE: Duration = Duration::from_millis(50);

/// No request takes longer than this: how busy a node was before is forgotten.
const KEPT: Duration = Duration::from_secs(20);

/// What a node is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Read,
    Update,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Waiting {
    /// When the gateway heard a node's answers, and how long the node was busy before each.
    answers: BTreeMap<(Place, Kind), VecDeque<(Moment, Duration)>>,
}

impl Waiting {
    fn answered(&mut self, at: Moment, place: Place, kind: Kind) {
        let answers = self.answers.entry((place, kind)).or_default();
        while answers.pop_front_if(|(before, _)| before.0 + KEPT < at.0).is_some() {}
        let since = answers.back().map_or(SILENCE, |(before, _)| at.0.saturating_sub(before.0));
        answers.push_back((at, since.min(SILENCE)));
    }

    /// How long a node was busy since then, at most.
    fn busy_since(&self, began: Duration, place: Place, kind: Kind) -> Duration {
        let answers = self.answers.get(&(place, kind)).into_iter().flatten();
        answers.filter(|(at, _)| at.0 >= began).map(|(_, busy)| *busy).sum()
    }
}

/// Whether a request was turned away for what else is under way.
fn is_overload(answered: &Answered) -> bool {
    let code = format!(":{}\"", ProblemType::Overloaded.code());
    answered.problem.as_ref().is_some_and(|problem| problem.contains(&code))
}

impl Check for Waiting {
    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        match seen {
            Seen::Inside(Event::Gateway {
                gateway,
                event: GatewayEvent::Hears { node, said: Said::Reply(call) },
            }) => {
                let called = model.calls.get(&(*gateway, *call));
                if let (Some(called), Some(place)) = (called, model.ring.place_of(node)) {
                    let is_update = called.request.is_some();
                    self.answered(at, place, if is_update { Kind::Update } else { Kind::Read });
                }
                Ok(())
            }
            Seen::Client { did: ClientDid::Completed(answered), .. } if is_overload(answered) => {
                let user = answered.input.id();
                let Ok(id) = user.parse() else { return Ok(()) };
                let partition = model.ring.partition_of(&id);
                let (kind, members) = match answered.input {
                    Input::Read { .. } => (Kind::Read, &Member::ALL[..]),
                    _ => (Kind::Update, &[Member::Home][..]),
                };
                let began = at.0.saturating_sub(answered.took);
                let busy = members.iter().map(|member| {
                    self.busy_since(began, model.ring.holder(partition, *member), kind)
                });
                let busy = busy.max().unwrap_or_default();
                if answered.took >= WAIT_MIN && busy >= WAIT_MIN {
                    return Ok(());
                }
                let detail = format!(
                    "turned away after {:?}, in which its node was busy for {busy:?} at most, {WAIT_MIN:?} is the least: \
                     {answered:?}",
                    answered.took,
                );
                Err(Violation::safety(NAME, at, detail).of_user(user))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use history::Outcome;
    use protocol::message::CallId;

    use super::super::support::*;
    use super::*;

    /// A user of the partition whose home is db-0.
    fn user() -> String {
        let ids = (0..).map(|number| format!("user-{number}"));
        ids.into_iter().find(|id| ring().partition_of(&id.parse().unwrap()) == P0).unwrap()
    }

    fn turned_away_after(took: Duration) -> Seen {
        let problem = r#"{"type":"tag:chainring,2026:problem:overloaded","status":503}"#;
        client(ClientDid::Completed(Answered {
            input: Input::Delete { id: user(), if_match: None, if_none_match: None },
            outcome: Outcome::NotDone,
            status: Some(503),
            served_by: None,
            has_retry_after: true,
            took,
            problem: Some(problem.to_owned()),
        }))
    }

    /// A node that answers an update every so many events, which are a millisecond apart.
    fn scene(answers: u64, every: u64) -> Scene<Waiting> {
        let mut scene = Scene::formed(Waiting::default());
        for call in 0..answers {
            scene.play(requests(call, Member::Home, 1, Some(request(call))));
            scene.play(hears(0, Said::Reply(CallId(call))));
            for _ in 2..every {
                scene.play(Seen::State {
                    gateway: crate::plan::host::Host::Gateway,
                    did: crate::seen::StateDid::Locked,
                });
            }
        }
        scene
    }

    #[test]
    fn a_request_that_is_turned_away_at_once_is_seen() {
        scene(30, 10).objects(turned_away_after(Duration::from_millis(20)));
        scene(30, 10).play(turned_away_after(Duration::from_millis(280)));
    }

    #[test]
    fn a_request_that_is_turned_away_by_a_silent_node_is_seen() {
        scene(3, 100).objects(turned_away_after(Duration::from_millis(280)));
    }
}
