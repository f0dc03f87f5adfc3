//! The roles under a view.

use protocol::id::Incarnation;
use protocol::view::{InSync, Member};

/// The copy that answers reads, as the design says. The rule is written here again, so that a
/// mistake in the tested code is not repeated here.
pub fn reader(in_sync: InSync) -> Member {
    match in_sync {
        InSync::Both { .. } | InSync::NextOnly { .. } => Member::Next,
        InSync::HomeOnly { .. } => Member::Home,
    }
}

/// The copy that sends entries to the other one, as the design says.
pub fn source(in_sync: InSync) -> Member {
    match in_sync {
        InSync::Both { .. } | InSync::HomeOnly { .. } => Member::Home,
        InSync::NextOnly { .. } => Member::Next,
    }
}

/// The copy in sync alone; none if both are in sync.
pub fn sole(in_sync: InSync) -> Option<Member> {
    match in_sync {
        InSync::Both { .. } => None,
        InSync::HomeOnly { .. } => Some(Member::Home),
        InSync::NextOnly { .. } => Some(Member::Next),
    }
}

/// Whether the view has a primary, as the design says.
pub fn has_primary(in_sync: InSync) -> bool {
    matches!(in_sync, InSync::Both { .. } | InSync::HomeOnly { .. })
}

/// The data of a copy, as named by a view; none if the copy is out of sync.
pub fn named(in_sync: InSync, member: Member) -> Option<Incarnation> {
    match (in_sync, member) {
        (InSync::Both { home, .. } | InSync::HomeOnly { home }, Member::Home) => Some(home),
        (InSync::Both { next, .. } | InSync::NextOnly { next }, Member::Next) => Some(next),
        (InSync::HomeOnly { .. }, Member::Next) | (InSync::NextOnly { .. }, Member::Home) => None,
    }
}
