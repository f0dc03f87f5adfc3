//! The faults, and the steps that each is made of.

use serde::{Deserialize, Serialize};

use super::host::Host;

/// A fault, when it begins and how long it lasts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When it begins, in milliseconds; later where the pace makes it wait.
    pub at_ms: u64,
    /// How long it lasts, in milliseconds.
    pub for_ms: u64,
    /// What goes wrong.
    pub fault: Fault,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// A process is killed: its connections are closed, what it wrote is found again.
    Kill(Host),
    /// A process is told to stop, as for an update of its program.
    Stop(Host),
    /// A machine is gone without a word; what it wrote is found again.
    Crash(Host),
    /// A machine loses power: the first writes since the last sync stay, the rest vanishes.
    PowerLoss {
        /// Which.
        host: Host,
        /// How much of what was not synced stays, from 0 (nothing) to 1.
        kept: f64,
    },
    /// A process dies again and again, soon after each start.
    CrashLoop {
        /// Which.
        host: Host,
        /// How often.
        times: u32,
        /// How long it lives each time, in milliseconds.
        up_ms: u64,
    },
    /// A machine loses power, and once more while it recovers.
    CrashInRecovery {
        /// Which.
        host: Host,
        /// How much of what was not synced stays each time.
        kept: f64,
        /// How long after its start the second time, in milliseconds.
        up_ms: u64,
    },
    /// A write or a sync of the disk fails once: the process ends, and is started again.
    DiskError {
        /// Whose.
        host: Host,
        /// What fails.
        error: DiskError,
    },
    /// The disk is full: the process ends whenever it writes.
    DiskFull(Host),
    /// The node comes back with an empty data directory.
    LostData(Host),
    /// The gateway comes back without its state file.
    LostState,
    /// A machine stands still.
    Pause(Host),
    /// Messages between two machines take longer.
    Slow {
        /// The two.
        between: (Host, Host),
        /// How long a message takes at most, in milliseconds.
        latency_ms: u64,
    },
    /// No message gets from one machine to the other, nor back.
    Cut(Host, Host),
    /// No message gets from the first to the second; back they do.
    CutOneWay {
        /// Who is not heard.
        from: Host,
        /// Who does not hear.
        to: Host,
    },
    /// A cut that comes and goes.
    Flap {
        /// The two.
        between: (Host, Host),
        /// How long it is cut, and then not, in milliseconds.
        every_ms: u64,
    },
    /// Messages are held back, and all delivered at the end.
    Hold(Host, Host),
    /// A second gateway is started on the state directory of the first.
    SecondGateway,
    /// A second gateway is started on a copy of the state directory, and some nodes are led to it.
    ForkedGateway {
        /// The nodes that find the second one.
        led: Vec<Host>,
    },
}

/// What fails of a disk, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskError {
    /// A write, which leaves nothing behind.
    WriteLost,
    /// A write, which is found after the restart all the same.
    WriteFound,
    /// A sync.
    Sync,
}

/// The kinds of fault, for a swarm to choose from.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// [`Fault::Kill`] of a node.
    Kill,
    /// [`Fault::Stop`].
    Stop,
    /// [`Fault::Crash`] of a node.
    Crash,
    /// [`Fault::PowerLoss`] of a node that keeps nothing that was not synced.
    PowerLoss,
    /// [`Fault::PowerLoss`] of a node that keeps some of it.
    TornWrite,
    /// [`Fault::CrashLoop`] of a node.
    CrashLoop,
    /// [`Fault::CrashInRecovery`] of a node.
    CrashInRecovery,
    /// [`Fault::DiskError`].
    DiskError,
    /// [`Fault::DiskFull`].
    DiskFull,
    /// [`Fault::LostData`].
    LostData,
    /// [`Fault::Pause`].
    Pause,
    /// [`Fault::Slow`].
    Slow,
    /// [`Fault::Cut`].
    Cut,
    /// [`Fault::CutOneWay`].
    CutOneWay,
    /// [`Fault::Flap`].
    Flap,
    /// [`Fault::Hold`].
    Hold,
    /// The gateway is killed, crashes or loses power.
    GatewayCrash,
    /// [`Fault::LostState`].
    LostState,
    /// [`Fault::SecondGateway`].
    SecondGateway,
    /// [`Fault::ForkedGateway`].
    ForkedGateway,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 20] = [
        Self::Kill,
        Self::Stop,
        Self::Crash,
        Self::PowerLoss,
        Self::TornWrite,
        Self::CrashLoop,
        Self::CrashInRecovery,
        Self::DiskError,
        Self::DiskFull,
        Self::LostData,
        Self::Pause,
        Self::Slow,
        Self::Cut,
        Self::CutOneWay,
        Self::Flap,
        Self::Hold,
        Self::GatewayCrash,
        Self::LostState,
        Self::SecondGateway,
        Self::ForkedGateway,
    ];

    /// The kinds that a sweep draws from: what today's code promises to survive, and a forked gateway, of which it
    /// promises that it is noticed.
    pub fn promised() -> Vec<Self> {
        // Restoring what was lost is not built yet: a node without its data is turned away, and so is a gateway
        // without its state file.
        let missing = [Self::LostData, Self::LostState];
        Self::ALL.into_iter().filter(|kind| !missing.contains(kind)).collect()
    }

    /// Whether clients may be told what is not so: two gateways at work are outside of what the design promises.
    pub fn is_beyond_promises(self) -> bool {
        self == Self::ForkedGateway
    }

    /// Whether it strikes one node and leaves its neighbours a way to serve, so that no read fails.
    pub fn spares_reads(self) -> bool {
        match self {
            Self::Kill
            | Self::Stop
            | Self::Crash
            | Self::PowerLoss
            | Self::TornWrite
            | Self::CrashLoop
            | Self::CrashInRecovery
            | Self::DiskError
            | Self::DiskFull
            | Self::Pause
            | Self::Cut
            | Self::Flap
            | Self::Hold
            | Self::Slow
            | Self::CutOneWay
            | Self::SecondGateway => true,
            Self::LostData | Self::GatewayCrash | Self::LostState | Self::ForkedGateway => false,
        }
    }

    /// As it is written in the schedule and on the command line.
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_else(|| format!("{self:?}"))
    }
}

impl Fault {
    /// Its kind.
    pub fn kind(&self) -> FaultKind {
        match self {
            Self::Kill(Host::Gateway)
            | Self::Crash(Host::Gateway)
            | Self::PowerLoss { host: Host::Gateway, .. }
            | Self::CrashLoop { host: Host::Gateway, .. }
            | Self::CrashInRecovery { host: Host::Gateway, .. } => FaultKind::GatewayCrash,
            Self::Kill(_) => FaultKind::Kill,
            Self::Stop(_) => FaultKind::Stop,
            Self::Crash(_) => FaultKind::Crash,
            Self::PowerLoss { kept, .. } if *kept > 0.0 => FaultKind::TornWrite,
            Self::PowerLoss { .. } => FaultKind::PowerLoss,
            Self::CrashLoop { .. } => FaultKind::CrashLoop,
            Self::CrashInRecovery { .. } => FaultKind::CrashInRecovery,
            Self::DiskError { .. } => FaultKind::DiskError,
            Self::DiskFull(_) => FaultKind::DiskFull,
            Self::LostData(_) => FaultKind::LostData,
            Self::LostState => FaultKind::LostState,
            Self::Pause(_) => FaultKind::Pause,
            Self::Slow { .. } => FaultKind::Slow,
            Self::Cut(..) => FaultKind::Cut,
            Self::CutOneWay { .. } => FaultKind::CutOneWay,
            Self::Flap { .. } => FaultKind::Flap,
            Self::Hold(..) => FaultKind::Hold,
            Self::SecondGateway => FaultKind::SecondGateway,
            Self::ForkedGateway { .. } => FaultKind::ForkedGateway,
        }
    }

    /// The machines concerned.
    pub fn hosts(&self) -> Vec<Host> {
        match self {
            Self::Kill(host)
            | Self::Stop(host)
            | Self::Crash(host)
            | Self::PowerLoss { host, .. }
            | Self::CrashLoop { host, .. }
            | Self::CrashInRecovery { host, .. }
            | Self::DiskError { host, .. }
            | Self::DiskFull(host)
            | Self::LostData(host)
            | Self::Pause(host) => vec![*host],
            Self::Slow { between: (a, b), .. }
            | Self::Cut(a, b)
            | Self::CutOneWay { from: a, to: b }
            | Self::Flap { between: (a, b), .. }
            | Self::Hold(a, b) => vec![*a, *b],
            Self::LostState => vec![Host::Gateway],
            Self::SecondGateway => vec![Host::Gateway, Host::SecondGateway],
            Self::ForkedGateway { led } => [Host::Gateway, Host::SecondGateway]
                .into_iter()
                .chain(led.iter().copied())
                .collect(),
        }
    }

    /// The steps, by the time since the fault began, in milliseconds.
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
            Self::LostData(host) => down(*host, Death::DataLost),
            Self::LostState => down(Host::Gateway, Death::DataLost),
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
            Self::Pause(host) => condition(Condition::Paused(*host)),
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

/// What faults are made of.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// A process ends, or its machine does; it stays down until each `Down` was followed by an [`Up`](Self::Up).
    Down {
        /// Which.
        host: Host,
        /// What is left of it.
        how: Death,
    },
    /// A process is told to stop; it is started again when it has.
    Stop(Host),
    /// What kept a host down is over.
    Up(Host),
    /// Something about the network or a machine is the matter from now on.
    Begin(Condition),
    /// It is over.
    End(Condition),
    /// The next operation of a disk fails.
    Arm(Host, DiskError),
    /// If it has not, it does not.
    Disarm(Host),
    /// The second gateway starts, and these nodes are led to it, or ends. Without nodes it has the first one's state
    /// directory, else a copy.
    SecondGateway(Option<Vec<Host>>),
}

/// How a process ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Death {
    /// The process alone: its connections are closed, its writes are there.
    Killed,
    /// The machine: nobody is told, its writes are there.
    Vanished,
    /// The machine: nobody is told, and of its unsynced writes this part is there.
    PowerLost {
        /// From 0 to 1.
        kept: f64,
    },
    /// The machine, and its data directory.
    DataLost,
}

/// What can be the matter with the network or a machine, for a while.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// No message gets through.
    Cut(Host, Host),
    /// No message gets from the first to the second.
    CutOneWay(Host, Host),
    /// Messages are held back.
    Held(Host, Host),
    /// Messages take up to this many milliseconds.
    Slow(Host, Host, u64),
    /// The machine stands still.
    Paused(Host),
    /// The disk is full.
    Full(Host),
    /// The machine is gone from the network.
    Gone(Host),
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

    #[test]
    fn kinds_have_the_names_of_the_command_line() {
        use clap::ValueEnum;
        for kind in FaultKind::ALL {
            let name = kind.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name, Some(kind.name()));
        }
    }
}
