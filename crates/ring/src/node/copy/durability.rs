//! Which entry of a copy a sync has covered.

use std::collections::VecDeque;

use protocol::id::Position;

use crate::store::Mark;

/// The entries of a copy that were written but are not known to be durable, by the mark of their
/// write.
#[derive(Debug, Clone)]
pub(crate) struct Durability {
    durable: Position,
    written: VecDeque<(Mark, Position)>,
}

impl Durability {
    /// A copy whose entries up to `durable` are durable, and has no others.
    pub(crate) fn recovered(durable: Position) -> Self {
        Self { durable, written: VecDeque::new() }
    }

    /// A copy that begins anew with the entry of this position, written under `mark`.
    pub(crate) fn begun(mark: Mark, position: Position) -> Self {
        let mut durability = Self::recovered(Position::ZERO);
        if position != Position::ZERO {
            durability.wrote(mark, position);
        }
        durability
    }

    /// The entries up to this one are durable here.
    pub(crate) fn position(&self) -> Position {
        self.durable
    }

    /// The entry of this position was written under `mark`.
    pub(crate) fn wrote(&mut self, mark: Mark, position: Position) {
        debug_assert!(
            self.written.back().is_none_or(|last| last.0 <= mark && last.1.seq < position.seq)
        );
        self.written.push_back((mark, position));
    }

    /// The mutations up to `mark` are durable. Returns whether entries of this copy were among
    /// them.
    pub(crate) fn synced(&mut self, mark: Mark) -> bool {
        let before = self.durable;
        while let Some((_, position)) =
            self.written.pop_front_if(|(written_at, _)| *written_at <= mark)
        {
            self.durable = position;
        }
        self.durable > before
    }
}
