//! An open session, between its handshake and its task.

use std::sync::Arc;

use port::Control;
use protocol::version::Version;

use super::WebSocket;
use super::packets::{Open, Packets};

/// An open session. Nothing reads its websocket at the moment.
pub(super) struct Session {
    pub(super) websocket: WebSocket,
    pub(super) control: Arc<Control>,
    pub(super) packets: Packets,
    pub(super) open: Open,
    /// The version of the protocol on this link.
    pub(super) version: Version,
}
