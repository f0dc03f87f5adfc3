//! Raw adapter: socketioxide's in-memory adapter, but reachable, so that a frame can be sent without being copied.
//!
//! `SocketRef::emit` copies attachments. That costs, and worse, the drop of the copy tells nobody that the frame was
//! written; the adapter takes a packet as it is.

use std::convert::Infallible;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use socketioxide::adapter::Emitter;
use socketioxide::socket::Sid;
use socketioxide_core::adapter::{
    BroadcastOptions, CoreAdapter, CoreLocalAdapter, DefinedAdapter, SocketEmitter,
    errors::SocketError,
};
use socketioxide_core::packet::Packet;

/// Where the one adapter of a server can be found, once there is one.
pub(super) type AdapterSlot = Arc<OnceLock<Weak<RawAdapter>>>;

/// An adapter for one process, that keeps everything in memory.
pub(super) struct RawAdapter {
    local: CoreLocalAdapter<Emitter>,
    slot: AdapterSlot,
}

/// The socket's queue, which ought to hold a few frames at most, is full.
#[derive(Debug)]
pub(super) struct QueueIsFull;

impl RawAdapter {
    /// Queues a packet for a socket. Does nothing where there is no such socket any more.
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
            // A socket that is closed is told of by its disconnect handler.
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
