//! Faults aimed at a moment. They wait for the moment, or bring it about.

use std::time::Duration;

use protocol::view::Member;

use super::Run;
use crate::plan::corruption::{Corruption, Fate};
use crate::plan::fault::{Fault, PlannedFault};
use crate::plan::host::Host;
use crate::plan::swarm::Pace;
use crate::seen::{Seen, WorldDid};

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
    /// The node with the row to damage once its home copy is ahead of next, the fault, and the
    /// time to give up.
    to_corrupt: Option<(usize, PlannedFault, Duration)>,
    /// The nodes to kill once more as soon as they are restored to fewer entries than they had.
    to_kill_again: Vec<Host>,
    /// The damaged copies to leave alone with a snapshot as soon as it has begun.
    to_strand: Vec<(usize, Member)>,
    /// The nodes to lose their data once their home copy is to go on alone and has not heard
    /// so, each with the time to give up.
    to_lose: Vec<(usize, Duration)>,
}

impl Run<'_> {
    /// Brings about the moment that a blackout waits for. Messages are held back, so the donor
    /// does not hear of its granted ask, and the joiner does not hear of the entries made
    /// durable by the donor meanwhile.
    pub(super) fn keep_in_the_dark(&mut self, now: Duration) {
        let waits = |planned: &PlannedFault| {
            matches!(planned.fault, Fault::Blackout { .. })
                && Duration::from_millis(planned.at_ms) <= now
        };
        if self.plan.swarm.pace != Pace::Free
            || now < self.aims.light_until
            || !self.faults.iter().any(waits)
        {
            return;
        }
        let Some((donor, joiner)) = self.model.donor_untold() else { return };
        self.aims.light_until = now + Duration::from_millis(DARK_MS) + LIGHT;
        let (donor, joiner) = (Host::Node(donor.index()), Host::Node(joiner.index()));
        for other in [Host::Gateway, joiner] {
            self.world.add_steps(Fault::Hold(donor, other).steps(DARK_MS));
        }
    }

    /// Whether the moment of a fault has come, or the fault has waited long enough. Other
    /// faults overtake a waiting one.
    pub(super) fn is_the_moment(&self, planned: &PlannedFault, now: Duration) -> bool {
        match planned.fault {
            Fault::Blackout { .. } => {
                self.model.is_a_donor_ahead()
                    || Duration::from_millis(planned.at_ms) + AIM_MAX <= now
            }
            Fault::Corrupt(Corruption {
                host: Host::Node(place), fate: Fate::KilledTwice, ..
            }) => {
                self.model.is_home_syncing(place)
                    || Duration::from_millis(planned.at_ms) + AIM_MAX <= now
            }
            _ => true,
        }
    }

    /// Brings about the moment to damage a row: a node's home copy is ahead of next.
    pub(super) fn leave_behind(&mut self, place: usize, planned: PlannedFault) {
        let next = Host::Node((place + 1) % self.plan.swarm.nodes);
        let behind_ms = BEHIND_MS.min(self.plan.swarm.heartbeat_timeout_ms / 2);
        let cut = Fault::CutOneWay { from: Host::Node(place), to: next };
        self.world.add_steps(cut.steps(behind_ms));
        let until = self.world.now() + Duration::from_millis(behind_ms);
        self.aims.to_corrupt = Some((place, planned, until));
    }

    /// Damages the row of a node once its home copy is ahead of next. Returns whether this
    /// moment is still to come; other faults then wait.
    pub(super) fn corrupt_ahead(&mut self, now: Duration) -> bool {
        let Some((place, planned, until)) = self.aims.to_corrupt.take() else { return false };
        if until <= now {
            return false;
        }
        if !self.model.is_ahead_of_next(place) {
            self.aims.to_corrupt = Some((place, planned, until));
            return true;
        }
        if self.is_worth_damaging(place) {
            self.aims.to_kill_again.push(Host::Node(place));
            self.log.tell(Seen::World(WorldDid::Fault(planned.fault.kind())));
            self.world.add_steps(planned.fault.steps(planned.for_ms));
        }
        false
    }

    /// Kills a node for the second time once it is restored: the gateway has heard of more
    /// entries there, and has not heard yet of the present ones.
    pub(super) fn kill_again(&mut self) {
        let is_restored = |host: &Host| match host {
            Host::Node(place) => self.model.is_restored_to_less(*place),
            _ => false,
        };
        let Some(found) = self.aims.to_kill_again.iter().position(is_restored) else { return };
        let kill = Fault::Kill(self.aims.to_kill_again.remove(found));
        if self.is_borne(&kill) {
            self.log.tell(Seen::World(WorldDid::Fault(kill.kind())));
            self.world.add_steps(kill.steps(DEAD_MS));
        }
    }

    /// Prepares to leave a damaged copy alone with the snapshot that restores it.
    pub(super) fn will_strand(&mut self, place: usize, member: Member) {
        self.aims.to_strand.push((place, member));
    }

    /// Leaves such a copy alone once the snapshot has begun and no part of it is durable: the
    /// source is killed, and the disk of the copy hangs.
    pub(super) fn strand(&mut self) {
        let has_begun = |(place, member): &(usize, Member)| {
            self.model.nodes[*place].copy(*member).has_begun_undurably()
        };
        let Some(found) = self.aims.to_strand.iter().position(has_begun) else { return };
        let (place, member) = self.aims.to_strand.remove(found);
        let Some(partition) = self
            .model
            .ring
            .places()
            .nth(place)
            .map(|here| self.model.ring.partition_at(here, member))
        else {
            return;
        };
        let source = self.model.ring.holder(partition, member.other()).index();
        let kill = Fault::Kill(Host::Node(source));
        if self.is_borne(&kill) {
            self.log.tell(Seen::World(WorldDid::Fault(kill.kind())));
            self.world.add_steps(Fault::HungDisk(Host::Node(place)).steps(STRANDED_MS));
            self.world.add_steps(kill.steps(DEAD_MS));
        }
    }

    /// Prepares the loss of a node's data for the moment when its home copy is to go on alone,
    /// because next was killed.
    pub(super) fn will_lose(&mut self, place: usize) {
        self.aims.to_lose.push((place, self.world.now() + AIM_MAX));
    }

    /// Loses the data of such a node, once the gateway has decided to go on with home alone and
    /// the home copy has not heard so.
    pub(super) fn lose_alone(&mut self, now: Duration) {
        self.aims.to_lose.retain(|(_, until)| now < *until);
        let is_the_moment = |(place, _): &(usize, Duration)| {
            self.is_spare(*place, Member::Next) && self.is_spare_as_unheard(*place)
        };
        let Some(found) = self.aims.to_lose.iter().position(is_the_moment) else { return };
        let (place, _) = self.aims.to_lose.remove(found);
        if self.world.is_in_trouble(Host::Gateway) {
            return;
        }
        self.without_data.insert(place);
        self.world.add_steps(Fault::LostData(Host::Node(place)).steps(DEAD_MS));
    }
}
