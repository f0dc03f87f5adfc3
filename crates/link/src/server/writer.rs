//! The writer of a server end: a task that feeds frames to socketioxide, and sees to it that the connection goes away.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tracing::Instrument;

use super::adapter::RawAdapter;
use super::admit::SocketHandle;
use super::link_end::LinkEnd;
use crate::reason::CloseReason;

/// Starts the writer of a link; it ends soon after the link does.
pub(super) fn spawn<In: DeserializeOwned + 'static>(
    link: Arc<LinkEnd<In>>,
    adapter: Arc<RawAdapter>,
    socket: SocketHandle,
    write_deadline: Duration,
) {
    let span = link.span.clone();
    let task = async move {
        let outbox = Arc::clone(&link.outbox);
        tokio::select! {
            biased;
            () = write(&link, &adapter, socket) => {}
            () = outbox.ended_for(write_deadline) => {}
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
    socket: SocketHandle,
) {
    while let Some(frame) = link.outbox.next().await {
        if adapter.send_frame(socket.id, frame).is_err() {
            let limit = super::OBSERVER_PACKETS_MAX;
            link.outbox.end(CloseReason::QueueFull { limit, unit: "packets" });
        }
    }
    link.flushed();
    // Fails where the connection is gone already, or its queue is full and it is about to be killed.
    let _ = socket.disconnect();
    link.control.gone().await;
}
