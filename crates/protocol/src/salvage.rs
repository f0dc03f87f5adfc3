//! Salvage: how a copy drops what it cannot read, because an operator accepted that it is lost.

use serde::{Deserialize, Serialize};

use crate::id::Epoch;
use crate::user::UserId;

/// How a copy came to drop what it cannot read, because an operator accepted that it is lost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Salvage {
    /// The epoch at which the operator accepted it.
    pub accepted: Epoch,
    /// Whether all rows were looked at.
    pub ended: bool,
    /// How many records were dropped.
    pub dropped: u64,
    /// The ids of the first of them, at most [`IDS_MAX`](Self::IDS_MAX). A record whose id cannot be read has none.
    pub ids: Vec<UserId>,
}

impl Salvage {
    /// So many ids are told.
    pub const IDS_MAX: usize = 100;

    /// A salvage that begins.
    pub fn begin(accepted: Epoch) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// A record is dropped.
    pub fn drop_record(&mut self, id: Option<UserId>) {
        self.dropped = self.dropped.saturating_add(1);
        self.ids.extend(id.filter(|_| self.ids.len() < Self::IDS_MAX));
    }

    /// The first ids, and how many more records there are, for people.
    pub fn names(&self) -> String {
        let ids = self.ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let named = u64::try_from(self.ids.len()).unwrap_or(u64::MAX);
        match self.dropped.saturating_sub(named) {
            0 => ids,
            more if ids.is_empty() => format!("{more} without a readable id"),
            more => format!("{ids} and {more} more"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> UserId {
        format!("user-{number}").parse().unwrap()
    }

    #[test]
    fn the_first_ids_are_named_and_the_others_counted() {
        let mut salvage = Salvage::begin(Epoch(7));
        salvage.drop_record(Some(id(1)));
        salvage.drop_record(Some(id(2)));
        assert_eq!(salvage.names(), "user-1, user-2");
        (3..Salvage::IDS_MAX + 3).for_each(|number| salvage.drop_record(Some(id(number))));
        assert_eq!((salvage.dropped, salvage.ids.len()), (102, Salvage::IDS_MAX));
        assert!(salvage.names().ends_with("user-100 and 2 more"), "{}", salvage.names());
    }

    #[test]
    fn a_record_without_a_readable_id_is_counted() {
        let mut salvage = Salvage::begin(Epoch(7));
        salvage.drop_record(None);
        assert_eq!(salvage.names(), "1 without a readable id");
        salvage.drop_record(Some(id(1)));
        assert_eq!((salvage.names().as_str(), salvage.dropped), ("user-1 and 1 more", 2));
    }
}
