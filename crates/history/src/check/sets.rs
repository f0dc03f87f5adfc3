//! The two sets of a configuration: the placed operations with an output, and those of unknown
//! outcome.

const BITS: usize = u64::BITS as usize;

/// The placed operations with an output. In the order of invocation they are a long full stretch
/// and then a short mixed one. Only the mixed stretch distinguishes configurations, so only it
/// is kept.
#[derive(Debug, Clone)]
pub(super) struct PlacedSet {
    words: Vec<u64>,
    /// The number of words at the front with every bit set.
    full_words: usize,
    /// The number of words up to the last one with a bit set.
    used_words: usize,
    count: usize,
}

/// The identity of a [`PlacedSet`], in little space.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PlacedKey {
    full_words: usize,
    mixed_words: Box<[u64]>,
}

impl PlacedSet {
    pub(super) fn new(capacity: usize) -> Self {
        Self { words: vec![0; capacity.div_ceil(BITS)], full_words: 0, used_words: 0, count: 0 }
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// This many operations at the front are placed without a gap; maybe more.
    pub(super) fn full_count(&self) -> usize {
        self.full_words * BITS
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.words[index / BITS] & (1 << (index % BITS)) != 0
    }

    pub(super) fn insert(&mut self, index: usize) {
        let word = index / BITS;
        self.words[word] |= 1 << (index % BITS);
        self.count += 1;
        self.used_words = self.used_words.max(word + 1);
        while self.words.get(self.full_words) == Some(&u64::MAX) {
            self.full_words += 1;
        }
    }

    pub(super) fn remove(&mut self, index: usize) {
        let word = index / BITS;
        self.words[word] &= !(1 << (index % BITS));
        self.count -= 1;
        self.full_words = self.full_words.min(word);
        while self.used_words > 0 && self.words[self.used_words - 1] == 0 {
            self.used_words -= 1;
        }
    }

    pub(super) fn key(&self) -> PlacedKey {
        PlacedKey {
            full_words: self.full_words,
            mixed_words: self.words[self.full_words..self.used_words].into(),
        }
    }
}

/// A set of operations of unknown outcome. They are few, so every bit is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnknownSet {
    words: Vec<u64>,
}

impl UnknownSet {
    pub(super) fn new(capacity: usize) -> Self {
        Self { words: vec![0; capacity.div_ceil(BITS)] }
    }

    pub(super) fn contains(&self, index: usize) -> bool {
        self.words[index / BITS] & (1 << (index % BITS)) != 0
    }

    pub(super) fn insert(&mut self, index: usize) {
        self.words[index / BITS] |= 1 << (index % BITS);
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.words[index / BITS] &= !(1 << (index % BITS));
    }

    pub(super) fn is_subset_of(&self, other: &Self) -> bool {
        let mut pairs = self.words.iter().zip(&other.words);
        pairs.all(|(own, others)| own & !others == 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_placed_sets_have_equal_keys_however_they_came_about() {
        let mut direct = PlacedSet::new(200);
        let mut roundabout = PlacedSet::new(200);
        for index in 0..70 {
            direct.insert(index);
        }
        for index in (0..140).rev() {
            roundabout.insert(index);
        }
        assert_ne!(direct.key(), roundabout.key());
        for index in 70..140 {
            roundabout.remove(index);
        }
        assert_eq!(direct.key(), roundabout.key());
        assert_eq!(direct.count(), 70);
    }

    #[test]
    fn a_placed_set_keeps_only_the_words_that_are_mixed() {
        let mut placed = PlacedSet::new(10_000);
        for index in 0..9_000 {
            placed.insert(index);
        }
        assert_eq!(placed.key().mixed_words.len(), 1);
        placed.remove(0);
        assert_eq!(placed.key().full_words, 0);
        placed.insert(0);
        assert_eq!(placed.key().full_words, 9_000 / 64);
    }

    #[test]
    fn subsets_of_unknown_operations_are_recognized_across_words() {
        let mut small = UnknownSet::new(130);
        let mut large = UnknownSet::new(130);
        small.insert(129);
        assert!(!small.is_subset_of(&large));
        large.insert(129);
        large.insert(3);
        assert!(small.is_subset_of(&large));
        assert!(!large.is_subset_of(&small));
        large.remove(3);
        assert_eq!(small, large);
        assert!(large.contains(129));
    }
}
