//! The writer of a server end: a task that feeds frames to socketioxide, and sees to it that the connection goes away.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use socketioxide::socket::Sid;
use socketioxide_core::packet::Packet;
use tracing::Instrument;

use super::adapter::RawAdapter;
use super::link_end::LinkEnd;
use crate::wire::{NAMESPACE, frame_packet, version_packet};

/// Starts the writer of a link; it ends soon after the link does.
pub(super) fn spawn<In: DeserializeOwned + 'static>(
    link: Arc<LinkEnd<In>>,
    adapter: Arc<RawAdapter>,
    socket: Sid,
) {
    let span = link.span.clone();
    let task = async move {
        let outbox = Arc::clone(&link.outbox);
        tokio::select! {
            biased;
            () = write(&link, &adapter, socket) => {}
            () = outbox.ended_for(link.settings.write_deadline) => {}
        }
        link.flushed();
        // Where the peer does not close the connection itself.
        link.control.kill();
    };
    tokio::spawn(task.instrument(span));
}

/// Writes until the link ends, then says goodbye, and then waits for the connection to go.
async fn write<In: DeserializeOwned + 'static>(
    link: &LinkEnd<In>,
    adapter: &RawAdapter,
    socket: Sid,
) {
    // Nothing of the link's is in the queue yet, so it fits.
    let _ = adapter.send(socket, version_packet(link.version));
    while let Some(frame) = link.outbox.next().await {
        if adapter.send(socket, frame_packet(frame)).is_err() {
            // Cannot be, as the outbox lets few frames go at once; but no frame may be skipped.
            link.outbox.end(link.settings.packet_queue_full());
        }
    }
    link.flushed();
    // Says goodbye, but lets socketioxide go on reading: told to disconnect, it would close the connection as soon as the
    // peer sends another frame, and the reset could overtake what was written. Should the goodbye not fit, the peer is
    // cut off all the same.
    let _ = adapter.send(socket, Packet::disconnect(NAMESPACE));
    link.control.gone().await;
}
