//! The ids of updates, and which of them may be sent again (rule 12).

use std::collections::BTreeSet;

use protocol::id::{GatewayBoot, RequestId};

/// The ids of this gateway's updates.
#[derive(Debug)]
pub(super) struct UpdateIds {
    boot: GatewayBoot,
    taken: u64,
    /// The counters of updates that may be sent again.
    unsettled: BTreeSet<u64>,
}

impl UpdateIds {
    /// None yet, at this start of the gateway.
    pub(super) fn of(boot: GatewayBoot) -> Self {
        Self { boot, taken: 0, unsettled: BTreeSet::new() }
    }

    /// An id for an update, which may be sent from now on.
    pub(super) fn take(&mut self) -> RequestId {
        self.taken = self.taken.saturating_add(1);
        self.unsettled.insert(self.taken);
        RequestId { boot: self.boot, counter: self.taken }
    }

    /// An update is never sent again.
    pub(super) fn settle(&mut self, counter: u64) {
        self.unsettled.remove(&counter);
    }

    /// The lowest counter that may still be sent, while `counter` may.
    pub(super) fn unsettled_from(&self, counter: u64) -> u64 {
        self.unsettled.first().copied().unwrap_or(counter)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn ids_may_be_sent_from_the_oldest_unsettled_one_on() {
        let mut ids = UpdateIds::of(GatewayBoot(Uuid::nil()));
        let [first, second, third] = [(); 3].map(|()| ids.take().counter);
        ids.settle(second);
        assert_eq!(ids.unsettled_from(third), first);
        ids.settle(first);
        assert_eq!(ids.unsettled_from(third), third);
    }
}
