//! The steps of faults.

use super::corruption::{Corruption, Rot};
use super::fault::{DiskError, Fault};
use super::host::Host;

/// A step of a fault.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A process ends, alone or with its machine. It stays down until each `Down` was followed
    /// by an [`Up`](Self::Up).
    Down {
        /// The host of the process.
        host: Host,
        /// The way it ends.
        how: Death,
    },
    /// A process is told to stop. It is started again once it has stopped.
    Stop(Host),
    /// One reason to keep a host down is over.
    Up(Host),
    /// The clock of a machine leaps by this many milliseconds: it is about to stand still.
    Leap(Host, u64),
    /// A condition of the network or of a machine begins.
    Begin(Condition),
    /// A condition ends.
    End(Condition),
    /// A bit of a stored row flips.
    Corrupt(Host, Rot),
    /// The next disk operation of this kind fails.
    Arm(Host, DiskError),
    /// The armed disk operations do not fail any more.
    Disarm(Host),
    /// With a list, the second gateway starts, and these nodes are led to it; without one, it
    /// ends. With an empty list it has the first gateway's state directory, else a copy of it.
    SecondGateway(Option<Vec<Host>>),
}

impl Step {
    /// The machines concerned.
    pub fn hosts(&self) -> Vec<Host> {
        match self {
            Self::Down { host, .. }
            | Self::Stop(host)
            | Self::Up(host)
            | Self::Leap(host, _)
            | Self::Corrupt(host, _)
            | Self::Arm(host, _)
            | Self::Disarm(host) => vec![*host],
            Self::Begin(condition) | Self::End(condition) => condition.hosts(),
            Self::SecondGateway(_) => vec![Host::SecondGateway],
        }
    }
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Death {
    /// The process alone: its connections are closed, its writes stay.
    Killed,
    /// The machine, without a word to anyone: its writes stay.
    Vanished,
    /// The machine, without a word to anyone: a part of its unsynced writes stays.
    PowerLost {
        /// The share that stays, from 0 to 1.
        kept: f64,
    },
    /// The machine, with its data directory.
    DataLost,
}

/// A temporary condition of the network or of a machine.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// No message passes between the two.
    Cut(Host, Host),
    /// No message passes from the first to the second.
    CutOneWay(Host, Host),
    /// Messages between the two are held back.
    Held(Host, Host),
    /// Messages between the two take up to this many milliseconds.
    Slow(Host, Host, u64),
    /// The machine stands still.
    Paused(Host),
    /// The disk is full.
    Full(Host),
    /// No write, sync or save of the disk returns.
    Hung(Host),
    /// No read of the disk returns.
    HungReads(Host),
    /// The node cannot decode the requests of this user.
    Undecodable(Host, String),
    /// The machine is gone from the network.
    Gone(Host),
}

impl Condition {
    /// The machines concerned.
    pub fn hosts(&self) -> Vec<Host> {
        match self {
            Self::Cut(a, b) | Self::CutOneWay(a, b) | Self::Held(a, b) | Self::Slow(a, b, _) => {
                vec![*a, *b]
            }
            Self::Paused(host)
            | Self::Full(host)
            | Self::Hung(host)
            | Self::HungReads(host)
            | Self::Undecodable(host, _)
            | Self::Gone(host) => vec![*host],
        }
    }
}

impl Fault {
    /// The steps, each with its time since the beginning of the fault, in milliseconds.
    pub fn steps(&self, for_ms: u64) -> Vec<(u64, Step)> {
        let down = |host, how| vec![(0, Step::Down { host, how }), (for_ms, Step::Up(host))];
        let condition = |condition: Condition| {
            vec![(0, Step::Begin(condition.clone())), (for_ms, Step::End(condition))]
        };
        match self {
            Self::Kill(host) => down(*host, Death::Killed),
            Self::Stop(host) => vec![(0, Step::Stop(*host))],
            Self::Crash(host) => down(*host, Death::Vanished),
            Self::PowerLoss { host, kept } => down(*host, Death::PowerLost { kept: *kept }),
            Self::Corrupt(Corruption { host, rot, fate }) => {
                let dies = fate.is_killed().then(|| down(*host, Death::Killed));
                let rots = (0, Step::Corrupt(*host, *rot));
                [rots].into_iter().chain(dies.into_iter().flatten()).collect()
            }
            Self::LostData(host) => down(*host, Death::DataLost),
            Self::LostAlone { next, .. } => down(*next, Death::Killed),
            Self::LostState => down(Host::Gateway, Death::DataLost),
            Self::Blackout { kept, loses_state, back_after_ms } => {
                let how = Death::PowerLost { kept: *kept };
                let of_gateway = if *loses_state { Death::DataLost } else { how };
                let nodes = back_after_ms.iter().enumerate().flat_map(|(place, back_after_ms)| {
                    let host = Host::Node(place);
                    [(0, Step::Down { host, how }), (for_ms + back_after_ms, Step::Up(host))]
                });
                down(Host::Gateway, of_gateway).into_iter().chain(nodes).collect()
            }
            Self::CrashLoop { host, times, up_ms } => {
                let down_ms = (for_ms / u64::from(*times).max(1)).max(1);
                let lives = (0..u64::from(*times)).flat_map(|life| {
                    let at = life * (down_ms + up_ms);
                    [
                        (at, Step::Down { host: *host, how: Death::Killed }),
                        (at + down_ms, Step::Up(*host)),
                    ]
                });
                lives.collect()
            }
            Self::CrashInRecovery { host, kept, up_ms } => {
                let how = Death::PowerLost { kept: *kept };
                vec![
                    (0, Step::Down { host: *host, how }),
                    (for_ms, Step::Up(*host)),
                    (for_ms + up_ms, Step::Down { host: *host, how }),
                    (2 * for_ms + up_ms, Step::Up(*host)),
                ]
            }
            Self::DiskError { host, error } => {
                vec![(0, Step::Arm(*host, *error)), (for_ms, Step::Disarm(*host))]
            }
            Self::DiskFull(host) => condition(Condition::Full(*host)),
            Self::HungDisk(host) => condition(Condition::Hung(*host)),
            Self::HungReads(host) => condition(Condition::HungReads(*host)),
            Self::Undecodable { host, user } => {
                condition(Condition::Undecodable(*host, user.clone()))
            }
            Self::Pause(host) => {
                let leap = (0, Step::Leap(*host, for_ms));
                [leap].into_iter().chain(condition(Condition::Paused(*host))).collect()
            }
            Self::Slow { between: (a, b), latency_ms } => {
                condition(Condition::Slow(*a, *b, *latency_ms))
            }
            Self::Cut(a, b) => condition(Condition::Cut(*a, *b)),
            Self::CutOneWay { from, to } => condition(Condition::CutOneWay(*from, *to)),
            Self::Hold(a, b) => condition(Condition::Held(*a, *b)),
            Self::Flap { between: (a, b), every_ms } => {
                let every_ms = (*every_ms).max(1);
                let cuts = (0..for_ms / every_ms).step_by(2).flat_map(|turn| {
                    let cut = Condition::Cut(*a, *b);
                    [
                        (turn * every_ms, Step::Begin(cut.clone())),
                        ((turn + 1) * every_ms, Step::End(cut)),
                    ]
                });
                cuts.collect()
            }
            Self::SecondGateway => {
                vec![
                    (0, Step::SecondGateway(Some(Vec::new()))),
                    (for_ms, Step::SecondGateway(None)),
                ]
            }
            Self::ForkedGateway { led } => {
                vec![
                    (0, Step::SecondGateway(Some(led.clone()))),
                    (for_ms, Step::SecondGateway(None)),
                ]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crash_loop_is_down_as_often_as_it_is_up() {
        let fault = Fault::CrashLoop { host: Host::Node(1), times: 3, up_ms: 50 };
        let steps = fault.steps(300);
        let downs = steps.iter().filter(|(_, step)| matches!(step, Step::Down { .. })).count();
        assert_eq!((downs, steps.len()), (3, 6));
        assert_eq!(steps[2].0, 150, "down for 100 ms, up for 50");
    }

    #[test]
    fn whatever_begins_ends() {
        let (a, b) = (Host::Node(0), Host::Node(1));
        let flap = Fault::Flap { between: (a, b), every_ms: 100 };
        for fault in [Fault::Cut(a, b), Fault::Pause(a), Fault::DiskFull(a), flap] {
            let steps = fault.steps(1050);
            let begun = steps.iter().filter(|(_, step)| matches!(step, Step::Begin(_))).count();
            let ended = steps.iter().filter(|(_, step)| matches!(step, Step::End(_))).count();
            assert_eq!(begun, ended, "{fault:?}");
            assert!(begun > 0);
        }
    }
}
