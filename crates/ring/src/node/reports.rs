//! The progress of the copies last reported to the gateway, and the time of the next report.

use std::time::Duration;

use protocol::message::Progress;

use crate::time::Time;

/// The progress of each of a node's copies.
pub(super) type CopiesProgress = [Option<Progress>; 2];

/// Reports of progress: only news, and not too often.
#[derive(Debug)]
pub(super) struct Reports {
    reported: CopiesProgress,
    not_before: Time,
}

impl Reports {
    /// Nothing is reported yet. The first report may go out at once.
    pub(super) fn from(now: Time) -> Self {
        Self { reported: [None, None], not_before: now }
    }

    /// The link of the earlier reports is gone, so every copy is news again.
    pub(super) fn forget(&mut self) {
        self.reported = [None, None];
    }

    /// The progress to report now; none for a copy without news.
    pub(super) fn due(
        &mut self,
        now: Time,
        interval: Duration,
        progress: CopiesProgress,
    ) -> CopiesProgress {
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

    /// The time of the next report; none if there is no news.
    pub(super) fn deadline(&self, progress: CopiesProgress) -> Option<Time> {
        (progress != self.reported).then_some(self.not_before)
    }
}
