//! Refusals: the reason for turning a peer away, in words for its operator and as a code for its
//! program.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

/// The next step of a refused peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Connect again later. Nobody has to help.
    Retry,
    /// Connect again for a while: the obstacle may be about to go. Then stop, as for an operator.
    Wait,
    /// Stop: an operator has to change something first.
    Operator,
}

/// The stable code of a refusal. Its text is the name of the variant in kebab case.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case")]
pub enum RefusalCode {
    /// The cluster secret is missing or wrong.
    Unauthorized,
    /// The peer does not identify itself in the expected form.
    Malformed,
    /// The peer speaks another version of the protocol.
    ProtocolVersion,
    /// The ring has no node with this id.
    UnknownNode,
    /// A node with this id, but with other data, is connected already. The gateway may not know
    /// yet that the older link is lost.
    AlreadyConnected,
    /// The node belongs to another cluster.
    ForeignCluster,
    /// The node was formed into a ring of other nodes or another order.
    OtherRing,
    /// The node's data differs from the data known to the ring.
    LostData,
    /// A later process started with the node's data directory: this process runs on a copy of it.
    ClonedDirectory,
    /// The dialling neighbour is not the node before this one.
    NotPredecessor,
    /// The peer connected again, and this link is the older one.
    Replaced,
    /// The process is not ready for connections.
    NotReady,
    /// The peer broke the rules of the protocol on this link.
    ProtocolError,
    /// The process is shutting down.
    ShuttingDown,
}

impl RefusalCode {
    /// All codes.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The code as text. It must never change.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// The next step of the refused peer.
    pub fn remedy(self) -> Remedy {
        match self {
            Self::Replaced | Self::NotReady | Self::ProtocolError | Self::ShuttingDown => {
                Remedy::Retry
            }
            Self::AlreadyConnected => Remedy::Wait,
            Self::Unauthorized
            | Self::Malformed
            | Self::ProtocolVersion
            | Self::UnknownNode
            | Self::ForeignCluster
            | Self::OtherRing
            | Self::LostData
            | Self::ClonedDirectory
            | Self::NotPredecessor => Remedy::Operator,
        }
    }
}

/// The reason for turning a peer away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Refusal {
    /// The code, for the program.
    pub code: RefusalCode,
    /// The fault and the remedy in words, for the operator.
    pub detail: String,
}

impl Refusal {
    /// A refusal with words for the operator.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    /// `code: detail`. It is also the `message` of a socket.io `connect_error`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

/// A `connect_error` without a refusal code of Chainring.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a refusal with a known code: {0:?}")]
pub struct UnknownRefusal(String);

impl FromStr for Refusal {
    type Err = UnknownRefusal;

    fn from_str(text: &str) -> Result<Self, UnknownRefusal> {
        let unknown = || UnknownRefusal(text.to_owned());
        let (code, detail) = text.split_once(": ").ok_or_else(unknown)?;
        Ok(Self::new(code.parse().map_err(|_| unknown())?, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_survives_its_text() {
        for code in RefusalCode::ALL {
            let refusal = Refusal::new(*code, "do this: then that");
            assert_eq!(refusal.to_string().parse(), Ok(refusal));
        }
    }

    #[test]
    fn every_code_is_in_the_documents() {
        let document = include_str!("../../../docs/protocol.md");
        for code in RefusalCode::ALL {
            let code = format!("`{}`", code.as_str());
            let is_row = |line: &str| line.starts_with("| `") && line.contains(&code);
            assert!(document.lines().any(is_row), "{code} is not in docs/protocol.md");
        }
    }

    #[test]
    fn a_text_of_someone_else_is_no_refusal() {
        assert!("Invalid namespace".parse::<Refusal>().is_err());
        assert!("what: ever".parse::<Refusal>().is_err());
    }
}
