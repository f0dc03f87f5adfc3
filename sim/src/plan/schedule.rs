//! The schedule: when each fault begins and ends.

use protocol::view::Member;
use rand::RngExt;
use rand::rngs::StdRng;
use ring_core::placement::Ring;

use super::corruption::{Corruption, NodeFate, Rot, Row};
use super::fault::{DiskError, Fault, PlannedFault};
use super::host::Host;
use super::kind::FaultKind;
use super::swarm::{Pace, Swarm, between, pick};
use super::workload;

/// The calm time at the start of a run, in milliseconds, so that the cluster forms.
pub const CALM_MS: u64 = 2_500;

/// One seed of this many goes beyond the promises of the design, if its kinds of fault allow
/// it.
const BEYOND_ONE_IN: u32 = 50;

/// The faults of a seed. It picks their kinds out of `kinds`.
pub(super) fn draw(random: &mut StdRng, swarm: &Swarm, kinds: &[FaultKind]) -> Vec<PlannedFault> {
    let beyond = random.random_ratio(1, BEYOND_ONE_IN);
    let mut used = Vec::new();
    for kind in kinds {
        // Drawn for every kind, so that later draws do not depend on the list.
        let is_used = random.random_bool(0.4);
        let fits = match swarm.pace {
            Pace::OneAtATime => kind.spares_reads(),
            Pace::Free => !kind.is_beyond_promises(),
        };
        let is_the_one_beyond = beyond && kind.is_beyond_promises() && swarm.pace == Pace::Free;
        if is_used && fits || is_the_one_beyond || kinds.len() == 1 {
            used.push(*kind);
        }
    }
    if used.is_empty() {
        return Vec::new();
    }
    let used_alone = used.len() == 1;
    let gap_ms = pick(random, &[700, 1200, 2000, 3500]);
    let mut faults = Vec::new();
    let mut at_ms = CALM_MS;
    loop {
        at_ms += between(random, gap_ms / 4..=2 * gap_ms);
        if at_ms >= swarm.safety_ms {
            return faults;
        }
        let kind = pick(random, &used);
        let for_ms = match pick(random, &[0, 1, 1, 1, 2]) {
            _ if kind == FaultKind::Blackout => between(random, 20..=600),
            // Long enough for the second gateway to decide something.
            _ if kind == FaultKind::ForkedGateway => between(random, 3_500..=8_000),
            // A disk counts as silent after a second.
            _ if matches!(kind, FaultKind::HungDisk | FaultKind::HungReads) => {
                between(random, 800..=5_000)
            }
            0 => between(random, 20..=300),
            1 => between(random, 300..=3_000),
            _ => between(random, 3_000..=8_000),
        };
        if kind.is_beyond_promises() {
            // Once is enough to be noticed. After that, little is left to serve.
            used.retain(|other| *other != kind || used_alone);
        }
        faults.push(PlannedFault { at_ms, for_ms, fault: fault(random, swarm, kind) });
    }
}

fn fault(random: &mut StdRng, swarm: &Swarm, kind: FaultKind) -> Fault {
    let host = node(random, swarm);
    match kind {
        FaultKind::Kill => Fault::Kill(host),
        FaultKind::Stop => {
            let may_be_gateway = swarm.pace == Pace::Free && random.random_ratio(1, 4);
            Fault::Stop(if may_be_gateway { Host::Gateway } else { host })
        }
        FaultKind::Crash => Fault::Crash(host),
        FaultKind::PowerLoss => Fault::PowerLoss { host, kept: 0.0 },
        FaultKind::TornWrite => {
            Fault::PowerLoss { host, kept: f64::from(random.random_range(1..100_u8)) / 100.0 }
        }
        FaultKind::CrashLoop => {
            let (times, up_ms) = (random.random_range(2..=5), between(random, 5..=1_500));
            Fault::CrashLoop { host, times, up_ms }
        }
        FaultKind::CrashInRecovery => {
            let kept = f64::from(random.random_range(0..=100_u8)) / 100.0;
            Fault::CrashInRecovery { host, kept, up_ms: between(random, 1..=400) }
        }
        FaultKind::DiskError => {
            let errors = [
                DiskError::WriteLost,
                DiskError::WriteFound,
                DiskError::Sync,
                DiskError::Sync,
                DiskError::Read,
            ];
            let error = pick(random, &errors);
            let may_be_gateway = swarm.pace == Pace::Free && random.random_ratio(1, 6);
            Fault::DiskError { host: if may_be_gateway { Host::Gateway } else { host }, error }
        }
        FaultKind::DiskFull => Fault::DiskFull(host),
        FaultKind::Corrupt => {
            let member = pick(random, &Member::ALL);
            let row = pick(random, &[Row::Record, Row::Record, Row::Entry, Row::Answer]);
            let pick = match random.random_range(0..3) {
                0 => 1.0,
                _ => f64::from(random.random_range(0..=100_u8)) / 100.0,
            };
            let killed = row == Row::Entry && random.random();
            if random.random_ratio(1, 8) {
                let rot = Rot { member: Member::Home, row: Row::Entry, pick: 1.0 };
                return Fault::Corrupt(Corruption { host, rot, fate: NodeFate::KilledTwice });
            }
            let rot = Rot { member, row, pick };
            let stranded = swarm.pace == Pace::Free && random.random_ratio(1, 4);
            let fate = match (killed, stranded) {
                (false, false) => NodeFate::GoesOn,
                (true, false) => NodeFate::Killed,
                (false, true) => NodeFate::Stranded,
                (true, true) => NodeFate::KilledAndStranded,
            };
            Fault::Corrupt(Corruption { host, rot, fate })
        }
        FaultKind::LostData if swarm.pace == Pace::Free && random.random() => {
            let place = random.random_range(0..swarm.nodes);
            let next = Host::Node((place + 1) % swarm.nodes);
            Fault::LostAlone { host: Host::Node(place), next }
        }
        FaultKind::LostData => Fault::LostData(host),
        FaultKind::HungDisk => {
            let may_be_gateway = swarm.pace == Pace::Free && random.random_ratio(1, 6);
            Fault::HungDisk(if may_be_gateway { Host::Gateway } else { host })
        }
        FaultKind::HungReads => Fault::HungReads(host),
        FaultKind::Undecodable => {
            let user = workload::user(random, swarm);
            Fault::Undecodable { host: holder(random, swarm, &user), user }
        }
        FaultKind::Pause => {
            let may_be_gateway = swarm.pace == Pace::Free && random.random_ratio(1, 6);
            Fault::Pause(if may_be_gateway { Host::Gateway } else { host })
        }
        FaultKind::Slow => {
            let latency_ms = between(random, 50..=600);
            Fault::Slow { between: pair(random, swarm), latency_ms }
        }
        FaultKind::Cut => {
            let (a, b) = pair(random, swarm);
            Fault::Cut(a, b)
        }
        FaultKind::CutOneWay => {
            let (a, b) = pair(random, swarm);
            let (from, to) = if random.random() { (a, b) } else { (b, a) };
            Fault::CutOneWay { from, to }
        }
        FaultKind::ClientCut => Fault::Cut(Host::Clients, Host::Gateway),
        FaultKind::Flap => {
            Fault::Flap { between: pair(random, swarm), every_ms: between(random, 30..=900) }
        }
        FaultKind::Hold => {
            let (a, b) = pair(random, swarm);
            Fault::Hold(a, b)
        }
        FaultKind::GatewayCrash => match random.random_range(0..4) {
            0 | 1 => Fault::Kill(Host::Gateway),
            2 => Fault::Crash(Host::Gateway),
            _ => {
                let (times, up_ms) = (random.random_range(2..=3), between(random, 5..=3_000));
                Fault::CrashLoop { host: Host::Gateway, times, up_ms }
            }
        },
        FaultKind::LostState => Fault::LostState,
        FaultKind::Blackout => {
            let kept = pick(random, &[0.0, 0.5, 1.0]);
            let loses_state = random.random_ratio(2, 3);
            // Some nodes are at work for a while before the others come back.
            let back_after = |_| match random.random() {
                true => between(random, 0..=300),
                false => between(random, 1_500..=4_000),
            };
            let back_after_ms = (0..swarm.nodes).map(back_after).collect();
            Fault::Blackout { kept, loses_state, back_after_ms }
        }
        FaultKind::SecondGateway => Fault::SecondGateway,
        FaultKind::ForkedGateway => {
            let nodes = (0..swarm.nodes).map(Host::Node);
            let mut led = nodes.filter(|_| random.random()).collect::<Vec<_>>();
            if led.is_empty() {
                led.push(host);
            }
            Fault::ForkedGateway { led }
        }
    }
}

fn node(random: &mut StdRng, swarm: &Swarm) -> Host {
    Host::Node(random.random_range(0..swarm.nodes))
}

/// A node with a copy of a user.
fn holder(random: &mut StdRng, swarm: &Swarm, user: &str) -> Host {
    let ring = Ring::new((0..swarm.nodes).map(Host::node_id).collect());
    let member = pick(random, &Member::ALL);
    match (ring, user.parse()) {
        (Ok(ring), Ok(id)) => Host::Node(ring.holder(ring.partition_of(&id), member).index()),
        _ => unreachable!("the swarm draws rings and users"),
    }
}

/// Two machines with a link between them: a node and the gateway, or a node and its next node.
fn pair(random: &mut StdRng, swarm: &Swarm) -> (Host, Host) {
    let place = random.random_range(0..swarm.nodes);
    let other = if random.random() { Host::Gateway } else { Host::Node((place + 1) % swarm.nodes) };
    (Host::Node(place), other)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::{Options, Plan};
    use super::*;

    #[test]
    fn every_kind_that_is_asked_for_comes_up_and_no_other() {
        let mut seen = BTreeSet::new();
        let options = Options::default();
        for seed in 0..1_000 {
            for planned in Plan::draw(seed, &options).faults {
                assert!(planned.fault.hosts().len() < 10);
                seen.insert(planned.fault.kind());
            }
        }
        assert_eq!(seen, options.kinds.iter().copied().collect());
    }

    #[test]
    fn one_at_a_time_means_that_no_fault_may_fail_a_read() {
        let slow_paced = (0..300)
            .map(|seed| Plan::draw(seed, &Options::default()))
            .filter(|plan| plan.swarm.pace == Pace::OneAtATime);
        for plan in slow_paced {
            assert!(plan.faults.iter().all(|planned| planned.fault.kind().spares_reads()));
        }
    }
}
