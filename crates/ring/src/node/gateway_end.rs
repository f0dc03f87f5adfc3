//! A node's end of the link to the gateway.

use super::copy::context::GatewayLink;
use crate::link::LinkId;

/// The state of the link to the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GatewayEnd {
    Down,
    /// The link is up. The welcome has not come yet.
    Unwelcomed(LinkId),
    Welcomed(GatewayLink),
}

impl GatewayEnd {
    pub(super) fn welcomed(self) -> Option<GatewayLink> {
        match self {
            Self::Welcomed(gateway) => Some(gateway),
            Self::Down | Self::Unwelcomed(_) => None,
        }
    }

    pub(super) fn is(self, link: LinkId) -> bool {
        match self {
            Self::Down => false,
            Self::Unwelcomed(known) => known == link,
            Self::Welcomed(known) => known.link == link,
        }
    }
}
