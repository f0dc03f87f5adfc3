//! What the log says of links; called within the span of the link.

use tracing::{debug, info, warn};

use crate::reason::CloseReason;

/// A link is closed. As loud as it deserves: what an operator has to look into is a warning.
pub(crate) fn closed(reason: &CloseReason) {
    match reason {
        CloseReason::Local(_) | CloseReason::Peer => debug!(%reason, "the link is closed"),
        CloseReason::Lost(_) => info!(%reason, "the link is closed"),
        CloseReason::Violation(_) | CloseReason::QueueFull { .. } | CloseReason::Unsendable(_) => {
            warn!(%reason, "the link is closed");
        }
    }
}
