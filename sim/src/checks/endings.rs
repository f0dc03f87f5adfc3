//! No process ends by itself, unless it was told to stop or its storage failed. A node and the
//! gateway survive everything promised by the design.

use std::collections::BTreeSet;

use super::check::Check;
use crate::model::Model;
use crate::plan::host::Host;
use crate::plan::kind::FaultKind;
use crate::plan::swarm::Swarm;
use crate::seen::{Ended, Moment, Seen, WorldDid};
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug)]
pub struct Endings {
    /// Whether a machine that stands still seems to wait for its disk: its clock does not leap.
    pauses_stop_disks: bool,
    /// Whether faults of disks have begun: from then on a storage may fail.
    disks_fail: bool,
    /// The processes told to stop.
    told_to_stop: BTreeSet<Host>,
}

impl Endings {
    /// A check for the clocks of a run.
    pub fn new(swarm: &Swarm) -> Self {
        Self {
            pauses_stop_disks: !swarm.clocks_leap,
            disks_fail: false,
            told_to_stop: BTreeSet::new(),
        }
    }
}

impl Check for Endings {
    fn rule(&self) -> Rule {
        Rule { check: "endings", says: "no process ends by itself without a reason" }
    }

    fn see(&mut self, _: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        match seen {
            Seen::World(WorldDid::Fault(
                FaultKind::DiskError
                | FaultKind::DiskFull
                | FaultKind::HungDisk
                | FaultKind::HungReads,
            )) => {
                self.disks_fail = true;
                Ok(())
            }
            Seen::World(WorldDid::Fault(FaultKind::Pause)) => {
                self.disks_fail |= self.pauses_stop_disks;
                Ok(())
            }
            Seen::World(WorldDid::Stops(host)) => {
                self.told_to_stop.insert(*host);
                Ok(())
            }
            Seen::World(WorldDid::Starts(host)) => {
                self.told_to_stop.remove(host);
                Ok(())
            }
            // A second gateway is judged by `one_gateway`.
            Seen::World(WorldDid::Ended(Host::SecondGateway, _)) => Ok(()),
            Seen::World(WorldDid::Ended(host, ended)) => match ended {
                Ended::Storage(_) if self.disks_fail => Ok(()),
                Ended::AsTold if self.told_to_stop.contains(host) => Ok(()),
                ended => {
                    let detail = format!("{host} ended by itself: {ended:?}");
                    Err(Finding::safety(at, detail))
                }
            },
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::support::*;
    use super::*;
    use crate::plan::{Options, Plan};

    #[test]
    fn a_process_that_ends_without_a_reason_is_seen() {
        let swarm = Plan::draw(1, &Options::default()).swarm;
        let mut scene = Scene::formed(Endings::new(&swarm));
        let full = || {
            let ended = Ended::Storage("the disk is full".to_owned());
            Seen::World(WorldDid::Ended(Host::Node(0), ended))
        };
        scene.objects(full());
        scene.play(Seen::World(WorldDid::Fault(FaultKind::DiskFull)));
        scene.play(full());
        let lost = Ended::Otherwise("this data directory is an old copy".to_owned());
        scene.objects(Seen::World(WorldDid::Ended(Host::Node(0), lost)));
    }
}
