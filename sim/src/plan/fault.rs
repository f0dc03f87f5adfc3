//! The faults.

use protocol::view::Member;
use serde::{Deserialize, Serialize};

use super::host::Host;
use super::kind::FaultKind;

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
    /// A write, a sync or a read of the disk fails once: the process ends, and is started again.
    DiskError {
        /// Whose.
        host: Host,
        /// What fails.
        error: DiskError,
    },
    /// The disk is full: the process ends whenever it writes.
    DiskFull(Host),
    /// No sync of the disk returns.
    HungDisk(Host),
    /// A node cannot decode the requests of a user.
    Undecodable {
        /// The node.
        host: Host,
        /// The user.
        user: String,
    },
    /// A stored row is not what was written any more.
    Corrupt {
        /// Whose.
        host: Host,
        /// Which.
        rot: Rot,
        /// Whether the process is killed in the same moment, so that it meets the row at its start.
        #[serde(default)]
        killed: bool,
        /// Whether it is killed while it is ahead of the next copy, which it is cut off from for that, and once more when it
        /// was restored.
        #[serde(default)]
        killed_again: bool,
        /// Whether the node that restores it is killed as soon as a snapshot has begun, and its own syncs hang until that one
        /// is back.
        #[serde(default)]
        stranded: bool,
    },
    /// The node comes back with an empty data directory.
    LostData(Host),
    /// The next of a node's home copy is killed, and the node comes back with an empty data directory: it dies when its home copy
    /// is to go on alone, and has not heard so.
    LostAlone {
        /// Whose data is lost.
        host: Host,
        /// Who is killed.
        next: Host,
    },
    /// The gateway comes back without its state file.
    LostState,
    /// Every machine loses power, and comes back in its own time. It waits a while for a moment when a donor has not stored yet
    /// that its ask is granted, and has entries that the joiner, which knows, does not have; messages to and from a donor whose
    /// ask is granted are held back for that.
    Blackout {
        /// How much of what was not synced stays, on each node.
        kept: f64,
        /// Whether the gateway comes back without its state file.
        loses_state: bool,
        /// How long after the gateway each node comes back, in milliseconds.
        back_after_ms: Vec<u64>,
    },
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

/// A stored row of which a bit turns.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rot {
    /// Of which copy.
    pub member: Member,
    /// Of which kind.
    pub row: Row,
    /// Which of them, from 0 (the first) to 1 (the last).
    pub pick: f64,
}

/// A kind of stored row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Row {
    /// A user's record.
    Record,
    /// A log entry.
    Entry,
    /// The answer to a request that was applied.
    Answer,
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
            Self::Undecodable { .. } => FaultKind::Undecodable,
            Self::Corrupt { .. } => FaultKind::Corrupt,
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
            | Self::Undecodable { host, .. }
            | Self::Corrupt { host, .. }
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
