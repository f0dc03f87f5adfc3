//! The task of a client end: reads and writes side by side, until either half ends.
//!
//! Both halves are futures of one task, so neither half can outlive the other. A blocked write
//! does not stop the reading. Otherwise two ends with much to write would wait for each other.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use port::{Control, due_after};
use protocol::frame;
use protocol::version::Version;
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::yield_now;
use tokio::time::{Instant, timeout_at};
use tokio_tungstenite::tungstenite::error::CapacityError;
use tokio_tungstenite::tungstenite::{Error as WebSocketError, Message};
use tracing::debug;

use super::WebSocket;
use super::packets::{DISCONNECT, Incoming, PONG, Packets, frame_messages};
use super::session::Session;
use crate::frame::{Frame, FrameOrder};
use crate::log;
use crate::outbox::{EndOnDrop, Outbox};
use crate::reason::{CloseReason, Lost, Violation};
use crate::sender::Handler;
use crate::settings::Settings;

/// The most messages in one call of the handler.
const MESSAGES_MAX: usize = 64;

/// Runs a link until it closes.
pub(super) async fn run<In: DeserializeOwned + Send>(
    session: Session,
    outbox: EndOnDrop,
    mut handler: impl Handler<In>,
    settings: Settings,
) {
    debug!("the link is open");
    let Session { websocket, control, packets, open, version } = session;
    let (sink, stream) = websocket.split();
    let pings = Notify::new();
    let silence_max = open.silence_max().min(settings.detection());
    let reader = Reader { stream, packets, version, outbox: &outbox.0, pings: &pings, silence_max };
    let writer =
        Writer { sink, outbox: &outbox.0, pings: &pings, deadline: settings.write_deadline };
    let end = tokio::select! {
        biased;
        end = reader.run(&mut handler) => end,
        end = writer.run() => end,
    };
    let reason = outbox.0.end(end.reason(&control));
    log::closed(&reason);
    handler.closed(reason);
}

/// How a half of the task ended.
enum End {
    Reason(CloseReason),
    Failed(WebSocketError),
}

impl From<WebSocketError> for End {
    fn from(error: WebSocketError) -> Self {
        Self::Failed(error)
    }
}

impl From<CloseReason> for End {
    fn from(reason: CloseReason) -> Self {
        Self::Reason(reason)
    }
}

impl End {
    fn reason(self, control: &Control) -> CloseReason {
        match (self, control.failure()) {
            (Self::Reason(reason), _) => reason,
            (Self::Failed(_), Some(failure)) => failure.into(),
            (Self::Failed(error), None) => reason_of(error),
        }
    }
}

fn reason_of(error: WebSocketError) -> CloseReason {
    use tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    match error {
        WebSocketError::Capacity(CapacityError::MessageTooLong { .. }) => Violation::TooLong.into(),
        WebSocketError::Io(error) => Lost::Connection(error.to_string()).into(),
        WebSocketError::Protocol(ResetWithoutClosingHandshake)
        | WebSocketError::ConnectionClosed
        | WebSocketError::AlreadyClosed => Lost::Connection(error.to_string()).into(),
        error => Violation::NotAPacket(format!("not a websocket message: {error}")).into(),
    }
}

struct Reader<'a> {
    stream: SplitStream<WebSocket>,
    packets: Packets,
    version: Version,
    /// The reader ends it when a frame cannot be decoded.
    outbox: &'a Outbox,
    /// The reader notifies the writer of each ping here.
    pings: &'a Notify,
    /// The longest time between two pings.
    silence_max: Duration,
}

impl Reader<'_> {
    async fn run<In: DeserializeOwned + Send>(mut self, handler: &mut impl Handler<In>) -> End {
        match self.read(handler).await {
            Ok(()) => CloseReason::Peer.into(),
            Err(end) => end,
        }
    }

    /// Reads until the peer closes the link.
    async fn read<In: DeserializeOwned + Send>(
        &mut self,
        handler: &mut impl Handler<In>,
    ) -> Result<(), End> {
        let mut order = FrameOrder::default();
        let mut is_undecodable = false;
        let mut ping_due = due_after(Instant::now(), self.silence_max);
        loop {
            let Ok(message) = timeout_at(ping_due, self.stream.next()).await else {
                return Err(CloseReason::from(Lost::Silent(self.silence_max)).into());
            };
            let Some(message) = message else {
                return Ok(());
            };
            match self.packets.read(message?).map_err(CloseReason::from)? {
                Incoming::Ping => {
                    ping_due = due_after(Instant::now(), self.silence_max);
                    self.pings.notify_one();
                }
                Incoming::Frame(frame) => {
                    let bytes = order.take(frame).map_err(CloseReason::from)?;
                    match frame::decode(self.version, &bytes) {
                        _ if is_undecodable => {}
                        Ok(messages) => deliver(messages, handler).await,
                        Err(error) => {
                            // The writer writes the handler's last messages first, and then
                            // says goodbye. Then the peer closes.
                            is_undecodable = true;
                            let violation = CloseReason::from(Violation::from(error));
                            self.outbox.will_end(violation.clone());
                            handler.undecodable();
                            self.outbox.end_after_flush(violation);
                        }
                    }
                }
                Incoming::Nothing => {}
                Incoming::Goodbye => return Ok(()),
                Incoming::Open(_)
                | Incoming::Connected
                | Incoming::Version(_)
                | Incoming::ConnectError(_) => {
                    let violation =
                        Violation::Misplaced("a packet of the handshake on an open link");
                    return Err(CloseReason::from(violation).into());
                }
            }
        }
    }
}

/// Delivers the messages of a frame in parts. The handler may be slow. Its answers and the
/// pongs must not wait until it has handled the whole frame.
async fn deliver<In: Send>(mut messages: Vec<In>, handler: &mut impl Handler<In>) {
    while !messages.is_empty() {
        let rest = messages.split_off(messages.len().min(MESSAGES_MAX));
        handler.messages(messages);
        messages = rest;
        yield_now().await;
    }
}

struct Writer<'a> {
    sink: SplitSink<WebSocket, Message>,
    outbox: &'a Arc<Outbox>,
    pings: &'a Notify,
    /// For an orderly close.
    deadline: Duration,
}

impl Writer<'_> {
    async fn run(mut self) -> End {
        let outbox = self.outbox;
        let deadline = self.deadline;
        tokio::select! {
            biased;
            Err(error) = self.write() => error.into(),
            () = outbox.ended_for(deadline) => {
                CloseReason::Local("the peer did not answer the goodbye in time".to_owned()).into()
            }
        }
    }

    /// Writes until the link ends, then says goodbye, and then waits until the reader has read
    /// the peer's goodbye.
    async fn write(&mut self) -> Result<Infallible, WebSocketError> {
        loop {
            tokio::select! {
                biased;
                () = self.pings.notified() => self.sink.send(Message::text(PONG)).await?,
                frame = self.outbox.next() => match frame {
                    Some(frame) => self.write_frame(frame).await?,
                    None => break,
                },
            }
        }
        self.sink.feed(Message::text(DISCONNECT)).await?;
        // Does not shut down the stream. If the stream went before the peer has read
        // everything, written data could be lost.
        self.sink.close().await?;
        pending().await
    }

    async fn write_frame(&mut self, frame: Frame) -> Result<(), WebSocketError> {
        for message in frame_messages(frame) {
            self.sink.feed(message).await?;
        }
        self.sink.flush().await
    }
}
