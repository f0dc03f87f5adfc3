//! The writer of a server end: a task that feeds frames to socketioxide, and ensures that the
//! connection goes away.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use socketioxide::socket::Sid;
use socketioxide_core::packet::Packet;
use tracing::Instrument;

use super::adapter::RawAdapter;
use super::link_end::LinkEnd;
use crate::frame::frame_packet;
use crate::wire::{NAMESPACE, version_packet};

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
        // Needed if the peer does not close the connection itself.
        link.control.kill();
    };
    tokio::spawn(task.instrument(span));
}

/// Writes until the link ends, then says goodbye, and then waits until the connection is gone.
async fn write<In: DeserializeOwned + 'static>(
    link: &LinkEnd<In>,
    adapter: &RawAdapter,
    socket: Sid,
) {
    // The queue holds nothing of this link yet, so the packet fits.
    let _ = adapter.send(socket, version_packet(link.version));
    while let Some(frame) = link.outbox.next().await {
        if adapter.send(socket, frame_packet(frame)).is_err() {
            // Impossible, because the outbox allows only a few frames in flight. But no frame
            // may be skipped.
            link.outbox.end(link.settings.packet_queue_full());
        }
    }
    link.flushed();
    // Says goodbye, but lets socketioxide go on reading. A disconnect through socketioxide
    // would close the connection at the peer's next frame, and the reset could overtake written
    // frames. If the goodbye does not fit, the peer is cut off all the same.
    let _ = adapter.send(socket, Packet::disconnect(NAMESPACE));
    link.control.gone().await;
}
