//! Log lines about links; called within the span of the link.

use tracing::{debug, info, warn};

use crate::reason::CloseReason;

/// Logs the close of a link. The level depends on the reason: a warning is for the operator to
/// examine.
pub(crate) fn closed(reason: &CloseReason) {
    match reason {
        CloseReason::Local(_) | CloseReason::Peer => debug!(%reason, "the link is closed"),
        CloseReason::Lost(_) => info!(%reason, "the link is closed"),
        CloseReason::Violation(_) | CloseReason::QueueFull { .. } | CloseReason::Unsendable(_) => {
            warn!(%reason, "the link is closed");
        }
    }
}
