//! Whether the node's disk answers: how long its calls wait for one to return.
//!
//! ```text
//!            a second without a sync         a sync returns
//!   Answers -------------------------> Silent ---------------> Answers
//!                                        |      within a second, or nothing more is waited for
//!                                        |
//!                                        +--- the deadline passes: the node ends
//! ```
//!
//! Syncs and reads wait apart: a disk may return the ones and hang with the others. Only syncs make
//! a disk silent: a node whose reads hang still serves everything at hand. But the node ends at the
//! deadline of either.
//!
//! A disk stays silent under load if each sync takes more than a second. Otherwise the views would
//! change all the time.
//!
//! While something waits, the node looks at the clock every second. A longer time without a look
//! counts as a second: the node stood still, and its disk may have answered long ago.

use std::time::Duration;

use protocol::message::DiskState;

use crate::store::{Mark, ReadId, SILENT_AFTER};
use crate::time::{STANDSTILL, Time, earliest};

/// The state of the node's disk, as the node knows it.
#[derive(Debug)]
pub(super) struct Disk {
    /// The node ends after this long without a return.
    limit: Duration,
    /// Syncs, counted by the mutations that they cover.
    syncs: Wait,
    /// Reads, counted one by one.
    reads: Wait,
    /// The state in the last report to the gateway.
    told: DiskState,
    /// Whether the deadline has passed and the node was told to end.
    is_given_up: bool,
    /// When the node looked last.
    looked_at: Time,
}

/// The wait for calls of one kind.
#[derive(Debug, Default)]
struct Wait {
    begun: u64,
    returned: u64,
    /// The start of the wait: the last return, or the first call after everything had returned.
    /// None if nothing waits.
    since: Option<Time>,
    /// Whether the last return came so late that the disk was silent.
    was_silent: bool,
}

impl Wait {
    /// Calls have begun, up to this number.
    fn begin(&mut self, now: Time, begun: u64) {
        if begun > self.begun {
            self.begun = begun;
            self.since.get_or_insert(now);
        }
    }

    /// Calls have returned, up to this number.
    fn has_returned(&mut self, now: Time, returned: u64) {
        self.was_silent = self.silent_at().is_some_and(|silent_at| silent_at <= now);
        self.returned = returned;
        self.since = (returned < self.begun).then_some(now);
    }

    fn is_silent(&self, now: Time, told: DiskState) -> bool {
        let stays_silent = told == DiskState::Silent && self.was_silent;
        self.silent_at().is_some_and(|silent_at| stays_silent || silent_at <= now)
    }

    fn silent_at(&self) -> Option<Time> {
        self.since.map(|since| since + SILENT_AFTER)
    }
}

impl Disk {
    pub(super) fn new(limit: Duration) -> Self {
        Self {
            limit,
            syncs: Wait::default(),
            reads: Wait::default(),
            told: DiskState::default(),
            is_given_up: false,
            looked_at: Time::ZERO,
        }
    }

    /// An event comes. The time in which the node stood still before it is left out of all waits.
    pub(super) fn look(&mut self, now: Time) {
        let stood_still = now.since(self.looked_at).saturating_sub(STANDSTILL);
        self.looked_at = now;
        if stood_still > Duration::ZERO {
            for wait in [&mut self.syncs, &mut self.reads] {
                wait.since = wait.since.map(|since| since + stood_still);
            }
        }
    }

    /// When the node has to look again; none if nothing waits.
    pub(super) fn look_due(&self) -> Option<Time> {
        let waits = self.syncs.since.or(self.reads.since);
        waits.map(|_| self.looked_at + STANDSTILL)
    }

    /// Everything up to this mutation is written, or about to be, and every read up to this one
    /// has begun.
    pub(super) fn has_begun(&mut self, now: Time, mark: Mark, read: ReadId) {
        self.syncs.begin(now, mark.0);
        self.reads.begin(now, read.0);
    }

    /// A sync has returned. It covers everything up to this mutation.
    pub(super) fn synced(&mut self, now: Time, mark: Mark) {
        self.syncs.has_returned(now, mark.0);
    }

    /// A read has returned.
    pub(super) fn has_read(&mut self, now: Time) {
        self.reads.has_returned(now, self.reads.returned.saturating_add(1));
    }

    /// The gateway has a new link, without any report on it yet.
    pub(super) fn forget_told(&mut self) {
        self.told = DiskState::Answers;
    }

    /// The state for the next report to the gateway; none if the state has not changed.
    pub(super) fn news(&mut self, now: Time) -> Option<DiskState> {
        let is_silent = self.syncs.is_silent(now, self.told);
        let state = if is_silent { DiskState::Silent } else { DiskState::Answers };
        (std::mem::replace(&mut self.told, state) != state).then_some(state)
    }

    /// The time of the next report to the gateway if no sync returns before.
    pub(super) fn news_at(&self) -> Option<Time> {
        self.syncs.silent_at().filter(|_| self.told == DiskState::Answers)
    }

    /// The time at which the node ends if no call returns before; none once it was told to end.
    pub(super) fn deadline(&self) -> Option<Time> {
        let since = earliest([self.syncs.since, self.reads.since]);
        since.map(|since| since + self.limit).filter(|_| !self.is_given_up)
    }

    /// Whether the node must end now. This returns true only once.
    pub(super) fn give_up(&mut self, now: Time) -> bool {
        let is_due = self.deadline().is_some_and(|deadline| deadline <= now);
        self.is_given_up |= is_due;
        is_due
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
        disk.has_begun(at(5_000), Mark(1), ReadId(0));
        disk.has_begun(at(5_500), Mark(2), ReadId(0));
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
        disk.has_begun(at(0), Mark(1), ReadId(0));
        assert_eq!(disk.news(at(1_000)), Some(DiskState::Silent));
        for round in 1..20 {
            disk.has_begun(at(round * 1_200 - 1), Mark(round + 1), ReadId(0));
            disk.synced(at(round * 1_200), Mark(round));
            assert_eq!((disk.news(at(round * 1_200)), disk.news_at()), (None, None));
        }
        disk.synced(at(24_000), Mark(20));
        assert_eq!(disk.news(at(24_000)), Some(DiskState::Answers));
    }

    #[test]
    fn a_disk_answers_again_once_a_sync_has_returned_within_a_second() {
        let mut disk = disk();
        disk.has_begun(at(0), Mark(1), ReadId(0));
        disk.has_begun(at(500), Mark(2), ReadId(0));
        assert_eq!(disk.news(at(9_000)), Some(DiskState::Silent));
        disk.synced(at(9_000), Mark(1));
        assert_eq!(disk.news(at(9_000)), None, "it may hang again");
        disk.has_begun(at(9_005), Mark(3), ReadId(0));
        disk.synced(at(9_010), Mark(2));
        assert_eq!(disk.news(at(9_010)), Some(DiskState::Answers));
    }

    #[test]
    fn a_disk_is_given_up_once() {
        let mut disk = disk();
        disk.has_begun(at(5_000), Mark(1), ReadId(0));
        assert!(!disk.give_up(at(24_999)));
        assert!(disk.give_up(at(25_000)));
        assert!(!disk.give_up(at(25_001)));
        assert_eq!(disk.deadline(), None);
    }

    #[test]
    fn syncs_that_return_one_after_the_other_are_an_answer_however_much_waits() {
        let mut disk = disk();
        disk.has_begun(at(0), Mark(1), ReadId(0));
        for round in 1..20 {
            disk.has_begun(at(round * 600 - 1), Mark(round + 1), ReadId(0));
            disk.synced(at(round * 600), Mark(round));
            assert_eq!(disk.news(at(round * 600)), None);
        }
    }

    #[test]
    fn a_disk_that_returns_syncs_and_no_reads_is_not_silent_and_is_given_up() {
        let mut disk = disk();
        disk.has_begun(at(0), Mark(0), ReadId(2));
        disk.has_begun(at(900), Mark(1), ReadId(2));
        disk.synced(at(950), Mark(1));
        assert_eq!((disk.news_at(), disk.news(at(1_000))), (None, None));
        assert_eq!(disk.deadline(), Some(at(20_000)));
        disk.has_read(at(1_500));
        assert_eq!(disk.deadline(), Some(at(21_500)), "the other may hang");
        disk.has_read(at(1_600));
        assert_eq!(disk.deadline(), None);
    }

    #[test]
    fn a_node_that_stood_still_does_not_blame_its_disk() {
        let mut disk = disk();
        disk.has_begun(at(0), Mark(1), ReadId(0));
        assert_eq!(disk.look_due(), Some(at(1_000)));
        disk.look(at(60_000));
        assert!(!disk.give_up(at(60_000)));
        assert_eq!(disk.deadline(), Some(at(79_000)), "it waited for a second");
        disk.synced(at(60_000), Mark(1));
        assert_eq!((disk.news(at(60_000)), disk.look_due()), (None, None));
    }
}
