//! The fields of a record that have rules of their own.

use std::fmt;

use email_address::{EmailAddress, Options};
use serde::{Deserialize, Serialize};

/// The longest name, in characters (Unicode scalar values).
pub const NAME_LENGTH_MAX: usize = 256;

/// The longest address, in bytes: what fits the path of [RFC 5321](https://www.rfc-editor.org/rfc/rfc5321#section-4.5.3).
pub const EMAIL_LENGTH_MAX: usize = 254;

/// What is wrong with the value of a field, as a phrase that follows the field's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidField(pub(crate) &'static str);

/// Defines a text with a rule; it is only ever made by `TryFrom<String>`.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $check:expr, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
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
    /// What a user is called: 1 to [`NAME_LENGTH_MAX`] characters.
    Name,
    |text| !text.is_empty() && text.chars().nth(NAME_LENGTH_MAX).is_none(),
    "must be 1 to 256 characters"
}

checked_text! {
    /// Where a user gets mail: an `addr-spec` of [RFC 5322](https://www.rfc-editor.org/rfc/rfc5322#section-3.4.1)
    /// without a display name, of at most [`EMAIL_LENGTH_MAX`] bytes.
    Email,
    |text| {
        let options = Options::default().without_display_text();
        text.len() <= EMAIL_LENGTH_MAX && EmailAddress::parse_with_options(text, options).is_ok()
    },
    "must be a valid email address of at most 254 bytes, for example ada@example.org"
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
