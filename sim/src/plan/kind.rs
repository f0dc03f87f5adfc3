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
    /// `Fault::Kill` of a node.
    Kill,
    /// `Fault::Stop`.
    Stop,
    /// `Fault::Crash` of a node.
    Crash,
    /// `Fault::PowerLoss` of a node that keeps nothing that was not synced.
    PowerLoss,
    /// `Fault::PowerLoss` of a node that keeps some of it.
    TornWrite,
    /// `Fault::CrashLoop` of a node.
    CrashLoop,
    /// `Fault::CrashInRecovery` of a node.
    CrashInRecovery,
    /// `Fault::DiskError`.
    DiskError,
    /// `Fault::DiskFull`.
    DiskFull,
    /// `Fault::Corrupt`.
    Corrupt,
    /// `Fault::LostData` or `Fault::LostAlone`.
    LostData,
    /// `Fault::Pause`.
    Pause,
    /// `Fault::Slow`.
    Slow,
    /// `Fault::Cut`.
    Cut,
    /// `Fault::CutOneWay`.
    CutOneWay,
    /// `Fault::Cut` of the clients from the gateway.
    ClientCut,
    /// `Fault::Flap`.
    Flap,
    /// `Fault::Hold`.
    Hold,
    /// The gateway is killed, crashes, loses power or dies in a loop.
    GatewayCrash,
    /// `Fault::LostState`.
    LostState,
    /// `Fault::Blackout`.
    Blackout,
    /// `Fault::SecondGateway`.
    SecondGateway,
    /// `Fault::ForkedGateway`.
    ForkedGateway,
    /// `Fault::HungDisk`.
    HungDisk,
    /// `Fault::Undecodable`.
    Undecodable,
}

impl FaultKind {
    /// Every kind.
    pub const ALL: [Self; 25] = [
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
