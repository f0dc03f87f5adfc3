//! What both searches share: the states, the counted steps of the model, and which unknown operations
//! may come next.

use super::Budget;
use super::memo::{StateId, StateTable};
use super::problem::{Placement, Problem};
use super::sets::UnknownSet;
use crate::model::Model;

/// The budget is spent.
#[derive(Debug)]
pub(super) struct Exhausted;

/// How a search ends.
#[derive(Debug)]
pub(super) enum Ending {
    /// Every operation with an output has its place, in this order.
    AllPlaced(Vec<Placement>),
    /// There is no such order; this is one of those that got furthest.
    Impossible(Vec<Placement>),
}

/// A problem in the course of being solved.
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

    /// Steps taken so far.
    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    pub(super) fn initial_state(&mut self) -> StateId {
        self.states.intern(self.problem.model.initial())
    }

    /// One evaluation of the model, counted.
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

    /// The unknown operations that may come next, in the order of invocation: unused, invoked before the
    /// first of the waiting `candidates` completes, and with none before them that is alike.
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
