//! The faults.

use serde::{Deserialize, Serialize};

use super::corruption::Corruption;
use super::host::Host;
use super::kind::FaultKind;

/// A fault, with its beginning and its duration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// The planned beginning, in milliseconds; the pace may delay it.
    pub at_ms: u64,
    /// The duration, in milliseconds.
    pub for_ms: u64,
    /// The fault.
    pub fault: Fault,
}

/// A fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Fault {
    /// A process is killed: its connections are closed, its writes are found again.
    Kill(Host),
    /// A process is told to stop, as for an update of its program.
    Stop(Host),
    /// A machine vanishes without a word. Its writes are found again.
    Crash(Host),
    /// A machine loses power. The first writes since the last sync stay, the rest vanishes.
    PowerLoss {
        /// The machine.
        host: Host,
        /// The share of unsynced writes that stays, from 0 (nothing) to 1.
        kept: f64,
    },
    /// A process dies again and again, soon after each start.
    CrashLoop {
        /// The host of the process.
        host: Host,
        /// The number of deaths.
        times: u32,
        /// The time from each start to the next death, in milliseconds.
        up_ms: u64,
    },
    /// A machine loses power, and once more while it recovers.
    CrashInRecovery {
        /// The machine.
        host: Host,
        /// The share of unsynced writes that stays each time, from 0 (nothing) to 1.
        kept: f64,
        /// The time from its start to the second power loss, in milliseconds.
        up_ms: u64,
    },
    /// A write, a sync or a read of the disk fails once. The process ends, and is started
    /// again.
    DiskError {
        /// The machine with the disk.
        host: Host,
        /// The failing operation.
        error: DiskError,
    },
    /// The disk is full: the process ends whenever it writes.
    DiskFull(Host),
    /// No write and no sync of the disk returns; of a gateway's disk, no save.
    HungDisk(Host),
    /// No read of the disk returns.
    HungReads(Host),
    /// A node cannot decode the requests of a user.
    Undecodable {
        /// The node with the broken decoder.
        host: Host,
        /// The user named in the requests.
        user: String,
    },
    /// A stored row is damaged.
    Corrupt(Corruption),
    /// The node comes back with an empty data directory.
    LostData(Host),
    /// The next node of a node's home copy is killed, and the node comes back with an empty
    /// data directory. It dies when its home copy is to go on alone, before it hears so.
    LostAlone {
        /// The node with the lost data.
        host: Host,
        /// The killed next node.
        next: Host,
    },
    /// The gateway comes back without its state file.
    LostState,
    /// Every machine loses power, and comes back after its own delay. The fault waits a while
    /// for this moment: a donor has not stored yet that its ask is granted, the joiner has, and
    /// the donor has entries that the joiner lacks. To bring the moment about, messages to and
    /// from a donor with a granted ask are held back.
    Blackout {
        /// The share of unsynced writes that stays on each node, from 0 (nothing) to 1.
        kept: f64,
        /// Whether the gateway comes back without its state file.
        loses_state: bool,
        /// For each node, the time between the return of the gateway and its own, in
        /// milliseconds.
        back_after_ms: Vec<u64>,
    },
    /// A machine stands still.
    Pause(Host),
    /// Messages between two machines take longer.
    Slow {
        /// The two machines.
        between: (Host, Host),
        /// The longest latency of a message, in milliseconds.
        latency_ms: u64,
    },
    /// No message passes between two machines, in either direction.
    Cut(Host, Host),
    /// No message passes from the first machine to the second. Messages back do.
    CutOneWay {
        /// The unheard machine.
        from: Host,
        /// The machine at the receiving end.
        to: Host,
    },
    /// A cut that comes and goes.
    Flap {
        /// The two machines.
        between: (Host, Host),
        /// How long the link is cut, and then open, in milliseconds.
        every_ms: u64,
    },
    /// Messages between two machines are held back, and all delivered at the end.
    Hold(Host, Host),
    /// A second gateway is started on the state directory of the first.
    SecondGateway,
    /// A second gateway is started on a copy of the state directory, and some nodes are led to
    /// it.
    ForkedGateway {
        /// The nodes led to the second gateway.
        led: Vec<Host>,
    },
}

/// A disk operation that fails once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DiskError {
    /// A write that leaves nothing behind.
    WriteLost,
    /// A write that is still found after the restart.
    WriteFound,
    /// A sync.
    Sync,
    /// A read.
    Read,
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
            Self::HungDisk(_) => FaultKind::HungDisk,
            Self::HungReads(_) => FaultKind::HungReads,
            Self::Undecodable { .. } => FaultKind::Undecodable,
            Self::Corrupt(_) => FaultKind::Corrupt,
            Self::LostData(_) | Self::LostAlone { .. } => FaultKind::LostData,
            Self::LostState => FaultKind::LostState,
            Self::Blackout { .. } => FaultKind::Blackout,
            Self::Pause(_) => FaultKind::Pause,
            Self::Slow { .. } => FaultKind::Slow,
            Self::Cut(Host::Clients, _) => FaultKind::ClientCut,
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
            | Self::HungDisk(host)
            | Self::HungReads(host)
            | Self::Undecodable { host, .. }
            | Self::Corrupt(Corruption { host, .. })
            | Self::LostData(host)
            | Self::Pause(host) => vec![*host],
            Self::Slow { between: (a, b), .. }
            | Self::Cut(a, b)
            | Self::CutOneWay { from: a, to: b }
            | Self::Flap { between: (a, b), .. }
            | Self::LostAlone { host: a, next: b }
            | Self::Hold(a, b) => vec![*a, *b],
            Self::LostState => vec![Host::Gateway],
            Self::Blackout { back_after_ms, .. } => {
                (0..back_after_ms.len()).map(Host::Node).chain([Host::Gateway]).collect()
            }
            Self::SecondGateway => vec![Host::Gateway, Host::SecondGateway],
            Self::ForkedGateway { led } => [Host::Gateway, Host::SecondGateway]
                .into_iter()
                .chain(led.iter().copied())
                .collect(),
        }
    }
}
