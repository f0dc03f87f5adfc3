//! A failure, as a client reads it.

use protocol::problem::TYPE_PREFIX;
use protocol::user::UserId;
use serde::Deserialize;

/// The body of a failure (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Problem {
    /// The stable type: a [prefix](TYPE_PREFIX) and a code.
    #[serde(rename = "type")]
    pub kind: String,
    /// The type in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened, and what to do.
    #[serde(default)]
    pub detail: String,
    /// The id of the user whose creation has an unknown outcome.
    #[serde(default)]
    pub id: Option<UserId>,
}

impl Problem {
    /// The code at the end of the type; none where the type is not one of Chainring's.
    pub fn code(&self) -> Option<&str> {
        self.kind.strip_prefix(TYPE_PREFIX)
    }
}
