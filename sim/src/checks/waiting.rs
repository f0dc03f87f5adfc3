//! Waiting is not load: a request gets 503 `overloaded` only after a wait of 250 ms in which
//! its full node answered others. While the node is silent, the request waits on. And no update
//! waits to its deadline for a node with nothing to do.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use history::users::Input;
use protocol::message::CallId;
use protocol::view::Member;
use ring_core::placement::Place;
use service::events::{Event, GatewayFact, Said};

use self::idle::Idle;
use super::check::Check;
use crate::model::Model;
use crate::plan::swarm::Swarm;
use crate::seen::{Answered, ClientDid, Moment, Seen};
use crate::violation::{Finding, Rule};

mod idle;

/// The least wait before a request is turned away.
const WAIT_MIN: Duration = Duration::from_millis(250);

/// At most this much of the time between two answers of a node counts as busy.
const SILENCE: Duration = Duration::from_millis(50);

/// How long a node's answers are kept. No request takes longer than this.
const KEPT: Duration = Duration::from_secs(20);

/// The kind of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Read,
    Update,
}

/// See the [module](self).
#[derive(Debug)]
pub struct Waiting {
    /// When the gateway heard each answer of a node, and how long the node was busy before it.
    answers: BTreeMap<(Place, Kind), VecDeque<(Moment, Duration)>>,
    idle: Idle,
}

impl Waiting {
    /// A check for the deadline of a run.
    pub fn new(swarm: &Swarm) -> Self {
        let deadline = Duration::from_millis(swarm.request_deadline_ms);
        Self { answers: BTreeMap::new(), idle: Idle::new(deadline) }
    }

    fn answered(&mut self, at: Moment, place: Place, kind: Kind) {
        let answers = self.answers.entry((place, kind)).or_default();
        while answers.pop_front_if(|(before, _)| before.0 + KEPT < at.0).is_some() {}
        let since = answers.back().map_or(SILENCE, |(before, _)| at.0.saturating_sub(before.0));
        answers.push_back((at, since.min(SILENCE)));
    }

    /// An upper bound of a node's busy time since `began`.
    fn busy_since(&self, began: Duration, place: Place, kind: Kind) -> Duration {
        let answers = self.answers.get(&(place, kind)).into_iter().flatten();
        answers.filter(|(at, _)| at.0 >= began).map(|(_, busy)| *busy).sum()
    }
}

impl Waiting {
    fn judge_overload(
        &self,
        model: &Model,
        at: Moment,
        answered: &Answered,
    ) -> Result<(), Finding> {
        let user = answered.input.id();
        let Ok(id) = user.parse() else { return Ok(()) };
        let partition = model.ring.partition_of(&id);
        let (kind, members) = match answered.input {
            Input::Read { .. } => (Kind::Read, &Member::ALL[..]),
            _ => (Kind::Update, &[Member::Home][..]),
        };
        let began = at.0.saturating_sub(answered.took);
        let busy = members
            .iter()
            .map(|member| self.busy_since(began, model.ring.holder(partition, *member), kind));
        let busy = busy.max().unwrap_or_default();
        if answered.took >= WAIT_MIN && busy >= WAIT_MIN {
            return Ok(());
        }
        let detail = format!(
            "turned away after {:?}, in which its node was busy for {busy:?} at most, {WAIT_MIN:?} is the least: \
             {answered:?}",
            answered.took,
        );
        Err(Finding::safety(at, detail).of_user(user))
    }

    fn reply(&mut self, model: &Model, at: Moment, place: Place, call: CallId) {
        let called = model.gateway.and_then(|gateway| model.calls.get(&(gateway, call)));
        if let Some(called) = called {
            let kind = if called.request.is_some() { Kind::Update } else { Kind::Read };
            self.answered(at, place, kind);
        }
    }
}

impl Check for Waiting {
    fn rule(&self) -> Rule {
        Rule {
            check: "waiting",
            says: "503 `overloaded` comes only after 250 ms in which the node answered others",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        self.idle.follow(model, at, seen);
        match seen {
            Seen::Inside(Event::Gateway {
                event: GatewayFact::Hears { node, said: Said::Reply(call) },
                ..
            }) => {
                if let Some(place) = model.ring.place_of(node) {
                    self.reply(model, at, place, *call);
                }
                Ok(())
            }
            Seen::Client { did: ClientDid::Completed(answered), .. } if answered.is_overload() => {
                self.judge_overload(model, at, answered)
            }
            Seen::Client { did: ClientDid::Completed(answered), .. } => {
                self.idle.judge(model, at, answered).map_err(|why| {
                    let detail = format!("{why}: {answered:?}");
                    Finding::liveness(at, detail).of_user(answered.input.id())
                })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use history::Outcome;

    use super::super::support::*;
    use super::*;
    use crate::plan::{Options, Plan};

    /// A user of the partition with its home at db-0.
    fn user() -> String {
        let ids = (0..).map(|number| format!("user-{number}"));
        ids.into_iter().find(|id| ring().partition_of(&id.parse().unwrap()) == P0).unwrap()
    }

    fn waiting() -> Waiting {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        Waiting::new(&Swarm { request_deadline_ms: 4_000, ..swarm })
    }

    fn turned_away_after(took: Duration) -> Seen {
        not_done_after("overloaded", took)
    }

    fn not_done_after(code: &str, took: Duration) -> Seen {
        let problem = format!(r#"{{"type":"tag:chainring,2026:problem:{code}","status":503}}"#);
        client(ClientDid::Completed(Answered {
            input: Input::Delete { id: user(), if_match: None, if_none_match: None },
            outcome: Outcome::NotDone,
            status: Some(503),
            served_by: None,
            has_retry_after: true,
            took,
            problem: Some(problem),
        }))
    }

    /// A node answers an update every `every` events. Events are a millisecond apart.
    fn scene(answers: u64, every: u64) -> Scene<Waiting> {
        let mut scene = Scene::formed(waiting());
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

    #[test]
    fn an_update_that_waits_to_its_deadline_for_an_idle_node_is_seen() {
        let late = || not_done_after("unavailable", Duration::from_secs(4));
        let mut scene = scene(1, 2_000);
        scene.play(gateway(GatewayFact::Welcomes { node: id(0), views: vec![both(0, 1)] }));
        let pass = |scene: &mut Scene<Waiting>, ms: u64| {
            (0..ms).for_each(|_| scene.play(saved(Vec::new())));
        };
        scene.play(requests(7, Member::Home, 1, Some(request(7))));
        pass(&mut scene, 2_000);
        scene.play(late());
        scene.play(hears(0, Said::Reply(CallId(7))));
        pass(&mut scene, 500);
        scene.play(late());
        pass(&mut scene, 600);
        scene.objects(late());
    }
}
