//! The table of applied request ids (rule 12, *at most once*): its keys, in memory.
//!
//! The answers follow from the entries in the log, or lie beside it where a snapshot brought them;
//! this is the index that says where. It changes only by applying an entry, so that two copies that
//! applied the same entries agree on it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use protocol::entry::Entry;
use protocol::id::{GatewayBoot, RequestId, Seq};

use crate::store::{AnswerIn, AppliedId, ReadError};

/// What a copy knows of a request that it may have applied.
pub(crate) enum Known {
    /// Not applied.
    New,
    /// Applied, by this entry.
    Applied(AppliedId),
    /// Below the window: whether it was applied is not known any more.
    Settled,
}

/// Which requests were applied, as far as they may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    ids: BTreeMap<RequestId, AppliedId>,
    /// The entries whose answers are in the log.
    logged: BTreeSet<Seq>,
    /// The lowest request that is not settled: of the last entry.
    window: Option<RequestId>,
}

impl Applied {
    /// The table as it was found in storage; `last` is the last entry applied.
    pub(crate) fn recovered(ids: Vec<AppliedId>, last: Option<&Entry>) -> Self {
        let mut applied = Self::after(last);
        for id in ids {
            applied.insert(id);
        }
        applied
    }

    /// An empty table, which has dropped what `base` settles; the rows follow.
    pub(crate) fn after(base: Option<&Entry>) -> Self {
        Self { window: base.map(|base| *base.unsettled().start()), ..Self::default() }
    }

    /// Whether an entry in the log tells that a request was applied, and its answer.
    pub(crate) fn is_logged(&self, request: RequestId) -> bool {
        self.get(request).is_some_and(|id| id.answer == AnswerIn::Log)
    }

    /// Adds a row of the same table elsewhere.
    pub(crate) fn insert_row(&mut self, request: RequestId, seq: Seq) {
        self.insert(AppliedId { request, seq, answer: AnswerIn::Row });
    }

    fn insert(&mut self, id: AppliedId) {
        self.ids.insert(id.request, id);
        match id.answer {
            AnswerIn::Log => self.logged.insert(id.seq),
            AnswerIn::Row => self.logged.remove(&id.seq),
        };
    }

    /// All is gone but this entry. Whether the other requests were applied is not known any more,
    /// so they count as settled.
    pub(crate) fn restart(&mut self, last: Option<&Entry>) {
        let Self { ids, .. } = std::mem::replace(self, Self::after(last));
        let Some(last) = last else { return };
        let RequestId { boot, .. } = last.request;
        let forgotten = ids.into_keys().filter(|request| *request != last.request);
        let beyond = forgotten
            .filter(|request| request.boot == boot)
            .map(|request| RequestId { counter: request.counter.saturating_add(1), ..request });
        self.window = self.window.max(beyond.max());
        let (request, seq) = (last.request, last.position.seq);
        self.insert(AppliedId { request, seq, answer: AnswerIn::Log });
    }

    /// The ids after one, or from the first, in their order.
    pub(crate) fn after_id(
        &self,
        after: Option<RequestId>,
    ) -> impl Iterator<Item = AppliedId> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.ids.range((from, Bound::Unbounded)).map(|(_, id)| *id)
    }

    /// What is known of a request that was applied.
    fn get(&self, request: RequestId) -> Option<AppliedId> {
        self.ids.get(&request).copied()
    }

    /// Looks a request up (rule 12).
    pub(crate) fn known(&self, request: RequestId) -> Known {
        match self.get(request) {
            _ if request.counter < self.unsettled_from(request.boot) => Known::Settled,
            Some(id) => Known::Applied(id),
            None => Known::New,
        }
    }

    /// Whether a request is still in the table, by this entry.
    pub(crate) fn has(&self, id: AppliedId) -> bool {
        self.get(id.request) == Some(id)
    }

    /// Whether a request has a row of its own.
    pub(crate) fn has_row(&self, request: RequestId) -> bool {
        self.get(request).is_some_and(|id| id.answer == AnswerIn::Row)
    }

    /// The oldest entry whose request may be sent again: from there on the log is this table.
    pub(crate) fn oldest_logged(&self) -> Option<Seq> {
        self.logged.first().copied()
    }

    /// The lowest counter of a gateway's boot that is not settled, as far as entries tell: the
    /// duplicate of a request below it could not be recognised.
    pub(crate) fn unsettled_from(&self, boot: GatewayBoot) -> u64 {
        self.window.filter(|first| first.boot == boot).map_or(0, |first| first.counter)
    }

    /// Applies an entry, which drops the ids that it settles. Returns those of them that have rows.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Vec<RequestId> {
        let (first, last) = entry.unsettled().into_inner();
        self.window = Some(first);
        let below = (Bound::Unbounded, Bound::Excluded(first));
        let above = (Bound::Excluded(last), Bound::Unbounded);
        let mut rows = Vec::new();
        for settled in [below, above] {
            for (_, id) in self.ids.extract_if(settled, |_, _| true) {
                match id.answer {
                    AnswerIn::Log => drop(self.logged.remove(&id.seq)),
                    AnswerIn::Row => rows.push(id.request),
                }
            }
        }
        let (request, seq) = (entry.request, entry.position.seq);
        self.insert(AppliedId { request, seq, answer: AnswerIn::Log });
        rows
    }
}

/// An answer that must be there is not.
pub(crate) fn missing_answer(AppliedId { request, seq, .. }: AppliedId) -> ReadError {
    ReadError::Damaged(format!("the answer to {request}, applied by entry {seq}, is missing"))
}
