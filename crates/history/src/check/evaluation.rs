//! What both searches share: the states, the counted steps of the model, and which unknown operations
//! are worth a try.

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
    /// For each definite operation, once asked for, the unknown ones worth placing before it.
    unknown_that_matter: Vec<Option<UnknownSet>>,
    steps: u64,
    steps_max: u64,
}

impl<'p, M: Model> Evaluation<'p, M> {
    pub(super) fn new(problem: &'p Problem<'p, M>, budget: Budget) -> Self {
        Self {
            problem,
            states: StateTable::new(),
            unknown_that_matter: vec![None; problem.definite.len()],
            steps: 0,
            steps_max: budget.steps_max,
        }
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

    /// The unknown operations that may come next and make a difference, in the order of invocation:
    /// unused, invoked before the first of the waiting `candidates` completes, mattering to one of them,
    /// and with none before them that is alike.
    pub(super) fn unknown_worth_a_try(
        &mut self,
        candidates: impl Iterator<Item = usize>,
        used: &UnknownSet,
    ) -> Vec<usize> {
        let unknown = &self.problem.unknown;
        if unknown.is_empty() {
            return Vec::new();
        }
        let mut matter = UnknownSet::new(unknown.len());
        let mut first_completed = usize::MAX;
        for candidate in candidates {
            let before_candidate = self.unknown_that_matter[candidate]
                .get_or_insert_with(|| self.problem.unknown_that_matter_to(candidate));
            matter.insert_all(before_candidate);
            first_completed = first_completed.min(self.problem.definite[candidate].completed);
        }
        let may_be_next = |index: &usize| {
            let twin = unknown[*index].earlier_twin;
            matter.contains(*index)
                && !used.contains(*index)
                && twin.is_none_or(|twin| used.contains(twin))
        };
        let in_time = unknown.partition_point(|unknown| unknown.invoked < first_completed);
        (0..in_time).filter(may_be_next).collect()
    }
}
