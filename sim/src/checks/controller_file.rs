//! Rule 10, *the controller's file*: a gateway goes on from exactly the views that were durable
//! when it starts.

use std::collections::BTreeMap;

use protocol::id::PartitionId;
use protocol::view::View;
use service::events::{Event, GatewayFact};

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::step::Death;
use crate::seen::{Moment, Seen, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct ControllerFile {
    /// Whether the file was taken away. Then the next gateway finds nothing.
    is_lost: bool,
}

impl Check for ControllerFile {
    fn rule(&self) -> Rule {
        Rule {
            check: "controller-file",
            says: "rule 10: a gateway goes on from the views that were durable",
        }
    }

    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::World(WorldDid::Kills(Host::Gateway, Death::DataLost)) => self.is_lost = true,
            Seen::Inside(Event::Gateway { event: GatewayFact::Starts { views, .. }, .. }) => {
                let found = by_partition(views);
                if !std::mem::take(&mut self.is_lost) && found != model.saved {
                    let detail =
                        format!("a gateway starts from {found:?}, saved was {:?}", model.saved);
                    return Err(Finding::safety(at, detail));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

fn by_partition(views: &[View]) -> BTreeMap<PartitionId, View> {
    views.iter().map(|view| (view.partition, *view)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;

    fn starts_with(views: Vec<View>) -> Seen {
        gateway(GatewayFact::Starts { cluster: None, views })
    }

    #[test]
    fn a_gateway_that_goes_on_from_older_views_is_seen() {
        let mut scene = Scene::formed(ControllerFile::default());
        let formed = vec![both(0, 1), both(1, 1), both(2, 1)];
        scene.play(starts_with(formed.clone()));
        scene.changes(home_only(0, 2));
        scene.objects(starts_with(formed));
    }

    #[test]
    fn a_gateway_that_lost_its_file_finds_nothing() {
        let mut scene = Scene::formed(ControllerFile::default());
        scene.play(Seen::World(WorldDid::Kills(Host::Gateway, Death::DataLost)));
        scene.play(starts_with(Vec::new()));
    }
}
