//! Rule 11, *recovered is not yet durable*: a node syncs its recovered data before it uses the
//! data. A failed sync or write is never tried again.

use std::collections::BTreeSet;

use service::events::{Event, NodeFact};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen, StorageDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Recovered {
    /// The nodes with a storage failure since the storage was opened.
    failed: BTreeSet<usize>,
}

impl Check for Recovered {
    fn rule(&self) -> Rule {
        Rule {
            check: "recovered",
            says: "rule 11: what was recovered is synced before it is used, and nothing goes on after a failed sync",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::Inside(Event::Node { node, event: NodeFact::Starts { .. } }) => {
                let Some(known) = model.node(node) else { return Ok(()) };
                if known.has_synced && !known.writes.are_dirty() {
                    return Ok(());
                }
                let detail = format!("{node} starts with what it found, and has not synced it");
                Err(Finding::safety(at, detail))
            }
            Seen::Storage { node, did } => match did {
                StorageDid::Opened => {
                    self.failed.remove(node);
                    Ok(())
                }
                StorageDid::Failed(_) => {
                    self.failed.insert(*node);
                    Ok(())
                }
                StorageDid::Written(_) | StorageDid::Synced(_) if self.failed.contains(node) => {
                    let detail = format!("db-{node} goes on after its storage has failed: {did:?}");
                    Err(Finding::safety(at, detail))
                }
                StorageDid::WriteBegins(_)
                | StorageDid::Written(_)
                | StorageDid::SyncBegins(_)
                | StorageDid::Synced(_)
                | StorageDid::ReadFailed => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    #[test]
    fn a_start_without_a_sync_is_seen() {
        let mut scene = Scene::formed(Recovered::default());
        scene.play(storage(0, StorageDid::Opened));
        scene.objects(starts(0, nothing(), nothing()));
    }

    #[test]
    fn a_start_with_something_unsynced_is_seen() {
        let mut scene = Scene::formed(Recovered::default());
        scene.play(storage(0, StorageDid::Opened));
        scene.syncs(0);
        scene.writes(0);
        scene.objects(starts(0, nothing(), nothing()));
    }

    #[test]
    fn a_sync_after_one_that_failed_is_seen() {
        let mut scene = Scene::formed(Recovered::default());
        scene.play(storage(0, StorageDid::Failed("broken".to_owned())));
        scene.objects(storage(0, StorageDid::Synced(CALL)));
    }
}
