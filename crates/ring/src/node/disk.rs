//! Whether the node's disk answers: how long written mutations wait for a sync to return.
//!
//! ```text
//!            a second without a sync         a sync returns
//!   Answers -------------------------> Silent ---------------> Answers
//!                                        |      within a second, or nothing more is to be synced
//!                                        |
//!                                        +--- the deadline passes: the node ends
//! ```
//!
//! A disk stays silent under load if each sync takes more than a second. Otherwise the views
//! would change all the time.

use std::time::Duration;

use protocol::message::DiskState;

use crate::store::{Mark, SILENT_AFTER};
use crate::time::Time;

/// The state of the node's disk, as the node knows it.
#[derive(Debug)]
pub(super) struct Disk {
    /// The node ends after this long without a sync.
    limit: Duration,
    written: Mark,
    /// The start of the wait for a sync: the return of the last sync, or the first write after
    /// everything was synced. None if nothing waits.
    waiting_since: Option<Time>,
    /// Whether the last sync took so long that the disk was silent.
    was_silent: bool,
    /// The state in the last report to the gateway.
    told: DiskState,
    /// Whether the deadline has passed and the node was told to end.
    is_given_up: bool,
}

impl Disk {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            written: Mark::default(),
            waiting_since: None,
            was_silent: false,
            told: DiskState::default(),
            is_given_up: false,
        }
    }

    /// Everything up to this mutation is written, or about to be.
    pub(super) fn wrote(&mut self, now: Time, mark: Mark) {
        if mark > self.written {
            self.written = mark;
            self.waiting_since.get_or_insert(now);
        }
    }

    /// A sync has returned. It covers everything up to this mutation.
    pub(super) fn synced(&mut self, now: Time, mark: Mark) {
        self.was_silent = self.silent_at().is_some_and(|silent_at| silent_at <= now);
        self.waiting_since = (mark < self.written).then_some(now);
    }

    /// The gateway has a new link, without any report on it yet.
    pub(super) fn forget_told(&mut self) {
        self.told = DiskState::Answers;
    }

    /// The state for the next report to the gateway; none if the state has not changed.
    pub(super) fn news(&mut self, now: Time) -> Option<DiskState> {
        let stays_silent = self.told == DiskState::Silent && self.was_silent;
        let is_silent = self.silent_at().is_some_and(|silent_at| stays_silent || silent_at <= now);
        let state = if is_silent { DiskState::Silent } else { DiskState::Answers };
        (std::mem::replace(&mut self.told, state) != state).then_some(state)
    }

    /// The time of the next report to the gateway if no sync returns before.
    pub(super) fn news_at(&self) -> Option<Time> {
        self.silent_at().filter(|_| self.told == DiskState::Answers)
    }

    /// The time at which the node ends if no sync returns before; none once it was told to end.
    pub(super) fn deadline(&self) -> Option<Time> {
        self.waiting_since.map(|since| since + self.limit).filter(|_| !self.is_given_up)
    }

    /// Whether the node must end now. This returns true only once.
    pub(super) fn give_up(&mut self, now: Time) -> bool {
        let is_due = self.deadline().is_some_and(|deadline| deadline <= now);
        self.is_given_up |= is_due;
        is_due
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
    fn a_disk_whose_every_sync_takes_more_than_a_second_is_silent_until_there_is_nothing_to_sync() {
        let mut disk = disk();
        disk.wrote(at(0), Mark(1));
        assert_eq!(disk.news(at(1_000)), Some(DiskState::Silent));
        for round in 1..20 {
            disk.wrote(at(round * 1_200 - 1), Mark(round + 1));
            disk.synced(at(round * 1_200), Mark(round));
            assert_eq!((disk.news(at(round * 1_200)), disk.news_at()), (None, None));
        }
        disk.synced(at(24_000), Mark(20));
        assert_eq!(disk.news(at(24_000)), Some(DiskState::Answers));
    }

    #[test]
    fn a_disk_answers_again_once_a_sync_has_returned_within_a_second() {
        let mut disk = disk();
        disk.wrote(at(0), Mark(1));
        disk.wrote(at(500), Mark(2));
        assert_eq!(disk.news(at(9_000)), Some(DiskState::Silent));
        disk.synced(at(9_000), Mark(1));
        assert_eq!(disk.news(at(9_000)), None, "it may hang again");
        disk.wrote(at(9_005), Mark(3));
        disk.synced(at(9_010), Mark(2));
        assert_eq!(disk.news(at(9_010)), Some(DiskState::Answers));
    }

    #[test]
    fn a_disk_is_given_up_once() {
        let mut disk = disk();
        disk.wrote(at(5_000), Mark(1));
        assert!(!disk.give_up(at(24_999)));
        assert!(disk.give_up(at(25_000)));
        assert!(!disk.give_up(at(25_001)));
        assert_eq!(disk.deadline(), None);
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
