//! How far a log reaches back, and how much it holds: what retention is decided by.

use std::collections::VecDeque;

use protocol::entry::Entry;
use protocol::id::Seq;

/// Entries are counted together up to so many.
const STRIDE_ENTRIES: u64 = 64;

/// Entries are counted together up to so many bytes.
const STRIDE_BYTES: usize = 64 << 10;

/// The extent of a log. Bytes are known by strides of entries, which is as exact as retention needs
/// to be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extent {
    /// The first entry that is there; [`Seq::ZERO`] where there is none.
    from: Seq,
    strides: VecDeque<Stride>,
    bytes: usize,
}

#[derive(Debug, Clone, Copy)]
struct Stride {
    from: Seq,
    bytes: usize,
}

impl Stride {
    /// Whether the next entry is counted here too.
    fn has_room(&self, seq: Seq, bytes: usize) -> bool {
        seq.0.saturating_sub(self.from.0) < STRIDE_ENTRIES
            && self.bytes.saturating_add(bytes) <= STRIDE_BYTES
    }
}

/// How much of a log is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Retention {
    pub(crate) entries: u64,
    pub(crate) bytes: usize,
}

impl Extent {
    /// That of a log found at the start.
    pub(crate) fn recovered(from: Seq, sizes: &[(Seq, usize)]) -> Self {
        let mut extent = Self { from, ..Self::default() };
        for (seq, bytes) in sizes {
            extent.push(*seq, *bytes);
        }
        extent
    }

    /// That of a log that begins anew with this entry, or without any.
    pub(super) fn beginning_with(first: Option<&Entry>) -> Self {
        let mut extent = Self::default();
        if let Some(first) = first {
            extent.push(first.position.seq, first.size_bytes());
        }
        extent
    }

    /// The first entry that is there; [`Seq::ZERO`] where there is none.
    pub(crate) fn from(&self) -> Seq {
        self.from
    }

    /// An entry was added at the end.
    pub(crate) fn push(&mut self, seq: Seq, bytes: usize) {
        if self.from == Seq::ZERO {
            self.from = seq;
        }
        self.bytes = self.bytes.saturating_add(bytes);
        match self.strides.back_mut() {
            Some(last) if last.has_room(seq, bytes) => {
                last.bytes = last.bytes.saturating_add(bytes);
            }
            _ => self.strides.push_back(Stride { from: seq, bytes }),
        }
    }

    /// The first entry that stays within what is to be kept of a log that ends with `last`.
    pub(crate) fn retained_from(&self, last: Seq, keep: Retention) -> Seq {
        let by_entries = Seq(last.0.saturating_sub(keep.entries));
        let mut surplus = self.bytes.saturating_sub(keep.bytes);
        let mut by_bytes = self.from;
        for (stride, next) in self.strides.iter().zip(self.strides.iter().skip(1)) {
            if surplus == 0 {
                break;
            }
            surplus = surplus.saturating_sub(stride.bytes);
            by_bytes = next.from;
        }
        by_entries.max(by_bytes)
    }

    /// Whether it is worth a write to drop the entries below one: an eighth of what is kept.
    pub(crate) fn is_worth_trimming(&self, below: Seq, keep: Retention) -> bool {
        if below <= self.from {
            return false;
        }
        let entries = below.0.saturating_sub(self.from.0);
        let whole = self.strides.iter().zip(self.strides.iter().skip(1));
        let bytes: usize =
            whole.take_while(|(_, next)| next.from <= below).map(|(stride, _)| stride.bytes).sum();
        entries >= (keep.entries / 8).clamp(1, 1024) || bytes > keep.bytes / 8
    }

    /// The entries below one are gone.
    pub(crate) fn trim(&mut self, below: Seq) {
        self.from = below;
        while self.strides.get(1).is_some_and(|next| next.from <= below) {
            let stride = self.strides.pop_front();
            self.bytes = self.bytes.saturating_sub(stride.map_or(0, |stride| stride.bytes));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(entries: u64, bytes: usize) -> Extent {
        let sizes = (1..=entries).map(|seq| (Seq(seq), bytes)).collect::<Vec<_>>();
        Extent::recovered(Seq(u64::from(entries > 0)), &sizes)
    }

    #[test]
    fn an_empty_log_keeps_nothing() {
        let keep = Retention { entries: 10, bytes: 1000 };
        assert_eq!(log(0, 0).retained_from(Seq::ZERO, keep), Seq::ZERO);
    }

    #[test]
    fn entries_bound_what_is_kept() {
        let keep = Retention { entries: 10, bytes: usize::MAX };
        assert_eq!(log(1000, 100).retained_from(Seq(1000), keep), Seq(990));
        assert_eq!(log(5, 100).retained_from(Seq(5), keep), Seq(1), "all of it");
    }

    #[test]
    fn bytes_bound_what_is_kept() {
        let keep = Retention { entries: u64::MAX, bytes: 100_000 };
        let extent = log(10_000, 100);
        let from = extent.retained_from(Seq(10_000), keep);
        let kept = (10_000 - from.0 + 1) * 100;
        assert!((90_000..=100_000).contains(&kept), "{kept} bytes are kept");
        assert!(extent.is_worth_trimming(from, keep));
        let mut trimmed = extent;
        trimmed.trim(from);
        assert_eq!(trimmed.from(), from);
        assert_eq!(trimmed.retained_from(Seq(10_000), keep), from);
        assert!(!trimmed.is_worth_trimming(from, keep));
    }
}
