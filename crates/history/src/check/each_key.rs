//! Checks a history key by key.

use std::collections::BTreeMap;

use super::{Budget, check};
use crate::history::History;
use crate::model::Model;
use crate::operation::{HistoryOperation, Outcome};
use crate::verdict::Verdict;

/// The result of [`check_each_key`], with counts to judge the worth of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyedVerdict<K> {
    /// The worst verdict and its key; the first in key order among equally bad ones. None
    /// without operations.
    pub worst: Option<(K, Verdict)>,
    /// The number of keys with operations.
    pub keys: usize,
    /// The number of keys with a history that is not linearizable.
    pub violations: usize,
    /// The number of keys with a spent budget.
    pub out_of_budget: usize,
    /// The number of operations invoked.
    pub operations: usize,
    /// The number of operations done.
    pub done: usize,
    /// The number of operations certainly without effect.
    pub not_done: usize,
    /// The number of operations of unknown outcome.
    pub unknown: usize,
    /// The number of evaluations of the model, over all keys.
    pub steps: u64,
}

impl<K> KeyedVerdict<K> {
    /// Whether the history of every key was shown to be linearizable.
    pub fn is_linearizable(&self) -> bool {
        self.violations == 0 && self.out_of_budget == 0
    }

    /// The number of operations with a known outcome: done or certainly not done.
    pub fn definite(&self) -> usize {
        self.done + self.not_done
    }
}

/// Checks the operations of each key by themselves, each within `budget`.
///
/// A history is linearizable exactly when the history of each object is (Herlihy and Wing,
/// "Linearizability", 1990). The parts are far easier to judge than the whole.
pub fn check_each_key<M, K>(
    model: &M,
    history: &History<M::Input, M::Output>,
    key_of: impl Fn(&M::Input) -> K,
    budget: Budget,
) -> KeyedVerdict<K>
where
    M: Model,
    K: Ord,
{
    let mut by_key: BTreeMap<K, Vec<_>> = BTreeMap::new();
    for operation in history.operations() {
        let key = key_of(operation.input());
        by_key.entry(key).or_default().push(operation);
    }
    let mut total = KeyedVerdict {
        worst: None,
        keys: by_key.len(),
        violations: 0,
        out_of_budget: 0,
        operations: 0,
        done: 0,
        not_done: 0,
        unknown: 0,
        steps: 0,
    };
    for (key, operations) in by_key {
        total.count(&operations);
        let verdict = check(model, &operations, budget);
        total.take(key, verdict);
    }
    total
}

impl<K> KeyedVerdict<K> {
    fn count<I, O>(&mut self, operations: &[HistoryOperation<'_, I, O>]) {
        self.operations += operations.len();
        for operation in operations {
            match operation.outcome() {
                Outcome::Done(_) => self.done += 1,
                Outcome::NotDone => self.not_done += 1,
                Outcome::Unknown => self.unknown += 1,
            }
        }
    }

    fn take(&mut self, key: K, verdict: Verdict) {
        self.steps += verdict.steps();
        match verdict {
            Verdict::Linearizable { .. } => {}
            Verdict::Violation(_) => self.violations += 1,
            Verdict::OutOfBudget { .. } => self.out_of_budget += 1,
        }
        let is_worse =
            self.worst.as_ref().is_none_or(|(_, worst)| verdict.severity() > worst.severity());
        if is_worse {
            self.worst = Some((key, verdict));
        }
    }
}
