//! Raw adapter: makes socketioxide's in-memory adapter reachable, to send a frame without
//! copying it.
//!
//! `SocketRef::emit` copies attachments. A copy costs time. Worse, its drop does not tell the
//! outbox of the written frame. The adapter takes a packet as it is.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use socketioxide::adapter::Emitter;
use socketioxide::extract::SocketRef;
use socketioxide::socket::Sid;
use socketioxide_core::adapter::{
    BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter,
    errors::SocketError,
};
use socketioxide_core::packet::Packet;

/// A connected socket of the server.
pub(super) type SocketHandle = SocketRef<RawAdapter>;

/// Holds the one adapter of a server, once there is one.
pub(super) type AdapterSlot = Arc<OnceLock<Weak<RawAdapter>>>;

/// An adapter for one process, with everything in memory.
pub(super) struct RawAdapter {
    local: CoreLocalAdapter<Emitter>,
    slot: AdapterSlot,
}

/// The socket's queue is full, although it should hold a few frames at most.
#[derive(Debug)]
pub(super) struct QueueIsFull;

impl RawAdapter {
    /// Queues a packet for a socket. Does nothing if the socket is gone.
    ///
    /// # Errors
    ///
    /// When the socket's queue is full.
    pub(super) fn send(&self, socket: Sid, packet: Packet) -> Result<(), QueueIsFull> {
        match self.local.broadcast(packet, BroadcastOptions::new(socket)) {
            Err(errors)
                if errors.iter().any(|error| matches!(error, SocketError::InternalChannelFull)) =>
            {
                Err(QueueIsFull)
            }
            // The disconnect handler of a closed socket reports the close.
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

impl CoreAdapter<Emitter> for RawAdapter {
    type Error = Infallible;
    type State = AdapterSlot;
    type AckStream = <Emitter as SocketEmitter>::AckStream;
    type InitRes = ();

    fn new(slot: &AdapterSlot, local: CoreLocalAdapter<Emitter>) -> Self {
        Self { local, slot: Arc::clone(slot) }
    }

    fn init(self: Arc<Self>, on_success: impl FnOnce() + Send + 'static) {
        // There is one namespace, so this is called once.
        let _ = self.slot.set(Arc::downgrade(&self));
        on_success();
    }

    async fn broadcast_with_ack(
        &self,
        packet: Packet,
        options: BroadcastOptions,
        timeout: Option<Duration>,
    ) -> Result<Self::AckStream, Infallible> {
        Ok(self.local.broadcast_with_ack(packet, options, timeout).0)
    }

    fn get_local(&self) -> &CoreLocalAdapter<Emitter> {
        &self.local
    }
}

impl DefinedAdapter for RawAdapter {}
