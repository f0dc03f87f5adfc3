//! A record, as far as a history shows it.

/// A record that exists. A value is `None` if no answer of the whole history shows it. Nobody
/// can distinguish such values, so states that differ only in them are the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Record {
    /// The user's name.
    pub name: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    /// The user's group.
    pub group: Option<u32>,
    /// The record's etag, if an answer has shown it.
    pub etag: Option<String>,
}
