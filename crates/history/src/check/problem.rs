//! A history prepared for the search.

use super::entries::EntryList;
use crate::model::Model;
use crate::operation::{HistoryOperation, Outcome};

/// An operation in the order built by the search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Placement {
    /// An operation with an output, by its index in [`Problem::definite`].
    Definite(usize),
    /// An operation of unknown outcome, by its index in [`Problem::unknown`].
    Unknown(usize),
}

/// An operation with an output. The search must place it.
pub(crate) struct Definite<'a, M: Model> {
    source: &'a HistoryOperation<'a, M::Input, M::Output>,
    pub(crate) output: &'a M::Output,
    pub(crate) invoked: usize,
    pub(crate) completed: usize,
    /// The model's [`Model::has_effect`] for it.
    pub(super) has_effect: bool,
}

/// An operation of unknown outcome. The search may place it at any time after its invocation.
pub(crate) struct Unknown<'a, M: Model> {
    source: &'a HistoryOperation<'a, M::Input, M::Output>,
    pub(crate) input: &'a M::Input,
    pub(crate) invoked: usize,
    /// The last operation alike among those invoked before it.
    pub(super) earlier_twin: Option<usize>,
}

/// The operations that must be placed and those that may be placed, both in the order of
/// invocation.
pub(crate) struct Problem<'a, M: Model> {
    pub(crate) model: &'a M,
    pub(crate) definite: Vec<Definite<'a, M>>,
    pub(crate) unknown: Vec<Unknown<'a, M>>,
}

impl<'a, M: Model> Problem<'a, M> {
    pub(super) fn new(
        model: &'a M,
        operations: &'a [HistoryOperation<'a, M::Input, M::Output>],
    ) -> Self {
        let mut definite = Vec::new();
        let mut unknown: Vec<Unknown<'a, M>> = Vec::new();
        for source in operations {
            let (input, invoked) = (source.input, source.invoked.order);
            match (source.outcome(), source.completed) {
                (Outcome::Done(output), Some(completed)) => definite.push(Definite {
                    source,
                    output,
                    invoked,
                    completed: completed.order,
                    has_effect: model.has_effect(input, Some(output)),
                }),
                // A completion of unknown outcome says only when the client gave up waiting.
                (Outcome::Unknown, _) | (Outcome::Done(_), None) => {
                    if model.has_effect(input, None) {
                        unknown.push(Unknown { source, input, invoked, earlier_twin: None });
                    }
                }
                (Outcome::NotDone, _) => {}
            }
        }
        definite.sort_by_key(|operation| operation.invoked);
        unknown.sort_by_key(|operation| operation.invoked);
        for index in 0..unknown.len() {
            let (earlier, rest) = unknown.split_at_mut(index);
            if let Some(own) = rest.first_mut() {
                own.earlier_twin =
                    earlier.iter().rposition(|twin| model.are_alike(twin.input, own.input));
            }
        }
        Self { model, definite, unknown }
    }

    pub(super) fn entries(&self) -> EntryList {
        let orders: Vec<(usize, usize)> = self
            .definite
            .iter()
            .map(|operation| (operation.invoked, operation.completed))
            .collect();
        EntryList::new(&orders)
    }

    pub(crate) fn operation(
        &self,
        placement: Placement,
    ) -> &'a HistoryOperation<'a, M::Input, M::Output> {
        match placement {
            Placement::Definite(index) => self.definite[index].source,
            Placement::Unknown(index) => self.unknown[index].source,
        }
    }

    pub(crate) fn input(&self, placement: Placement) -> &'a M::Input {
        self.operation(placement).input
    }

    /// The required output of a placement; none for an operation of unknown outcome.
    pub(crate) fn output(&self, placement: Placement) -> Option<&'a M::Output> {
        match placement {
            Placement::Definite(index) => Some(self.definite[index].output),
            Placement::Unknown(_) => None,
        }
    }
}
