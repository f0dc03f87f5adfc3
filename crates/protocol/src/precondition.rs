//! Preconditions: the condition on a record under which a request is carried out
//! ([RFC 9110, section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13)).
//!
//! | record | `If-Match: *` | `If-Match: "3.17"` | `If-None-Match: *` | `If-None-Match: "3.17"` |
//! |---|---|---|---|---|
//! | is absent | unmet | unmet | met | met |
//! | is at 3.17 | met | met | unmet | unmet |
//! | is at 3.18 | met | unmet | unmet | met |
//!
//! An entity tag is the text of a position. A tag of another form matches no record, so the
//! reader of the header leaves it out. It also leaves out a weak tag in `If-Match`, because that
//! header compares strongly.

use serde::{Deserialize, Serialize};

use crate::id::Position;

/// The largest number of tags in a header, including tags that match nothing.
pub const TAGS_MAX: usize = 64;

/// The condition on a record under which a request is carried out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precondition {
    /// The record must match these tags.
    pub if_match: Option<Tags>,
    /// The record must not match these tags.
    pub if_none_match: Option<Tags>,
}

/// The tags listed by a header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tags {
    /// `*`: matches every record that exists.
    Any,
    /// Matches records at these positions. The list is empty if no tag of the header can match.
    Listed(Vec<Position>),
}

/// The unmet header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unmet {
    /// `If-Match`.
    IfMatch,
    /// `If-None-Match`.
    IfNoneMatch,
}

impl Precondition {
    /// No condition: met by every record, and by an absent one.
    pub const NONE: Self = Self { if_match: None, if_none_match: None };

    /// Checks the precondition for a record at this position, or for an absent record if there
    /// is none.
    ///
    /// # Errors
    ///
    /// The first unmet header, in the order of RFC 9110, section 13.2.2.
    pub fn check(&self, current: Option<Position>) -> Result<(), Unmet> {
        if self.if_match.as_ref().is_some_and(|tags| !tags.matches(current)) {
            Err(Unmet::IfMatch)
        } else if self.if_none_match.as_ref().is_some_and(|tags| tags.matches(current)) {
            Err(Unmet::IfNoneMatch)
        } else {
            Ok(())
        }
    }
}

impl Tags {
    fn matches(&self, current: Option<Position>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Listed(positions), Some(current)) => positions.contains(&current),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{Epoch, Seq};

    fn at(seq: u64) -> Position {
        Position { epoch: Epoch(3), seq: Seq(seq) }
    }

    fn listed(seqs: &[u64]) -> Option<Tags> {
        Some(Tags::Listed(seqs.iter().copied().map(at).collect()))
    }

    #[test]
    fn if_match_holds_of_a_record_that_the_list_names() {
        let check = |tags: Option<Tags>, current| {
            Precondition { if_match: tags, if_none_match: None }.check(current)
        };
        for (tags, current, met) in [
            (None, None, true),
            (None, Some(at(17)), true),
            (Some(Tags::Any), None, false),
            (Some(Tags::Any), Some(at(17)), true),
            (listed(&[17]), Some(at(17)), true),
            (listed(&[16, 17]), Some(at(17)), true),
            (listed(&[16, 18]), Some(at(17)), false),
            (listed(&[]), Some(at(17)), false),
            (listed(&[17]), None, false),
        ] {
            let expected = if met { Ok(()) } else { Err(Unmet::IfMatch) };
            assert_eq!(check(tags.clone(), current), expected, "{tags:?} of {current:?}");
        }
    }

    #[test]
    fn if_none_match_holds_of_a_record_that_the_list_does_not_name() {
        let check = |tags: Option<Tags>, current| {
            Precondition { if_match: None, if_none_match: tags }.check(current)
        };
        for (tags, current, met) in [
            (Some(Tags::Any), None, true),
            (Some(Tags::Any), Some(at(17)), false),
            (listed(&[17]), Some(at(17)), false),
            (listed(&[16, 17]), Some(at(17)), false),
            (listed(&[16, 18]), Some(at(17)), true),
            (listed(&[]), Some(at(17)), true),
            (listed(&[17]), None, true),
        ] {
            let expected = if met { Ok(()) } else { Err(Unmet::IfNoneMatch) };
            assert_eq!(check(tags.clone(), current), expected, "{tags:?} of {current:?}");
        }
    }

    #[test]
    fn if_match_is_looked_at_first() {
        let both = Precondition { if_match: listed(&[16]), if_none_match: Some(Tags::Any) };
        assert_eq!(both.check(Some(at(17))), Err(Unmet::IfMatch));
        assert_eq!(both.check(Some(at(16))), Err(Unmet::IfNoneMatch));
        let both = Precondition { if_match: Some(Tags::Any), if_none_match: listed(&[16]) };
        assert_eq!(both.check(Some(at(17))), Ok(()));
    }
}
