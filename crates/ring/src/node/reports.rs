//! What the gateway was told of how far the copies are, and when to tell it more.

use std::time::Duration;

use protocol::message::Progress;

use crate::time::Time;

/// How far each of a node's copies is.
pub(super) type Copies = [Option<Progress>; 2];

/// Reports of progress: what is new, and not too often.
#[derive(Debug)]
pub(super) struct Reports {
    reported: Copies,
    not_before: Time,
}

impl Reports {
    /// Nothing was reported; the first report may go out at once.
    pub(super) fn from(now: Time) -> Self {
        Self { reported: [None, None], not_before: now }
    }

    /// Whoever was told is gone.
    pub(super) fn forget(&mut self) {
        self.reported = [None, None];
    }

    /// What to report now.
    pub(super) fn due(&mut self, now: Time, interval: Duration, progress: Copies) -> Copies {
        if self.deadline(progress).is_none_or(|deadline| now < deadline) {
            return [None, None];
        }
        self.not_before = now + interval;
        let reported = std::mem::replace(&mut self.reported, progress);
        let mut news = progress;
        for (news, reported) in news.iter_mut().zip(reported) {
            news.take_if(|news| Some(*news) == reported);
        }
        news
    }

    /// When there will be something to report.
    pub(super) fn deadline(&self, progress: Copies) -> Option<Time> {
        (progress != self.reported).then_some(self.not_before)
    }
}
