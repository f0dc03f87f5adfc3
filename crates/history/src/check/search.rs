//! The depth-first search for a linearization. The [module above](super) explains its rules.

use super::entries::{Entry, EntryList, Position};
use super::evaluation::{Ending, Evaluation, Exhausted};
use super::memo::{Memo, StateId};
use super::problem::Placement;
use super::sets::{PlacedSet, UnknownSet};
use crate::model::Model;

/// How many times the memo may find a configuration with fewer unknown effects before the
/// [sweep](super::sweep) replaces this search. Each time, everything after the configuration is
/// searched again.
const IMPROVEMENTS_MAX: u64 = 5_000;

/// Where to go on among the candidates of the present configuration.
#[derive(Debug, Clone, Copy)]
enum Cursor {
    /// With the operations with an output, from this entry on.
    Definite(Position),
    /// With the operations of unknown outcome, from this index on.
    Unknown(usize),
}

/// The result of the search for the next placement.
enum SearchStep {
    Placed,
    AllPlaced,
    DeadEnd,
}

/// The result of the attempt to place one operation.
enum Attempt {
    Placed,
    /// It does not fit, or leads nowhere new. Another candidate may.
    Refused,
    /// It fits and has no effect, but leads nowhere new. So no other candidate does.
    DeadEnd,
}

/// One placement, with the data for taking it back.
#[derive(Debug)]
struct Frame {
    placement: Placement,
    state_before: StateId,
    alternatives: Alternatives,
}

/// Whether other candidates are worth a try after a placement is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Alternatives {
    WorthATry,
    Pointless,
}

pub(super) struct Search<'e, 'p, M: Model> {
    evaluation: &'e mut Evaluation<'p, M>,
    entries: EntryList,
    memo: Memo,
    state: StateId,
    placed: PlacedSet,
    unknown_used: UnknownSet,
    stack: Vec<Frame>,
    longest: Vec<Placement>,
    longest_definite: usize,
}

impl<'e, 'p, M: Model> Search<'e, 'p, M> {
    pub(super) fn new(evaluation: &'e mut Evaluation<'p, M>) -> Self {
        let problem = evaluation.problem;
        Self {
            entries: problem.entries(),
            memo: Memo::default(),
            state: evaluation.initial_state(),
            placed: PlacedSet::new(problem.definite.len()),
            unknown_used: UnknownSet::new(problem.unknown.len()),
            stack: Vec::new(),
            longest: Vec::new(),
            longest_definite: 0,
            evaluation,
        }
    }

    /// Runs to the end. Returns `None`, without a verdict, if it visits the same configurations
    /// too often.
    pub(super) fn run(mut self) -> Result<Option<Ending>, Exhausted> {
        let mut cursor = Cursor::Definite(self.entries.first());
        while self.memo.improvements() <= IMPROVEMENTS_MAX {
            match self.place_next(cursor)? {
                SearchStep::Placed => cursor = Cursor::Definite(self.entries.first()),
                SearchStep::AllPlaced => return Ok(Some(Ending::AllPlaced(self.placements()))),
                SearchStep::DeadEnd => match self.backtrack() {
                    Some(resumed) => cursor = resumed,
                    None => return Ok(Some(Ending::Impossible(self.longest))),
                },
            }
        }
        Ok(None)
    }

    /// Places the first candidate from `cursor` on that leads somewhere new.
    fn place_next(&mut self, cursor: Cursor) -> Result<SearchStep, Exhausted> {
        let mut position = match cursor {
            Cursor::Definite(position) => position,
            Cursor::Unknown(from) => return self.place_next_unknown(from),
        };
        loop {
            match self.entries.entry(position) {
                Entry::Sentinel => return Ok(SearchStep::AllPlaced),
                Entry::Completion(_) => return self.place_next_unknown(0),
                Entry::Invocation(operation) => match self.try_definite(operation)? {
                    Attempt::Placed => return Ok(SearchStep::Placed),
                    Attempt::DeadEnd => return Ok(SearchStep::DeadEnd),
                    Attempt::Refused => position = self.entries.after(position),
                },
            }
        }
    }

    fn place_next_unknown(&mut self, from: usize) -> Result<SearchStep, Exhausted> {
        let candidates = self.entries.candidates();
        let unknown_candidates = self.evaluation.unknown_candidates(candidates, &self.unknown_used);
        for index in unknown_candidates.into_iter().filter(|index| *index >= from) {
            if self.try_unknown(index)? {
                return Ok(SearchStep::Placed);
            }
        }
        Ok(SearchStep::DeadEnd)
    }

    fn try_definite(&mut self, operation: usize) -> Result<Attempt, Exhausted> {
        let placement = Placement::Definite(operation);
        let Some(after) = self.evaluation.step(self.state, placement)? else {
            return Ok(Attempt::Refused);
        };
        let has_effect = self.evaluation.problem.definite[operation].has_effect;
        let (refused, alternatives) = if after == self.state && !has_effect {
            (Attempt::DeadEnd, Alternatives::Pointless)
        } else {
            (Attempt::Refused, Alternatives::WorthATry)
        };
        self.placed.insert(operation);
        if !self.memo.is_new(self.placed.key(), after, &self.unknown_used) {
            self.placed.remove(operation);
            return Ok(refused);
        }
        self.entries.lift(operation);
        self.push(placement, after, alternatives);
        Ok(Attempt::Placed)
    }

    fn try_unknown(&mut self, index: usize) -> Result<bool, Exhausted> {
        let placement = Placement::Unknown(index);
        let Some(after) = self.evaluation.step(self.state, placement)? else {
            return Ok(false);
        };
        if after == self.state {
            return Ok(false);
        }
        self.unknown_used.insert(index);
        if !self.memo.is_new(self.placed.key(), after, &self.unknown_used) {
            self.unknown_used.remove(index);
            return Ok(false);
        }
        self.push(placement, after, Alternatives::WorthATry);
        Ok(true)
    }

    fn push(&mut self, placement: Placement, after: StateId, alternatives: Alternatives) {
        self.stack.push(Frame { placement, state_before: self.state, alternatives });
        self.state = after;
    }

    /// Takes placements back up to the first one with alternatives. None if there is no such
    /// placement.
    fn backtrack(&mut self) -> Option<Cursor> {
        self.note_longest();
        while let Some(frame) = self.stack.pop() {
            self.state = frame.state_before;
            let resumed = match frame.placement {
                Placement::Definite(operation) => {
                    self.placed.remove(operation);
                    self.entries.unlift(operation);
                    let invocation = self.entries.invocation_of(operation);
                    Cursor::Definite(self.entries.after(invocation))
                }
                Placement::Unknown(index) => {
                    self.unknown_used.remove(index);
                    Cursor::Unknown(index + 1)
                }
            };
            if frame.alternatives == Alternatives::WorthATry {
                return Some(resumed);
            }
        }
        None
    }

    /// Keeps the present order for the report if it has more operations with an output than any
    /// before.
    fn note_longest(&mut self) {
        if self.placed.count() > self.longest_definite {
            self.longest_definite = self.placed.count();
            self.longest = self.placements();
            while let Some(Placement::Unknown(_)) = self.longest.last() {
                self.longest.pop();
            }
        }
    }

    fn placements(&self) -> Vec<Placement> {
        self.stack.iter().map(|frame| frame.placement).collect()
    }
}
