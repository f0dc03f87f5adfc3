//! Whether the node's disk answers: how long written mutations wait for a sync to return.
//!
//! ```text
//!            a second without a sync          a sync returns
//!   Answers -------------------------> Silent ---------------> Answers
//!                                        |
//!                                        +--- the deadline passes: the node ends
//! ```

use std::time::Duration;

use protocol::message::DiskState;

use crate::store::Mark;
use crate::time::Time;

/// A sync that has not returned for this long is worth telling the gateway.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// What is known of the node's disk.
#[derive(Debug)]
pub(super) struct Disk {
    /// After this long without a sync the node ends.
    limit: Duration,
    written: Mark,
    /// Since when a sync is due: the last one returned, or something was written with nothing to sync before.
    waiting_since: Option<Time>,
    /// What the gateway was told last.
    told: DiskState,
}

impl Disk {
    pub(super) fn new(limit: Duration) -> Self {
        Self { limit, written: Mark::default(), waiting_since: None, told: DiskState::default() }
    }

    /// Everything up to this mutation is written, or about to be.
    pub(super) fn wrote(&mut self, now: Time, mark: Mark) {
        if mark > self.written {
            self.written = mark;
            self.waiting_since.get_or_insert(now);
        }
    }

    /// A sync has returned, and covers everything up to this mutation.
    pub(super) fn synced(&mut self, now: Time, mark: Mark) {
        self.waiting_since = (mark < self.written).then_some(now);
    }

    /// The gateway has a new link, on which nothing was told.
    pub(super) fn forget_told(&mut self) {
        self.told = DiskState::Answers;
    }

    /// What the gateway is to be told, if that is news.
    pub(super) fn news(&mut self, now: Time) -> Option<DiskState> {
        let is_silent = self.silent_at().is_some_and(|silent_at| silent_at <= now);
        let state = if is_silent { DiskState::Silent } else { DiskState::Answers };
        (std::mem::replace(&mut self.told, state) != state).then_some(state)
    }

    /// When there will be news for the gateway if no sync returns.
    pub(super) fn news_at(&self) -> Option<Time> {
        self.silent_at().filter(|_| self.told == DiskState::Answers)
    }

    /// When the node is to end if no sync returns.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.waiting_since.map(|since| since + self.limit)
    }

    fn silent_at(&self) -> Option<Time> {
        self.waiting_since.map(|since| since + SILENT_AFTER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk() -> Disk {
        Disk::new(Duration::from_secs(20))
    }

    fn at(ms: u64) -> Time {
        Time::at(Duration::from_millis(ms))
    }

    #[test]
    fn a_disk_is_silent_while_no_sync_returns_for_a_second() {
        let mut disk = disk();
        assert_eq!((disk.news_at(), disk.news(at(5_000))), (None, None), "nothing to sync");
        disk.wrote(at(5_000), Mark(1));
        disk.wrote(at(5_500), Mark(2));
        assert_eq!((disk.news_at(), disk.news(at(5_999))), (Some(at(6_000)), None));
        assert_eq!(disk.news(at(6_000)), Some(DiskState::Silent));
        assert_eq!((disk.news_at(), disk.news(at(7_000))), (None, None), "it was told");
        assert_eq!(disk.deadline(), Some(at(25_000)));
        disk.synced(at(7_000), Mark(2));
        assert_eq!(disk.deadline(), None);
        assert_eq!(disk.news(at(7_000)), Some(DiskState::Answers));
    }

    #[test]
    fn syncs_that_return_one_after_the_other_are_an_answer_however_much_waits() {
        let mut disk = disk();
        disk.wrote(at(0), Mark(1));
        for round in 1..20 {
            disk.wrote(at(round * 600 - 1), Mark(round + 1));
            disk.synced(at(round * 600), Mark(round));
            assert_eq!(disk.news(at(round * 600)), None);
        }
    }
}
