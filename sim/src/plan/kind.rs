//! The kinds of fault, for a swarm to choose from.

use serde::{Deserialize, Serialize};

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
    /// A node's process is killed: `Fault::Kill`.
    Kill,
    /// A process is told to stop: `Fault::Stop`.
    Stop,
    /// A node's machine vanishes: `Fault::Crash`.
    Crash,
    /// A node loses power, and no unsynced write stays: `Fault::PowerLoss`.
    PowerLoss,
    /// A node loses power, and a part of its unsynced writes stays: `Fault::PowerLoss`.
    TornWrite,
    /// A node's process dies again and again: `Fault::CrashLoop`.
    CrashLoop,
    /// A node loses power, and once more while it recovers: `Fault::CrashInRecovery`.
    CrashInRecovery,
    /// A disk operation fails once: `Fault::DiskError`.
    DiskError,
    /// A disk is full: `Fault::DiskFull`.
    DiskFull,
    /// A stored row is damaged: `Fault::Corrupt`.
    Corrupt,
    /// A node loses its data: `Fault::LostData` or `Fault::LostAlone`.
    LostData,
    /// A machine stands still: `Fault::Pause`.
    Pause,
    /// Messages between two machines take longer: `Fault::Slow`.
    Slow,
    /// No message passes between two machines: `Fault::Cut`.
    Cut,
    /// No message passes from one machine to another: `Fault::CutOneWay`.
    CutOneWay,
    /// The clients are cut off from the gateway: `Fault::Cut`.
    ClientCut,
    /// A cut comes and goes: `Fault::Flap`.
    Flap,
    /// Messages between two machines are held back: `Fault::Hold`.
    Hold,
    /// The gateway is killed, crashes, loses power or dies in a loop.
    GatewayCrash,
    /// The gateway loses its state file: `Fault::LostState`.
    LostState,
    /// Every machine loses power: `Fault::Blackout`.
    Blackout,
    /// A second gateway starts on the same state directory: `Fault::SecondGateway`.
    SecondGateway,
    /// A second gateway starts on a copy of the state directory: `Fault::ForkedGateway`.
    ForkedGateway,
    /// No write and no sync of a disk returns: `Fault::HungDisk`.
    HungDisk,
    /// No read of a disk returns: `Fault::HungReads`.
    HungReads,
    /// A node cannot decode the requests of a user: `Fault::Undecodable`.
    Undecodable,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 26] = [
        Self::Kill,
        Self::Stop,
        Self::Crash,
        Self::PowerLoss,
        Self::TornWrite,
        Self::CrashLoop,
        Self::CrashInRecovery,
        Self::DiskError,
        Self::DiskFull,
        Self::Corrupt,
        Self::LostData,
        Self::Pause,
        Self::Slow,
        Self::Cut,
        Self::CutOneWay,
        Self::ClientCut,
        Self::Flap,
        Self::Hold,
        Self::GatewayCrash,
        Self::LostState,
        Self::Blackout,
        Self::SecondGateway,
        Self::ForkedGateway,
        Self::HungDisk,
        Self::Undecodable,
        Self::HungReads,
    ];

    /// Whether clients may get wrong answers: two gateways at work are beyond the promises of
    /// the design.
    pub fn is_beyond_promises(self) -> bool {
        self == Self::ForkedGateway
    }

    /// Whether it strikes one node and leaves its neighbours able to serve, so that no read
    /// fails.
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
            | Self::Corrupt
            | Self::LostData
            | Self::SecondGateway
            | Self::HungDisk => true,
            Self::ClientCut
            | Self::GatewayCrash
            | Self::LostState
            | Self::Blackout
            | Self::ForkedGateway
            | Self::HungReads
            | Self::Undecodable => false,
        }
    }

    /// The name in the schedule and on the command line.
    pub fn name(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|name| name.as_str().map(str::to_owned))
            .unwrap_or_else(|| format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_the_names_of_the_command_line() {
        use clap::ValueEnum;
        for kind in FaultKind::ALL {
            let name = kind.to_possible_value().map(|value| value.get_name().to_owned());
            assert_eq!(name, Some(kind.name()));
        }
    }
}
