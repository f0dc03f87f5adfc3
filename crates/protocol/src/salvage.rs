//! Salvage: after an operator accepted a loss, a copy drops its unreadable rows.

use serde::{Deserialize, Serialize};

use crate::id::Epoch;
use crate::user::UserId;

/// The progress of a copy's salvage: it drops its unreadable rows, because an operator accepted
/// the loss.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Salvage {
    /// The epoch at which the operator accepted the loss.
    pub accepted: Epoch,
    /// Whether the copy has looked at all rows.
    pub ended: bool,
    /// The number of dropped records.
    pub dropped: u64,
    /// The ids of the first dropped records, at most [`IDS_MAX`](Self::IDS_MAX). A record with
    /// an unreadable id is counted, but not listed.
    pub ids: Vec<UserId>,
}

impl Salvage {
    /// The largest number of listed ids.
    pub const IDS_MAX: usize = 100;

    /// A salvage at its beginning.
    pub fn begin(accepted: Epoch) -> Self {
        Self { accepted, ..Self::default() }
    }

    /// Counts a dropped record, and lists its id while there is room.
    pub fn drop_record(&mut self, id: Option<UserId>) {
        self.dropped = self.dropped.saturating_add(1);
        self.ids.extend(id.filter(|_| self.ids.len() < Self::IDS_MAX));
    }

    /// The listed ids and the number of the other records, for people.
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
