//! The list of invocations and completions. The search gives the operations their places in a
//! sequential order, one by one. An operation with a place is *lifted*: removed from the list until
//! the search tries another order.

/// The invocation or the completion of a completed operation, by the operation's index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entry {
    /// The head of the circle, before the first entry and after the last one.
    Sentinel,
    Invocation(usize),
    Completion(usize),
}

/// A place in the list. It stays valid while its entry is lifted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(usize);

/// A circular doubly linked list in real-time order. Lifted operations are put back in reverse
/// order ("dancing links"), so both directions cost a few assignments.
#[derive(Debug)]
pub(super) struct EntryList {
    entries: Vec<Entry>,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// The places of each operation's two entries.
    ends: Vec<(usize, usize)>,
}

impl EntryList {
    /// Makes the list. `operations` has for each operation the order of its invocation and of
    /// its completion, all different.
    pub(super) fn new(operations: &[(usize, usize)]) -> Self {
        let mut in_order: Vec<(usize, Entry)> = Vec::with_capacity(2 * operations.len());
        for (index, (invoked, completed)) in operations.iter().enumerate() {
            in_order.push((*invoked, Entry::Invocation(index)));
            in_order.push((*completed, Entry::Completion(index)));
        }
        in_order.sort_by_key(|(order, _)| *order);

        let mut ends = vec![(0, 0); operations.len()];
        let mut entries = vec![Entry::Sentinel];
        for (_, entry) in in_order {
            match entry {
                Entry::Sentinel => {}
                Entry::Invocation(operation) => ends[operation].0 = entries.len(),
                Entry::Completion(operation) => ends[operation].1 = entries.len(),
            }
            entries.push(entry);
        }
        let count = entries.len();
        Self {
            entries,
            next: (0..count).map(|place| (place + 1) % count).collect(),
            previous: (0..count).map(|place| (place + count - 1) % count).collect(),
            ends,
        }
    }

    /// The first entry; the sentinel's place if all are lifted.
    pub(super) fn first(&self) -> Position {
        Position(self.next[0])
    }

    pub(super) fn entry(&self, position: Position) -> Entry {
        self.entries[position.0]
    }

    pub(super) fn after(&self, position: Position) -> Position {
        Position(self.next[position.0])
    }

    pub(super) fn invocation_of(&self, operation: usize) -> Position {
        Position(self.ends[operation].0)
    }

    /// The operations that may come next: those invoked before the first completion.
    pub(super) fn candidates(&self) -> impl Iterator<Item = usize> + '_ {
        let mut position = self.first();
        std::iter::from_fn(move || match self.entry(position) {
            Entry::Invocation(operation) => {
                position = self.after(position);
                Some(operation)
            }
            Entry::Completion(_) | Entry::Sentinel => None,
        })
    }

    /// Lifts an operation: removes its two entries.
    pub(super) fn lift(&mut self, operation: usize) {
        let (invocation, completion) = self.ends[operation];
        self.unlink(invocation);
        self.unlink(completion);
    }

    /// Puts the operation lifted last back.
    pub(super) fn unlift(&mut self, operation: usize) {
        let (invocation, completion) = self.ends[operation];
        self.relink(completion);
        self.relink(invocation);
    }

    fn unlink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn relink(&mut self, place: usize) {
        let (previous, next) = (self.previous[place], self.next[place]);
        self.next[previous] = place;
        self.previous[next] = place;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifting_an_operation_makes_room_for_those_it_held_back() {
        // [0  [1  0]  [2  1]  2]
        let mut list = EntryList::new(&[(0, 2), (1, 4), (3, 5)]);
        assert_eq!(list.candidates().collect::<Vec<_>>(), [0, 1]);
        list.lift(0);
        assert_eq!(list.candidates().collect::<Vec<_>>(), [1, 2]);
        list.lift(2);
        list.lift(1);
        assert_eq!(list.entry(list.first()), Entry::Sentinel);
        for operation in [1, 2, 0] {
            list.unlift(operation);
        }
        assert_eq!(list.candidates().collect::<Vec<_>>(), [0, 1]);
    }
}
