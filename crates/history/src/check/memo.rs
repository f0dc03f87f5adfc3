//! The memory of the search: states, each kept once, and the configurations visited.

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{BuildHasherDefault, Hash};
use std::rc::Rc;

use super::sets::{PlacedKey, UnknownSet};

/// The standard hasher with fixed keys. Its usual keys come from the operating system, and would
/// touch the random source of a simulation. No map here is ever iterated.
type FixedHasher = BuildHasherDefault<DefaultHasher>;

/// The number of a state. Equal states have equal numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct StateId(usize);

/// All states seen by the search, each kept once.
#[derive(Debug)]
pub(super) struct StateTable<S> {
    states: Vec<Rc<S>>,
    number_of: HashMap<Rc<S>, StateId, FixedHasher>,
}

impl<S: Eq + Hash> StateTable<S> {
    pub(super) fn new() -> Self {
        Self { states: Vec::new(), number_of: HashMap::default() }
    }

    pub(super) fn intern(&mut self, state: S) -> StateId {
        if let Some(known) = self.number_of.get(&state) {
            return *known;
        }
        let number = StateId(self.states.len());
        let state = Rc::new(state);
        self.states.push(Rc::clone(&state));
        self.number_of.insert(state, number);
        number
    }

    pub(super) fn get(&self, number: StateId) -> Rc<S> {
        Rc::clone(&self.states[number.0])
    }
}

/// The configurations visited by the search. A second visit leads nowhere new.
#[derive(Debug, Default)]
pub(super) struct Memo {
    smallest_unknown_sets: HashMap<(PlacedKey, StateId), Vec<UnknownSet>, FixedHasher>,
    improvements: u64,
}

impl Memo {
    /// Notes a configuration. Returns `false` if the search has visited it before, or has
    /// visited one that differs only by fewer unknown effects.
    pub(super) fn is_new(&mut self, placed: PlacedKey, state: StateId, used: &UnknownSet) -> bool {
        let smallest = self.smallest_unknown_sets.entry((placed, state)).or_default();
        if smallest.iter().any(|known| known.is_subset_of(used)) {
            return false;
        }
        let known_count = smallest.len();
        smallest.retain(|known| !used.is_subset_of(known));
        self.improvements += (known_count - smallest.len()) as u64;
        smallest.push(used.clone());
        true
    }

    /// How many times a configuration turned out to be possible with fewer unknown effects.
    pub(super) fn improvements(&self) -> u64 {
        self.improvements
    }
}

#[cfg(test)]
mod tests {
    use super::super::sets::PlacedSet;
    use super::*;

    #[test]
    fn a_configuration_with_more_unknown_effects_is_nothing_new() {
        let mut states = StateTable::new();
        let state = states.intern("state");
        let other_state = states.intern("other state");
        let placed = PlacedSet::new(10);
        let mut memo = Memo::default();
        let mut used = UnknownSet::new(10);
        used.insert(4);
        assert!(memo.is_new(placed.key(), state, &used));
        used.insert(5);
        assert!(!memo.is_new(placed.key(), state, &used));
        assert!(memo.is_new(placed.key(), other_state, &used));
        used.remove(4);
        assert!(memo.is_new(placed.key(), state, &used));
        assert_eq!(memo.improvements(), 0);
        assert!(memo.is_new(placed.key(), state, &UnknownSet::new(10)));
        assert_eq!(memo.improvements(), 2);
        assert!(!memo.is_new(placed.key(), state, &used));
    }

    #[test]
    fn equal_states_have_one_number() {
        let mut states = StateTable::new();
        let first = states.intern(String::from("a"));
        assert_eq!(states.intern(String::from("a")), first);
        assert_ne!(states.intern(String::from("b")), first);
        assert_eq!(*states.get(first), "a");
    }
}
