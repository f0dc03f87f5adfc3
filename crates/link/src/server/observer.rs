//! Observers: users' own socket.io clients. They receive events and send none. The service's
//! acceptor lets them in (`gateway/src/acceptor.rs`).

use std::fmt;
use std::sync::{Arc, OnceLock};

use port::Control;
use serde::Serialize;
use socketioxide::socket::DisconnectReason;
use socketioxide::{SendError, SocketError};
use socketioxide_core::packet::Packet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::Span;

use super::adapter::{RawAdapter, SocketHandle};
use super::close_reason::close_reason;
use crate::log;
use crate::reason::{CloseReason, Closed, Lost, Unsendable};
use crate::settings::Settings;
use crate::wire::NAMESPACE;

/// A user's socket.io client. It receives events as JSON text.
///
/// Its own events are ignored. Dropping this does not disconnect it.
pub struct Observer {
    socket: SocketHandle,
    adapter: Arc<RawAdapter>,
    end: Arc<ObserverEnd>,
}

/// How an observer ends.
pub(super) struct ObserverEnd {
    control: Arc<Control>,
    settings: Settings,
    span: Span,
    reason: OnceLock<CloseReason>,
    gone: CancellationToken,
}

impl Observer {
    pub(super) fn new(
        socket: SocketHandle,
        adapter: Arc<RawAdapter>,
        end: Arc<ObserverEnd>,
    ) -> Self {
        Self { socket, adapter, end }
    }

    /// Sends an event; never waits. A tuple becomes several arguments, any other value one.
    ///
    /// # Errors
    ///
    /// When the observer is already gone. It is cut off now if too many packets wait for it
    /// ([the limit](Settings::observer_packets_max)), or if the event cannot be sent.
    pub fn emit(&self, event: &str, data: &(impl Serialize + ?Sized)) -> Result<(), Closed> {
        if let Some(reason) = self.end.reason.get() {
            return Err(Closed(reason.clone()));
        }
        let reason = match self.socket.emit(event, data) {
            Ok(()) => return Ok(()),
            Err(SendError::Socket(SocketError::InternalChannelFull)) => {
                self.end.settings.packet_queue_full()
            }
            Err(SendError::Socket(error)) => Lost::Connection(error.to_string()).into(),
            Err(SendError::Serialize(error)) => {
                Unsendable::NotSerializable(error.to_string()).into()
            }
        };
        Err(Closed(self.end.end(reason)))
    }

    /// Disconnects the observer, for this reason. It learns of that, and a socket.io client does
    /// not connect again by itself then. One that does not leave is cut off.
    pub async fn close(&self, reason: &str) {
        self.end.set_reason(CloseReason::Local(reason.to_owned()));
        // If the packet does not fit, the observer is cut off all the same.
        let _ = self.adapter.send(self.socket.id, Packet::disconnect(NAMESPACE));
        let leaves = self.end.gone.cancelled();
        let _ = timeout(self.end.settings.detection(), leaves).await;
        self.end.cut_off();
    }

    /// Whether it is gone.
    pub fn is_gone(&self) -> bool {
        self.end.gone.is_cancelled()
    }

    /// Waits until it is gone, and returns the reason. Safe to cancel.
    pub async fn gone(&self) -> CloseReason {
        self.end.gone.cancelled().await;
        self.end.reason.get().cloned().unwrap_or(CloseReason::Peer)
    }
}

impl ObserverEnd {
    pub(super) fn new(control: Arc<Control>, settings: &Settings, span: Span) -> Arc<Self> {
        let settings = settings.clone();
        Arc::new(Self {
            control,
            settings,
            span,
            reason: OnceLock::new(),
            gone: CancellationToken::new(),
        })
    }

    pub(super) fn disconnected(&self, reason: DisconnectReason) {
        self.end(close_reason(reason, &self.control, &self.settings));
    }

    /// Ends it. Returns the reason that counts: the first.
    fn end(&self, reason: CloseReason) -> CloseReason {
        self.set_reason(reason.clone());
        self.cut_off();
        self.reason.get().cloned().unwrap_or(reason)
    }

    /// The first reason is the one that counts.
    fn set_reason(&self, reason: CloseReason) {
        let _in_span = self.span.enter();
        if self.reason.set(reason.clone()).is_ok() {
            log::closed(&reason);
        }
    }

    fn cut_off(&self) {
        self.gone.cancel();
        self.control.kill();
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observer").field("link", &self.socket.id).finish_non_exhaustive()
    }
}
