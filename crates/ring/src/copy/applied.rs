//! The table of applied request ids (rule 12, *at most once*): its keys, in memory.
//!
//! The answers lie in storage, beside the entries; this is the index that says where. It changes only by applying an
//! entry, so that two copies that applied the same entries agree on it.

use std::collections::BTreeMap;
use std::ops::Bound;

use protocol::entry::Entry;
use protocol::id::{GatewayBoot, RequestId, Seq};

/// Which requests were applied, as far as they may be sent again.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Applied {
    ids: BTreeMap<RequestId, Seq>,
    newest: Option<(GatewayBoot, u64)>,
}

impl Applied {
    /// The table as it was found in storage; `unsettled_from` is that of the last entry applied.
    pub(crate) fn recovered(ids: Vec<(RequestId, Seq)>, unsettled_from: u64) -> Self {
        // Applying an entry drops the ids of other boots, so all that are left are of the last entry's.
        let newest = ids.last().map(|(request, _)| (request.boot, unsettled_from));
        Self { ids: ids.into_iter().collect(), newest }
    }

    /// An empty table, which has dropped what `base` settles; the rows follow.
    pub(crate) fn after(base: Option<&Entry>) -> Self {
        let newest = base.map(|base| (base.request.boot, base.unsettled_from));
        Self { ids: BTreeMap::new(), newest }
    }

    /// Adds a row of the same table elsewhere.
    pub(crate) fn insert(&mut self, request: RequestId, seq: Seq) {
        self.ids.insert(request, seq);
    }

    /// The ids after one, or from the first, in their order.
    pub(crate) fn rows(
        &self,
        after: Option<RequestId>,
    ) -> impl Iterator<Item = (RequestId, Seq)> + '_ {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.ids.range((from, Bound::Unbounded)).map(|(request, seq)| (*request, *seq))
    }

    /// The entry that applied a request.
    pub(crate) fn seq_of(&self, request: RequestId) -> Option<Seq> {
        self.ids.get(&request).copied()
    }

    /// Whether a request is below the window: it was settled, so its duplicate could not be recognised.
    pub(crate) fn is_settled(&self, request: RequestId) -> bool {
        self.newest.is_some_and(|(boot, from)| boot == request.boot && request.counter < from)
    }

    /// Applies an entry; returns the ids that it settles.
    pub(crate) fn apply(&mut self, entry: &Entry) -> Vec<RequestId> {
        let boot = entry.request.boot;
        let from = match self.newest {
            Some((known, from)) if known == boot => from.max(entry.unsettled_from),
            Some(_) | None => entry.unsettled_from,
        };
        self.newest = Some((boot, from));
        // Ordered by boot and counter: what stays lies between the window's start and the end of its boot.
        let below = self.ids.range(..RequestId { boot, counter: from });
        let end = Bound::Excluded(RequestId { boot, counter: u64::MAX });
        let above = self.ids.range((end, Bound::Unbounded));
        let settled = below.chain(above).map(|(id, _)| *id).collect::<Vec<_>>();
        for id in &settled {
            self.ids.remove(id);
        }
        self.ids.insert(entry.request, entry.position.seq);
        settled
    }
}
