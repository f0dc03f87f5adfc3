//! Refusals: why a peer is turned away, in words for its operator and a code for its program.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Defines the codes with the text by which each is known on the wire.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $remedy:ident;)*) => {
        /// The stable code of a refusal.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum RefusalCode {
            $($(#[$doc])* $name,)*
        }

        impl RefusalCode {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The code as text, never to be changed.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the one who was refused can do.
            pub fn remedy(self) -> Remedy {
                match self { $(Self::$name => Remedy::$remedy,)* }
            }
        }
    };
}

/// What the one who was refused can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Connect again later, without anyone's help.
    Retry,
    /// Connect again for a while: what is in the way may be about to go. Then stop, as for an operator.
    Wait,
    /// Stop: an operator has to change something first.
    Operator,
}

codes! {
    /// The cluster secret is missing or wrong.
    Unauthorized = "unauthorized", Operator;
    /// The peer does not say who it is in the way that is expected here.
    Malformed = "malformed", Operator;
    /// The peer speaks another version of the protocol.
    ProtocolVersion = "protocol-version", Operator;
    /// The ring has no node of that id.
    UnknownNode = "unknown-node", Operator;
    /// A node of that id is connected already, with other data. That link may be one that is not known to be lost yet.
    AlreadyConnected = "already-connected", Wait;
    /// The node belongs to another cluster.
    ForeignCluster = "foreign-cluster", Operator;
    /// The node was formed into a ring of other nodes or another order.
    OtherRing = "other-ring", Operator;
    /// The node's data is not the data that the ring knows it by.
    LostData = "lost-data", Operator;
    /// The node's data directory was started by a later process: this one runs on a copy.
    ClonedDirectory = "cloned-directory", Operator;
    /// The neighbour that dials is not the node before this one.
    NotPredecessor = "not-predecessor", Operator;
    /// The peer connected again, and this link is the older one.
    Replaced = "replaced", Retry;
    /// The process is not ready to be connected to.
    NotReady = "not-ready", Retry;
    /// The peer broke the rules of the protocol on this link.
    ProtocolError = "protocol-error", Retry;
    /// The process is shutting down.
    ShuttingDown = "shutting-down", Retry;
}

/// Why a peer is turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub struct Refusal {
    /// For the program.
    pub code: RefusalCode,
    /// For the operator: what is wrong, and what to do.
    pub detail: String,
}

impl Refusal {
    /// A refusal with words for the operator.
    pub fn new(code: RefusalCode, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

impl fmt::Display for Refusal {
    /// `code: detail`, which is also the `message` of a socket.io `connect_error`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.detail)
    }
}

/// A `connect_error` that is not a refusal of ours.
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
