//! The views *home only* under which home has not said that it serves.

use std::collections::BTreeMap;

use protocol::id::{Epoch, Incarnation, PartitionId};
use protocol::view::View;

/// The views *home only* that home has not said it acts on, and the next copies that were dropped
/// for them: until it does, that copy has everything that anyone was told of.
#[derive(Debug, Default)]
pub(super) struct Unheard(BTreeMap<PartitionId, (Epoch, Incarnation)>);

impl Unheard {
    /// Next was dropped, and home's view is of this epoch now.
    pub(super) fn dropped(&mut self, partition: PartitionId, epoch: Epoch, next: Incarnation) {
        self.0.insert(partition, (epoch, next));
    }

    /// Home has said that it serves alone under the view of this epoch.
    pub(super) fn heard(&mut self, partition: PartitionId, epoch: Epoch) {
        if self.0.get(&partition).is_some_and(|(of, _)| *of <= epoch) {
            self.0.remove(&partition);
        }
    }

    /// The next copy that was dropped when a view was made, if home was not heard under it.
    pub(super) fn dropped_for(&self, view: &View) -> Option<Incarnation> {
        let (epoch, next) = *self.0.get(&view.partition)?;
        (epoch == view.epoch).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::GatewayBoot;
    use protocol::view::InSync;
    use uuid::Uuid;

    use super::*;

    fn view(epoch: u64) -> View {
        View {
            partition: PartitionId(0),
            epoch: Epoch(epoch),
            in_sync: InSync::HomeOnly { home: Incarnation(Uuid::from_u128(1)) },
            decided_by: GatewayBoot(Uuid::nil()),
            accepted_loss: None,
        }
    }

    #[test]
    fn the_dropped_copy_is_known_until_home_is_heard_under_that_view() {
        let (mut unheard, next) = (Unheard::default(), Incarnation(Uuid::from_u128(2)));
        unheard.dropped(PartitionId(0), Epoch(3), next);
        unheard.heard(PartitionId(0), Epoch(2));
        assert_eq!(unheard.dropped_for(&view(3)), Some(next));
        assert_eq!(unheard.dropped_for(&view(4)), None, "it was dropped for an older view");
        unheard.heard(PartitionId(0), Epoch(3));
        assert_eq!(unheard.dropped_for(&view(3)), None);
    }
}
