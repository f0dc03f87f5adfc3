//! The id of a user.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The longest id, in characters.
pub const USER_ID_LENGTH_MAX: usize = 128;

/// Names a user: 1 to [`USER_ID_LENGTH_MAX`] of the unreserved characters of
/// [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986#section-2.3), never escaped in a URL.
///
/// A client cannot use `.` and `..` ([`from_client`](Self::from_client)). They can still be
/// decoded, because earlier releases stored such users.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

/// A text of a form not allowed for the id of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to {USER_ID_LENGTH_MAX} characters of A-Z a-z 0-9 - . _ ~, and not . or ..")]
pub struct InvalidUserId;

impl UserId {
    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id in a client's request. A URL must be able to address the user, so `.` and `..` are
    /// refused: clients remove these segments from a path
    /// ([RFC 3986, section 5.2.4](https://www.rfc-editor.org/rfc/rfc3986#section-5.2.4)).
    ///
    /// # Errors
    ///
    /// When the text is not an id, or no URL can address it.
    pub fn from_client(text: &str) -> Result<Self, InvalidUserId> {
        if matches!(text, "." | "..") { Err(InvalidUserId) } else { text.parse() }
    }

    fn check(text: &str) -> Result<(), InvalidUserId> {
        let allowed =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
        if (1..=USER_ID_LENGTH_MAX).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(())
        } else {
            Err(InvalidUserId)
        }
    }
}

impl TryFrom<String> for UserId {
    type Error = InvalidUserId;

    fn try_from(text: String) -> Result<Self, InvalidUserId> {
        Self::check(&text).map(|()| Self(text))
    }
}

impl FromStr for UserId {
    type Err = InvalidUserId;

    fn from_str(text: &str) -> Result<Self, InvalidUserId> {
        Self::check(text).map(|()| Self(text.to_owned()))
    }
}

impl From<UserId> for String {
    fn from(id: UserId) -> Self {
        id.0
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unreserved_character_is_allowed_and_no_other() {
        for code in 0..=0x2ff_u32 {
            let Some(character) = char::from_u32(code) else { continue };
            let unreserved = character.is_ascii_alphanumeric() || "-._~".contains(character);
            assert_eq!(
                character.to_string().parse::<UserId>().is_ok(),
                unreserved,
                "{character:?}"
            );
        }
    }

    #[test]
    fn an_id_that_no_url_can_address_is_refused_from_clients_and_still_decoded() {
        for text in [".", ".."] {
            assert_eq!(UserId::from_client(text), Err(InvalidUserId));
            let json = format!("{text:?}");
            assert_eq!(serde_json::from_str::<UserId>(&json).unwrap().as_str(), text);
            let bytes = postcard::to_allocvec(text).unwrap();
            assert_eq!(postcard::from_bytes::<UserId>(&bytes).unwrap().as_str(), text);
        }
        for text in ["...", ".a", "a.", "..a", "a..", ".-", "~.", "-"] {
            assert_eq!(UserId::from_client(text).unwrap().as_str(), text);
        }
        for text in ["", "a b", "a/b", "./", "ä", &"x".repeat(USER_ID_LENGTH_MAX + 1)] {
            assert_eq!(UserId::from_client(text), Err(InvalidUserId), "{text}");
        }
    }

    #[test]
    fn an_id_is_neither_empty_nor_too_long() {
        assert!("".parse::<UserId>().is_err());
        assert!("x".repeat(USER_ID_LENGTH_MAX).parse::<UserId>().is_ok());
        assert!("x".repeat(USER_ID_LENGTH_MAX + 1).parse::<UserId>().is_err());
    }
}
