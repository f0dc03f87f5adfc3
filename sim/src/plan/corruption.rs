//! The damage to a stored row, and the fate of its node.

use protocol::view::Member;
use serde::{Deserialize, Serialize};

use super::host::Host;

/// The damage to a stored row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedCorruption", into = "SavedCorruption")]
pub struct Corruption {
    /// The machine with the row.
    pub host: Host,
    /// The damaged row.
    pub rot: Rot,
    /// The fate of the machine's process.
    pub fate: NodeFate,
}

/// The fate of a process with a damaged row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeFate {
    /// It goes on.
    GoesOn,
    /// It is killed in the same moment, so it meets the row at its start.
    Killed,
    /// It is killed in the same moment, and once more after its copy is restored. Both wait
    /// until the home copy is ahead of the next copy; the two are cut off from each other for
    /// this.
    KilledTwice,
    /// It is left alone with the snapshot that restores its copy.
    Stranded,
    /// It is killed in the same moment, and then left alone with the snapshot.
    KilledAndStranded,
}

impl NodeFate {
    /// Whether the process is killed in the moment of the damage.
    pub fn is_killed(self) -> bool {
        match self {
            Self::Killed | Self::KilledTwice | Self::KilledAndStranded => true,
            Self::GoesOn | Self::Stranded => false,
        }
    }

    /// Whether the node that restores the copy is killed as soon as a snapshot has begun. The
    /// syncs of the damaged node hang until the killed one is back.
    pub fn is_stranded(self) -> bool {
        match self {
            Self::Stranded | Self::KilledAndStranded => true,
            Self::GoesOn | Self::Killed | Self::KilledTwice => false,
        }
    }
}

/// A stored row in which a bit flips.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rot {
    /// The copy with the row.
    pub member: Member,
    /// The kind of the row.
    pub row: Row,
    /// The position among the rows of that kind, from 0 (the first) to 1 (the last).
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
    /// The stored answer to an applied request.
    Answer,
}

/// The form in saved schedules: three switches tell the fate.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SavedCorruption {
    host: Host,
    rot: Rot,
    #[serde(default)]
    killed: bool,
    #[serde(default)]
    killed_again: bool,
    #[serde(default)]
    stranded: bool,
}

impl From<Corruption> for SavedCorruption {
    fn from(corruption: Corruption) -> Self {
        let Corruption { host, rot, fate } = corruption;
        let killed_again = fate == NodeFate::KilledTwice;
        Self { host, rot, killed: fate.is_killed(), killed_again, stranded: fate.is_stranded() }
    }
}

impl TryFrom<SavedCorruption> for Corruption {
    type Error = &'static str;

    fn try_from(saved: SavedCorruption) -> Result<Self, Self::Error> {
        let SavedCorruption { host, rot, killed, killed_again, stranded } = saved;
        let fate = match (killed, killed_again, stranded) {
            (false, false, false) => NodeFate::GoesOn,
            (true, false, false) => NodeFate::Killed,
            (true, true, false) => NodeFate::KilledTwice,
            (false, false, true) => NodeFate::Stranded,
            (true, false, true) => NodeFate::KilledAndStranded,
            (false, true, _) => return Err("a node is killed again that was not killed before"),
            (true, true, true) => return Err("a node is killed again and stranded"),
        };
        Ok(Self { host, rot, fate })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROT: Rot = Rot { member: Member::Home, row: Row::Entry, pick: 1.0 };

    #[test]
    fn every_fate_survives_being_saved() {
        for fate in [
            NodeFate::GoesOn,
            NodeFate::Killed,
            NodeFate::KilledTwice,
            NodeFate::Stranded,
            NodeFate::KilledAndStranded,
        ] {
            let corruption = Corruption { host: Host::Node(1), rot: ROT, fate };
            let json = serde_json::to_string(&corruption).unwrap();
            assert_eq!(serde_json::from_str::<Corruption>(&json).unwrap(), corruption);
        }
    }

    #[test]
    fn the_switches_of_saved_schedules_tell_the_fate() {
        let fate = |switches: &str| {
            let rot = serde_json::to_string(&ROT).unwrap();
            let json = format!(r#"{{"host": "db-1", "rot": {rot}{switches}}}"#);
            serde_json::from_str::<Corruption>(&json).map(|corruption| corruption.fate)
        };
        assert_eq!(fate("").unwrap(), NodeFate::GoesOn);
        assert_eq!(fate(r#", "killed": true"#).unwrap(), NodeFate::Killed);
        assert_eq!(
            fate(r#", "killed": true, "killed_again": true"#).unwrap(),
            NodeFate::KilledTwice
        );
        assert_eq!(fate(r#", "stranded": true"#).unwrap(), NodeFate::Stranded);
        assert!(fate(r#", "killed_again": true"#).is_err());
        assert!(fate(r#", "killed": true, "killed_again": true, "stranded": true"#).is_err());
        assert!(fate(r#", "unknown": true"#).is_err());
    }
}
