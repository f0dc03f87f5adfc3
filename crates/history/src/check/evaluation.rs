//! The common parts of both searches: the states, the counted steps of the model, and the
//! unknown operations that may come next.

use super::Budget;
use super::memo::{StateId, StateTable};
use super::problem::{Placement, Problem};
use super::sets::UnknownSet;
use crate::model::Model;

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Exhausted;

/// The end of a search.
#[derive(Debug)]
pub(super) enum Ending {
    /// Every operation with an output has its place, in this order.
    AllPlaced(Vec<Placement>),
    /// There is no such order. This is one of the longest.
    Impossible(Vec<Placement>),
}

/// A problem during its solution.
pub(super) struct Evaluation<'p, M: Model> {
    pub(super) problem: &'p Problem<'p, M>,
    states: StateTable<M::State>,
    steps: u64,
    steps_max: u64,
}

impl<'p, M: Model> Evaluation<'p, M> {
    pub(super) fn new(problem: &'p Problem<'p, M>, budget: Budget) -> Self {
        Self { problem, states: StateTable::new(), steps: 0, steps_max: budget.steps_max }
    }

    /// The number of steps taken so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn initial_state(&mut self) -> StateId {
        self.states.intern(self.problem.model.initial())
    }

    /// Evaluates the model once, and counts the step.
    pub(super) fn step(
        &mut self,
        state: StateId,
        placement: Placement,
    ) -> Result<Option<StateId>, Exhausted> {
        if self.steps >= self.steps_max {
            return Err(Exhausted);
        }
        self.steps += 1;
        let state = self.states.get(state);
        let (input, output) = (self.problem.input(placement), self.problem.output(placement));
        let after = self.problem.model.step(&state, input, output);
        Ok(after.map(|after| self.states.intern(after)))
    }

    /// The unknown operations that may come next, in the order of invocation. Each is unused,
    /// was invoked before the first completion of the waiting `candidates`, and has no unused
    /// operation alike before it.
    pub(super) fn unknown_candidates(
        &self,
        candidates: impl Iterator<Item = usize>,
        used: &UnknownSet,
    ) -> Vec<usize> {
        let Problem { definite, unknown, .. } = self.problem;
        let first_completed = candidates.map(|candidate| definite[candidate].completed).min();
        let limit = first_completed.unwrap_or(usize::MAX);
        let in_time = unknown.partition_point(|unknown| unknown.invoked < limit);
        let is_next = |index: &usize| {
            let twin = unknown[*index].earlier_twin;
            !used.contains(*index) && twin.is_none_or(|twin| used.contains(twin))
        };
        (0..in_time).filter(is_next).collect()
    }
}
