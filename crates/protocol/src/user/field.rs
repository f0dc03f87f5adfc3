//! The record's fields with rules of their own.

use std::fmt;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};

use super::email::is_mailbox;

/// The longest name, in characters (Unicode scalar values).
pub const NAME_LENGTH_MAX: usize = 256;

/// The longest address, in bytes. It fits the path of
/// [RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3).
pub const EMAIL_LENGTH_MAX: usize = 254;

/// The fault of a field's value, as a phrase to follow the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidField(pub(crate) &'static str);

/// Defines a text with two rules: one for clients, checked by `TryFrom<String>`, and one for
/// links and disks, checked by `Deserialize`. The second rule accepts every text accepted by the
/// first rule of any release.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $stored_check:expr, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize)]
        #[serde(into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidField;

            fn try_from(text: String) -> Result<Self, InvalidField> {
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(InvalidField($rule)) }
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                let check: fn(&str) -> bool = $stored_check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(D::Error::custom(InvalidField($rule)))
                }
            }
        }

        impl From<$name> for String {
            fn from(checked: $name) -> Self {
                checked.0
            }
        }

        impl fmt::Debug for $name {
            /// Shows the length only: nothing of a user's record belongs in logs.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
    };
}

checked_text! {
    /// The name of a user: 1 to [`NAME_LENGTH_MAX`] characters.
    Name,
    is_name,
    is_name,
    "must be 1 to 256 characters"
}

checked_text! {
    /// The address of a user's mail: a mailbox of
    /// [RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2) of at most
    /// [`EMAIL_LENGTH_MAX`] bytes. It may be an internationalised one
    /// ([RFC 6531](https://www.rfc-editor.org/rfc/rfc6531#section-3.3)).
    Email,
    |text| text.len() <= EMAIL_LENGTH_MAX && is_mailbox(text),
    is_stored_email,
    "must be an email address of at most 254 bytes, 64 of them before the @, for example \
     ada@example.org"
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().nth(NAME_LENGTH_MAX).is_none()
}

/// The rule for stored addresses is loose. Another release may have had a stricter or looser
/// rule for clients, and a record that cannot be decoded counts as damaged.
fn is_stored_email(text: &str) -> bool {
    let parts = text.rsplit_once('@');
    text.len() <= EMAIL_LENGTH_MAX
        && parts.is_some_and(|(local_part, host)| !local_part.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_counts_characters_not_bytes() {
        let valid = |text: String| Name::try_from(text).is_ok();
        assert!(!valid(String::new()));
        assert!(valid("ü".repeat(NAME_LENGTH_MAX)));
        assert!(!valid("ü".repeat(NAME_LENGTH_MAX + 1)));
    }

    #[test]
    fn an_email_is_an_address_and_nothing_else() {
        let valid = |text: &str| Email::try_from(text.to_owned()).is_ok();
        for good in ["a@b.c", "ada.lovelace+x@example.org", "o'hara@example.co.uk", "ü@例え.jp"]
        {
            assert!(valid(good), "{good}");
        }
        let long = format!("{}@{}.org", "a".repeat(64), "b".repeat(200));
        for bad in
            ["", "ada", "@example.org", "ada@", "a b@c.d", "Ada <ada@example.org>", "a@b@c", &long]
        {
            assert!(!valid(bad), "{bad}");
        }
    }

    #[test]
    fn nothing_of_a_record_is_shown() {
        let name = Name::try_from("Ada".to_owned()).expect("valid");
        assert_eq!(format!("{name:?}"), "Name(3 bytes)");
    }
}
