//! Faults aimed at a moment. They wait for the moment, or bring it about.

use std::time::Duration;

use protocol::view::Member;

use super::borne::Limits;
use super::lost::LostNodes;
use super::moments::Moments;
use crate::model::{CopyId, Model};
use crate::plan::corruption::{Corruption, NodeFate};
use crate::plan::fault::{Fault, PlannedFault};
use crate::plan::host::Host;
use crate::plan::swarm::{Pace, Swarm};
use crate::seen::{Log, Seen, WorldDid};
use crate::world::World;

/// How long a fault may wait for its moment.
const AIM_MAX: Duration = Duration::from_secs(8);

/// How long a donor's messages are held back for a blackout, in milliseconds.
const DARK_MS: u64 = 400;

/// The least time between two such periods.
const LIGHT: Duration = Duration::from_secs(2);

/// How long next is cut off at most so that home gets ahead, in milliseconds. It is too short
/// for the cut to be noticed.
const BEHIND_MS: u64 = 300;

/// How long a node killed at the right moment stays down, in milliseconds.
const DEAD_MS: u64 = 50;

/// How long the disk of a node left alone with a snapshot hangs, until its source is back, in
/// milliseconds.
const STRANDED_MS: u64 = 1_500;

/// The moments that aimed faults wait for.
#[derive(Debug, Default)]
pub(super) struct Aims {
    /// Before this time no donor's messages are held back.
    light_until: Duration,
    /// The row to damage once a home copy is ahead of next.
    to_corrupt: Option<ToCorrupt>,
    /// The nodes to kill once more as soon as they are restored to fewer entries than they had.
    to_kill_again: Vec<usize>,
    /// The damaged copies to leave alone with a snapshot as soon as it has begun.
    to_strand: Vec<CopyId>,
    /// The nodes to lose their data once their home copy is to go on alone and has not heard
    /// so.
    to_lose: Vec<ToLose>,
}

/// A row to damage.
#[derive(Debug)]
struct ToCorrupt {
    /// The node with the row.
    place: usize,
    planned: PlannedFault,
    /// The time to give up.
    until: Duration,
}

/// A node to lose its data.
#[derive(Debug)]
struct ToLose {
    place: usize,
    /// The time to give up.
    until: Duration,
}

/// Carries out aimed faults. It changes the aims and the lost nodes, and plans steps of the
/// world.
pub(super) struct Aiming<'a> {
    pub(super) aims: &'a mut Aims,
    pub(super) swarm: &'a Swarm,
    pub(super) model: &'a Model,
    pub(super) world: &'a mut World,
    pub(super) lost: &'a mut LostNodes,
    pub(super) log: &'a Log,
}

impl<'a> Aiming<'a> {
    fn moments(&self) -> Moments<'a> {
        Moments { model: self.model }
    }

    /// The limits of the design, as things stand.
    pub(super) fn limits(&self) -> Limits<'_> {
        let Self { swarm, model, world, lost, .. } = self;
        Limits { swarm, model, world, lost }
    }

    /// Begins a fault.
    pub(super) fn begin(&mut self, fault: &Fault, for_ms: u64) {
        self.tell(fault);
        self.world.add_fault(fault, for_ms);
    }

    fn tell(&self, fault: &Fault) {
        self.log.tell(Seen::World(WorldDid::Fault(fault.kind())));
    }

    /// Brings about the moment that a blackout waits for. Messages are held back, so the donor
    /// does not hear of its granted ask, and the joiner does not hear of the entries made
    /// durable by the donor meanwhile.
    pub(super) fn keep_in_the_dark(&mut self, now: Duration) {
        if self.swarm.pace != Pace::Free || now < self.aims.light_until {
            return;
        }
        let Some((donor, joiner)) = self.moments().donor_untold() else { return };
        self.aims.light_until = now + Duration::from_millis(DARK_MS) + LIGHT;
        let (donor, joiner) = (Host::Node(donor.index()), Host::Node(joiner.index()));
        for other in [Host::Gateway, joiner] {
            self.world.add_fault(&Fault::Hold(donor, other), DARK_MS);
        }
    }

    /// Whether the moment of a fault has come, or the fault has waited long enough. Other
    /// faults overtake a waiting one.
    pub(super) fn is_the_moment(&self, planned: &PlannedFault, now: Duration) -> bool {
        let has_come = match planned.fault {
            Fault::Blackout { .. } => self.moments().is_a_donor_ahead(),
            Fault::Corrupt(Corruption {
                host: Host::Node(place),
                fate: NodeFate::KilledTwice,
                ..
            }) => self.moments().is_home_syncing(place),
            _ => true,
        };
        has_come || Duration::from_millis(planned.at_ms) + AIM_MAX <= now
    }

    /// Brings about the moment to damage a row: a node's home copy is ahead of next.
    pub(super) fn leave_behind(&mut self, place: usize, planned: PlannedFault) {
        let next = Host::Node((place + 1) % self.swarm.nodes);
        let behind_ms = BEHIND_MS.min(self.swarm.heartbeat_timeout_ms / 2);
        self.world.add_fault(&Fault::CutOneWay { from: Host::Node(place), to: next }, behind_ms);
        let until = self.world.now() + Duration::from_millis(behind_ms);
        self.aims.to_corrupt = Some(ToCorrupt { place, planned, until });
    }

    /// Damages the row of a node once its home copy is ahead of next. Returns whether this
    /// moment is still to come; other faults then wait.
    pub(super) fn corrupt_ahead(&mut self, now: Duration) -> bool {
        let moments = self.moments();
        let is_over_or_ahead =
            |aim: &mut ToCorrupt| aim.until <= now || moments.is_ahead_of_next(aim.place);
        let Some(aim) = self.aims.to_corrupt.take_if(is_over_or_ahead) else {
            return self.aims.to_corrupt.is_some();
        };
        if now < aim.until && self.limits().is_worth_damaging(aim.place) {
            self.aims.to_kill_again.push(aim.place);
            self.begin(&aim.planned.fault, aim.planned.for_ms);
        }
        false
    }

    /// Kills a node for the second time once it is restored: the gateway has heard of more
    /// entries there, and has not heard yet of the present ones.
    pub(super) fn kill_again(&mut self) {
        let moments = self.moments();
        let is_restored = |place: &usize| moments.is_restored_to_less(*place);
        let Some(found) = self.aims.to_kill_again.iter().position(is_restored) else { return };
        let kill = Fault::Kill(Host::Node(self.aims.to_kill_again.remove(found)));
        if self.limits().is_borne(&kill) {
            self.begin(&kill, DEAD_MS);
        }
    }

    /// Prepares to leave a damaged copy alone with the snapshot that restores it.
    pub(super) fn will_strand(&mut self, corruption: Corruption) {
        let Host::Node(place) = corruption.host else { return };
        self.aims.to_strand.extend(self.model.copy_at(place, corruption.rot.member));
    }

    /// Leaves such a copy alone once the snapshot has begun and no part of it is durable: the
    /// source is killed, and the disk of the copy hangs.
    pub(super) fn strand(&mut self) {
        let has_begun =
            |copy: &CopyId| self.model.copy(copy.partition, copy.member).has_begun_undurably();
        let Some(found) = self.aims.to_strand.iter().position(has_begun) else { return };
        let copy = self.aims.to_strand.remove(found);
        let kill = Fault::Kill(Host::Node(self.model.place_of(copy.other())));
        if self.limits().is_borne(&kill) {
            self.tell(&kill);
            let stranded = Host::Node(self.model.place_of(copy));
            self.world.add_fault(&Fault::HungDisk(stranded), STRANDED_MS);
            self.world.add_fault(&kill, DEAD_MS);
        }
    }

    /// Prepares the loss of a node's data for the moment when its home copy is to go on alone,
    /// because next was killed.
    pub(super) fn will_lose(&mut self, place: usize) {
        self.aims.to_lose.push(ToLose { place, until: self.world.now() + AIM_MAX });
    }

    /// Loses the data of such a node, once the gateway has decided to go on with home alone and
    /// the home copy has not heard so.
    pub(super) fn lose_alone(&mut self, now: Duration) {
        self.aims.to_lose.retain(|aim| now < aim.until);
        let limits = self.limits();
        let is_the_moment = |aim: &ToLose| {
            let next = self.model.copy_at(aim.place, Member::Next);
            next.is_some_and(|next| limits.is_spare(next)) && limits.is_spare_as_unheard(aim.place)
        };
        let Some(found) = self.aims.to_lose.iter().position(is_the_moment) else { return };
        let ToLose { place, .. } = self.aims.to_lose.remove(found);
        if self.world.is_in_trouble(Host::Gateway) {
            return;
        }
        self.lost.add(place);
        self.world.add_fault(&Fault::LostData(Host::Node(place)), DEAD_MS);
    }
}
