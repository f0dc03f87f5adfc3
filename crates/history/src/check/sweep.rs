//! The breadth-first search: all configurations with one operation placed, then all with two,
//! ...
//!
//! The [depth-first search](super::search) is quick if there is a linearization. If there is
//! none, it may visit the same configuration again and again, each time with fewer unknown
//! effects than before, and search everything after it anew. The sweep visits a configuration
//! once: in the order of the number of placed operations with an output, then of the number of
//! unknown effects. So the smallest come first. The sweep takes as long with a linearization as
//! without one, so it takes over only when the other search runs in circles. It obeys the same
//! rules.

use super::evaluation::{Ending, Evaluation, Exhausted};
use super::memo::{Memo, StateId};
use super::problem::{Placement, Problem};
use super::sets::{PlacedSet, UnknownSet};
use crate::model::Model;

/// A configuration, and its history.
struct Configuration {
    placed: PlacedSet,
    state: StateId,
    unknown_used: UnknownSet,
    /// Its last placement; none at the start.
    reached_by: Option<Link>,
}

/// A placement, and the index of its predecessor in [`Sweep::trail`].
#[derive(Debug, Clone, Copy)]
struct Link {
    before: Option<usize>,
    placement: Placement,
}

pub(super) struct Sweep<'e, 'p, M: Model> {
    evaluation: &'e mut Evaluation<'p, M>,
    /// The last placement of every configuration visited.
    trail: Vec<Link>,
    /// The configurations of the present number of placed operations, indexed by their number of
    /// unknown effects.
    level: Vec<Vec<Configuration>>,
    /// The same with one more operation placed.
    next_level: Vec<Vec<Configuration>>,
}

impl<'e, 'p, M: Model> Sweep<'e, 'p, M> {
    pub(super) fn new(evaluation: &'e mut Evaluation<'p, M>) -> Self {
        Self { evaluation, trail: Vec::new(), level: Vec::new(), next_level: Vec::new() }
    }

    /// Runs to the end.
    pub(super) fn run(mut self) -> Result<Ending, Exhausted> {
        let problem = self.evaluation.problem;
        self.next_level = self.empty_level();
        self.next_level[0].push(Configuration {
            placed: PlacedSet::new(problem.definite.len()),
            state: self.evaluation.initial_state(),
            unknown_used: UnknownSet::new(problem.unknown.len()),
            reached_by: None,
        });
        for _ in 0..problem.definite.len() {
            let furthest = self.first_of_next_level();
            let empty_level = self.empty_level();
            self.level = std::mem::replace(&mut self.next_level, empty_level);
            self.expand_level()?;
            if self.next_level.iter().all(Vec::is_empty) {
                return Ok(Ending::Impossible(self.placements(furthest)));
            }
        }
        Ok(Ending::AllPlaced(self.placements(self.first_of_next_level())))
    }

    fn empty_level(&self) -> Vec<Vec<Configuration>> {
        let sizes = 0..=self.evaluation.problem.unknown.len();
        sizes.map(|_| Vec::new()).collect()
    }

    /// The last placement of one of the configurations with the fewest unknown effects.
    fn first_of_next_level(&self) -> Option<Link> {
        self.next_level.iter().flatten().next().and_then(|smallest| smallest.reached_by)
    }

    /// Visits the configurations of the level. Skips a configuration if the same is possible
    /// with fewer unknown effects.
    fn expand_level(&mut self) -> Result<(), Exhausted> {
        // Only configurations of one level can be equal.
        let mut memo = Memo::default();
        for unknown_count in 0..self.level.len() {
            // The expansion of a configuration adds none of the same size to its level.
            for configuration in std::mem::take(&mut self.level[unknown_count]) {
                let Configuration { placed, state, unknown_used, .. } = &configuration;
                if memo.is_new(placed.key(), *state, unknown_used) {
                    self.expand(&configuration, unknown_count)?;
                }
            }
        }
        Ok(())
    }

    fn expand(
        &mut self,
        configuration: &Configuration,
        unknown_count: usize,
    ) -> Result<(), Exhausted> {
        let reached_by = configuration.reached_by.map(|link| {
            self.trail.push(link);
            self.trail.len() - 1
        });
        let follower = |placement, state| configuration.followed_by(reached_by, placement, state);
        let candidates = candidates(self.evaluation.problem, &configuration.placed);
        let mut followers = Vec::new();
        for operation in &candidates {
            let placement = Placement::Definite(*operation);
            let Some(after) = self.evaluation.step(configuration.state, placement)? else {
                continue;
            };
            let follower = follower(placement, after);
            let has_effect = self.evaluation.problem.definite[*operation].has_effect;
            if after == configuration.state && !has_effect {
                self.next_level[unknown_count].push(follower);
                return Ok(());
            }
            followers.push(follower);
        }
        self.next_level[unknown_count].append(&mut followers);

        let used = &configuration.unknown_used;
        for index in self.evaluation.unknown_candidates(candidates.into_iter(), used) {
            let placement = Placement::Unknown(index);
            let after = self.evaluation.step(configuration.state, placement)?;
            if let Some(after) = after.filter(|after| *after != configuration.state) {
                self.level[unknown_count + 1].push(follower(placement, after));
            }
        }
        Ok(())
    }

    fn placements(&self, last: Option<Link>) -> Vec<Placement> {
        let before = |link: &Link| self.trail.get(link.before?).copied();
        let mut placements: Vec<Placement> =
            std::iter::successors(last, before).map(|link| link.placement).collect();
        placements.reverse();
        placements
    }
}

impl Configuration {
    /// The configuration after `placement`. `before` is the index of this configuration's last
    /// placement in the trail.
    fn followed_by(&self, before: Option<usize>, placement: Placement, state: StateId) -> Self {
        let mut placed = self.placed.clone();
        let mut unknown_used = self.unknown_used.clone();
        match placement {
            Placement::Definite(operation) => placed.insert(operation),
            Placement::Unknown(index) => unknown_used.insert(index),
        }
        Self { placed, state, unknown_used, reached_by: Some(Link { before, placement }) }
    }
}

/// The operations that may come next: not placed, and invoked before the first completion among
/// them.
fn candidates<M: Model>(problem: &Problem<'_, M>, placed: &PlacedSet) -> Vec<usize> {
    let mut candidates = Vec::new();
    let mut first_completed = usize::MAX;
    for (index, operation) in problem.definite.iter().enumerate().skip(placed.full_count()) {
        if operation.invoked > first_completed {
            break;
        }
        if !placed.contains(index) {
            candidates.push(index);
            first_completed = first_completed.min(operation.completed);
        }
    }
    candidates
}
