//! Who may serve under a view.

use protocol::id::Incarnation;
use protocol::view::{InSync, Member};

/// The copy to which reads go, as the design says it: written here again, so that a slip in the code that is tested does
/// not make the same slip here.
pub fn reader(in_sync: InSync) -> Member {
    match in_sync {
        InSync::Both { .. } | InSync::NextOnly { .. } => Member::Next,
        InSync::HomeOnly { .. } => Member::Home,
    }
}

/// The copy that sends to the other one, as the design says it.
pub fn source(in_sync: InSync) -> Member {
    match in_sync {
        InSync::Both { .. } | InSync::HomeOnly { .. } => Member::Home,
        InSync::NextOnly { .. } => Member::Next,
    }
}

/// The copy that is in sync alone.
pub fn sole(in_sync: InSync) -> Option<Member> {
    match in_sync {
        InSync::Both { .. } => None,
        InSync::HomeOnly { .. } => Some(Member::Home),
        InSync::NextOnly { .. } => Some(Member::Next),
    }
}

/// Whether there is a primary, as the design says it.
pub fn has_primary(in_sync: InSync) -> bool {
    matches!(in_sync, InSync::Both { .. } | InSync::HomeOnly { .. })
}

/// The data that a view names for a copy, as the design says it.
pub fn named(in_sync: InSync, member: Member) -> Option<Incarnation> {
    match (in_sync, member) {
        (InSync::Both { home, .. } | InSync::HomeOnly { home }, Member::Home) => Some(home),
        (InSync::Both { next, .. } | InSync::NextOnly { next }, Member::Next) => Some(next),
        (InSync::HomeOnly { .. }, Member::Next) | (InSync::NextOnly { .. }, Member::Home) => None,
    }
}
