//! Refusals: the reason for turning a peer away, in words for its operator and as a code for its
//! program.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Defines the codes, each with its text on the wire and its remedy.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $remedy:ident;)*) => {
        /// The stable code of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCode {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text. It must never change.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The next step of the refused peer.
            pub fn remedy(self) -> Remedy {
                match self { $(Self::$name => Remedy::$remedy,)* }
            }
        }
    };
}

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

codes! {
    /// The cluster secret is missing or wrong.
    Unauthorized = "unauthorized", Operator;
    /// The peer does not identify itself in the expected form.
    Malformed = "malformed", Operator;
    /// The peer speaks another version of the protocol.
    ProtocolVersion = "protocol-version", Operator;
    /// The ring has no node with this id.
    UnknownNode = "unknown-node", Operator;
    /// A node with this id, but with other data, is connected already. The gateway may not know
    /// yet that the older link is lost.
    AlreadyConnected = "already-connected", Wait;
    /// The node belongs to another cluster.
    ForeignCluster = "foreign-cluster", Operator;
    /// The node was formed into a ring of other nodes or another order.
    OtherRing = "other-ring", Operator;
    /// The node's data differs from the data known to the ring.
    LostData = "lost-data", Operator;
    /// A later process started with the node's data directory: this process runs on a copy of it.
    ClonedDirectory = "cloned-directory", Operator;
    /// The dialling neighbour is not the node before this one.
    NotPredecessor = "not-predecessor", Operator;
    /// The peer connected again, and this link is the older one.
    Replaced = "replaced", Retry;
    /// The process is not ready for connections.
    NotReady = "not-ready", Retry;
    /// The peer broke the rules of the protocol on this link.
    ProtocolError = "protocol-error", Retry;
    /// The process is shutting down.
    ShuttingDown = "shutting-down", Retry;
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
        let code =
            RefusalCode::ALL.iter().find(|known| known.as_str() == code).ok_or_else(unknown)?;
        Ok(Self::new(*code, detail))
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
    fn a_text_of_someone_else_is_no_refusal() {
        assert!("Invalid namespace".parse::<Refusal>().is_err());
        assert!("what: ever".parse::<Refusal>().is_err());
    }
}
