//! The table of applied request ids (rule 12, *at most once*): its keys, in memory.
//!
//! The answers follow from the entries in the log, or lie beside it where a snapshot brought them; this is the index that says
//! where. It changes only by applying an entry, so that two copies that applied the same entries agree on it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use protocol::entry::Entry;
use protocol::id::{GatewayBoot, RequestId, Seq};

use crate::store::{AnswerIn, AppliedId};

/// Which requests were applied, as far as they may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    ids: BTreeMap<RequestId, (Seq, AnswerIn)>,
    /// The entries whose answers are in the log.
    logged: BTreeSet<Seq>,
    /// Whose requests are in it, and the lowest counter that is not settled: of the last entry.
    window: Option<(GatewayBoot, u64)>,
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
        Self { window: base.map(window), ..Self::default() }
    }

    /// Adds a row of the same table elsewhere.
    pub(crate) fn insert_row(&mut self, request: RequestId, seq: Seq) {
        self.insert(AppliedId { request, seq, answer: AnswerIn::Row });
    }

    fn insert(&mut self, AppliedId { request, seq, answer }: AppliedId) {
        self.ids.insert(request, (seq, answer));
        match answer {
            AnswerIn::Log => self.logged.insert(seq),
            AnswerIn::Row => self.logged.remove(&seq),
        };
    }

    /// The ids after one, or from the first, in their order.
    pub(crate) fn after_id(
        &self,
        after: Option<RequestId>,
    ) -> impl Iterator<Item = AppliedId> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.ids.range((from, Bound::Unbounded));
        ids.map(|(request, (seq, answer))| AppliedId {
            request: *request,
            seq: *seq,
            answer: *answer,
        })
    }

    /// What is known of a request that was applied.
    pub(crate) fn get(&self, request: RequestId) -> Option<AppliedId> {
        self.ids.get(&request).map(|(seq, answer)| AppliedId {
            request,
            seq: *seq,
            answer: *answer,
        })
    }

    /// The oldest entry that the log is needed from, for the answers that are there.
    pub(crate) fn oldest_logged(&self) -> Option<Seq> {
        self.logged.first().copied()
    }

    /// The lowest counter of a boot that is not settled, as far as entries tell.
    pub(crate) fn unsettled_from(&self, boot: GatewayBoot) -> u64 {
        self.window.filter(|(known, _)| *known == boot).map_or(0, |(_, from)| from)
    }

    /// Applies an entry, which drops the ids that it settles. Returns those of them that have rows.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Vec<RequestId> {
        let (boot, from) = window(entry);
        self.window = Some((boot, from));
        // Ordered by boot and counter: what stays lies between the window's start and the end of its boot.
        let below = (Bound::Unbounded, Bound::Excluded(RequestId { boot, counter: from }));
        let above = (Bound::Excluded(RequestId { boot, counter: u64::MAX }), Bound::Unbounded);
        let mut rows = Vec::new();
        for settled in [below, above] {
            for (request, (seq, answer)) in self.ids.extract_if(settled, |_, _| true) {
                match answer {
                    AnswerIn::Log => drop(self.logged.remove(&seq)),
                    AnswerIn::Row => rows.push(request),
                }
            }
        }
        let (request, seq) = (entry.request, entry.position.seq);
        self.insert(AppliedId { request, seq, answer: AnswerIn::Log });
        rows
    }
}

fn window(entry: &Entry) -> (GatewayBoot, u64) {
    (entry.request.boot, entry.unsettled_from)
}
