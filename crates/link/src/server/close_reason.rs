//! Why a socket was disconnected, in the words of links.

use port::Control;
use socketioxide::socket::DisconnectReason;

use crate::reason::{CloseReason, Lost, Violation};
use crate::settings::Settings;

/// The close reason of a disconnect. `control` knows more than socketioxide does.
pub(super) fn close_reason(
    reason: DisconnectReason,
    control: &Control,
    settings: &Settings,
) -> CloseReason {
    if let Some(failure) = control.failure() {
        return failure.into();
    }
    match reason {
        DisconnectReason::TransportClose | DisconnectReason::ClientNSDisconnect => {
            CloseReason::Peer
        }
        DisconnectReason::HeartbeatTimeout => Lost::Silent(settings.heartbeat_timeout).into(),
        DisconnectReason::PacketParsingError => {
            Violation::NotAPacket("not a packet of engine.io or socket.io".to_owned()).into()
        }
        DisconnectReason::ServerNSDisconnect | DisconnectReason::ClosingServer => {
            CloseReason::Local("the server of links closed it".to_owned())
        }
        // Also a websocket message above the limit: socketioxide reports it in the same way.
        DisconnectReason::TransportError | DisconnectReason::MultipleHttpPollingError => {
            Lost::Connection(reason.to_string()).into()
        }
    }
}
