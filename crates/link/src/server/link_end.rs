//! Link end: the server end's state of one link, and the order of its events.
//!
//! ```text
//!  Admitted ──open──► Open ──first of: violation, disconnect, writer's end──► Ended
//!     │                  └──a frame cannot be decoded──► Undecodable ─────────► ▲
//!     └────────────────────────── the connection went first ──────────────────► ▲
//! ```
//!
//! A frame may arrive on another thread during the answer to the CONNECT. It is kept until the
//! link is open. The end may come before the opening too; then the link is never opened.

use std::sync::{Arc, Mutex, MutexGuard};

use port::{Control, lock};
use protocol::frame;
use protocol::version::Version;
use serde::de::DeserializeOwned;
use socketioxide::socket::DisconnectReason;
use tracing::{Span, debug};

use super::acceptor::OpenLink;
use super::close_reason::close_reason;
use crate::frame::{Frame, FrameOrder};
use crate::log;
use crate::outbox::Outbox;
use crate::reason::{CloseReason, Violation};
use crate::sender::{Handler, Sender};
use crate::settings::Settings;

/// One link at its server end. Holds no reference to the socket, because the socket holds
/// references to it.
pub(super) struct LinkEnd<In> {
    phase: Mutex<Phase<In>>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) control: Arc<Control>,
    pub(super) span: Span,
    /// The version of the protocol on this link.
    pub(super) version: Version,
    pub(super) settings: Settings,
}

enum Phase<In> {
    /// The events before the opening. There cannot be many: the peer does not know yet that it
    /// may send.
    Admitted(Vec<Result<Frame, Violation>>),
    Open(Box<dyn Handler<In>>, FrameOrder),
    /// The handler's last messages are still being written; nothing more is delivered.
    Undecodable(Box<dyn Handler<In>>),
    Ended,
}

impl<In: DeserializeOwned + 'static> LinkEnd<In> {
    pub(super) fn new(
        control: Arc<Control>,
        settings: &Settings,
        span: Span,
        version: Version,
    ) -> Arc<Self> {
        Arc::new(Self {
            phase: Mutex::new(Phase::Admitted(Vec::new())),
            outbox: Outbox::new(settings, version),
            control,
            span,
            version,
            settings: settings.clone(),
        })
    }

    /// Makes the handler, and delivers the earlier events. Returns whether the link is open
    /// now.
    pub(super) fn open<Out>(&self, open: OpenLink<Out, In>) -> bool {
        let _in_span = self.span.enter();
        let mut phase = lock(&self.phase);
        if matches!(*phase, Phase::Ended) {
            return false;
        }
        debug!("the link is open");
        let handler = open(Sender::new(Arc::clone(&self.outbox)));
        if let Phase::Admitted(early) =
            std::mem::replace(&mut *phase, Phase::Open(handler, FrameOrder::default()))
        {
            for event in early {
                self.deliver(&mut phase, event);
            }
        }
        true
    }

    /// Takes an event, in the order of arrival.
    pub(super) fn receive(&self, event: Result<Frame, Violation>) {
        let _in_span = self.span.enter();
        let mut phase = lock(&self.phase);
        match &mut *phase {
            Phase::Admitted(early) if early.len() < EARLY_EVENTS_MAX => early.push(event),
            Phase::Admitted(_) => {
                self.end(
                    &mut phase,
                    Violation::Misplaced("frames before the link was open").into(),
                );
            }
            Phase::Open(..) | Phase::Undecodable(_) | Phase::Ended => {
                self.deliver(&mut phase, event);
            }
        }
    }

    fn deliver(&self, phase: &mut MutexGuard<'_, Phase<In>>, event: Result<Frame, Violation>) {
        let Phase::Open(handler, order) = &mut **phase else {
            return;
        };
        let bytes = event.and_then(|frame| order.take(frame));
        match bytes.map(|bytes| frame::decode::<In>(self.version, &bytes)) {
            Ok(Ok(messages)) if messages.is_empty() => {}
            Ok(Ok(messages)) => handler.messages(messages),
            Ok(Err(error)) => {
                let violation = CloseReason::from(Violation::from(error));
                self.outbox.will_end(violation.clone());
                handler.undecodable();
                self.outbox.end_after_flush(violation);
                if let Phase::Open(handler, _) = std::mem::replace(&mut **phase, Phase::Ended) {
                    **phase = Phase::Undecodable(handler);
                }
            }
            Err(violation) => self.end(phase, violation.into()),
        }
    }

    /// The socket was disconnected, by either side.
    pub(super) fn disconnected(&self, reason: DisconnectReason) {
        let _in_span = self.span.enter();
        let reason = close_reason(reason, &self.control, &self.settings);
        self.end(&mut lock(&self.phase), reason);
    }

    /// Everything sent before an orderly end has been written.
    pub(super) fn flushed(&self) {
        let _in_span = self.span.enter();
        let mut phase = lock(&self.phase);
        // The outbox has ended, so it already has a reason.
        let reason = self.outbox.end_after_flush(CloseReason::Peer);
        Self::tell(&mut phase, reason);
    }

    fn end(&self, phase: &mut MutexGuard<'_, Phase<In>>, reason: CloseReason) {
        if matches!(**phase, Phase::Admitted(_)) {
            // There is no writer yet to do it.
            self.control.kill();
        }
        if !matches!(**phase, Phase::Ended) {
            Self::tell(phase, self.outbox.end(reason));
        }
    }

    fn tell(phase: &mut MutexGuard<'_, Phase<In>>, reason: CloseReason) {
        let (Phase::Open(mut handler, _) | Phase::Undecodable(mut handler)) =
            std::mem::replace(&mut **phase, Phase::Ended)
        else {
            return;
        };
        log::closed(&reason);
        handler.closed(reason);
    }
}

impl<In> Drop for LinkEnd<In> {
    fn drop(&mut self) {
        // Only needed if the runtime is shut down while the link lives.
        self.outbox.end(CloseReason::Local("the server of links was dropped".to_owned()));
    }
}

/// A peer that sends this many events before its admission does so on purpose.
const EARLY_EVENTS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use std::sync::mpsc::{Receiver, Sender as Told, channel};

    const USED: Version = Version(6);

    #[derive(Debug, PartialEq)]
    enum Heard {
        Undecodable,
        Numbers(Vec<u32>),
        Closed(CloseReason),
    }

    impl Handler<u32> for Told<Heard> {
        fn messages(&mut self, batch: Vec<u32>) {
            self.send(Heard::Numbers(batch)).expect("the test listens");
        }

        fn undecodable(&mut self) {
            self.send(Heard::Undecodable).expect("the test listens");
        }

        fn closed(&mut self, reason: CloseReason) {
            self.send(Heard::Closed(reason)).expect("the test listens");
        }
    }

    fn link() -> (Arc<LinkEnd<u32>>, OpenLink<u32, u32>, Receiver<Heard>) {
        let (handler, heard) = channel();
        let link = LinkEnd::new(Arc::default(), &Settings::default(), Span::none(), USED);
        (link, Box::new(|_| Box::new(handler)), heard)
    }

    /// The frame of this number, with the number as its message.
    fn frame(number: u32) -> Result<Frame, Violation> {
        let bytes = frame::encode(USED, &[number]).expect("a frame");
        Ok(Frame { number: number.into(), bytes })
    }

    #[test]
    fn what_arrives_before_the_opening_is_delivered_first_and_in_order() {
        let (link, open, heard) = link();
        link.receive(frame(0));
        link.receive(frame(1));
        assert!(link.open(open));
        link.receive(frame(2));
        let heard: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(heard, [0, 1, 2].map(|number| Heard::Numbers(vec![number])));
    }

    #[test]
    fn a_violation_before_the_opening_closes_the_link_after_what_came_before_it() {
        let (link, open, heard) = link();
        link.receive(frame(0));
        link.receive(Err(Violation::NotAFrame));
        link.receive(frame(1));
        assert!(link.open(open));
        let heard: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(heard, [Heard::Numbers(vec![0]), Heard::Closed(Violation::NotAFrame.into())]);
    }

    #[test]
    fn a_link_that_ends_before_the_opening_is_never_opened() {
        let (link, open, heard) = link();
        link.disconnected(DisconnectReason::TransportClose);
        assert!(!link.open(open));
        assert_eq!(heard.recv().ok(), None, "the handler was never made");
    }

    #[test]
    fn a_peer_that_does_not_wait_to_be_let_in_is_cut_off() {
        let (link, open, heard) = link();
        for number in 0..=EARLY_EVENTS_MAX {
            link.receive(frame(number as u32));
        }
        assert!(link.control.failure().is_some());
        assert!(!link.open(open));
        assert_eq!(heard.recv().ok(), None);
    }

    #[test]
    fn the_end_is_told_once_with_the_first_reason() {
        let (link, open, heard) = link();
        assert!(link.open(open));
        link.outbox.end_after_flush(CloseReason::Local("enough".to_owned()));
        link.flushed();
        link.disconnected(DisconnectReason::TransportClose);
        link.receive(frame(0));
        drop(link);
        let heard: Vec<Heard> = heard.iter().collect();
        assert_eq!(heard, [Heard::Closed(CloseReason::Local("enough".to_owned()))]);
    }

    #[test]
    fn a_frame_that_cannot_be_decoded_is_told_of_and_ends_the_link_once_all_is_written() {
        let (link, open, heard) = link();
        assert!(link.open(open));
        link.receive(frame(0));
        let bytes = Bytes::from_static(b"\x00\x06\xff");
        let error = frame::decode::<u32>(USED, &bytes).expect_err("not a number");
        link.receive(Ok(Frame { number: 1, bytes }));
        link.receive(frame(2));
        let told: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(told, [Heard::Numbers(vec![0]), Heard::Undecodable]);
        link.flushed();
        let told: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(told, [Heard::Closed(Violation::from(error).into())]);
    }

    /// Closes its link when a frame cannot be decoded.
    struct Closes(Sender<u32>, Told<Heard>);

    impl Handler<u32> for Closes {
        fn messages(&mut self, batch: Vec<u32>) {
            self.1.messages(batch);
        }

        fn undecodable(&mut self) {
            self.0.close("it was told why");
        }

        fn closed(&mut self, reason: CloseReason) {
            self.1.closed(reason);
        }
    }

    #[test]
    fn that_a_frame_cannot_be_decoded_is_the_reason_though_the_handler_closes_the_link() {
        let (link, _, _) = link();
        let (told, heard) = channel();
        assert!(link.open(Box::new(|sender| Box::new(Closes(sender, told)))));
        let bytes = Bytes::from_static(b"\x00\x06\xff");
        let error = frame::decode::<u32>(USED, &bytes).expect_err("not a number");
        link.receive(Ok(Frame { number: 0, bytes }));
        link.flushed();
        let heard: Vec<Heard> = heard.try_iter().collect();
        assert_eq!(heard, [Heard::Closed(Violation::from(error).into())]);
    }

    #[test]
    fn a_missing_frame_closes_the_link() {
        let (link, open, heard) = link();
        assert!(link.open(open));
        link.receive(frame(0));
        link.receive(frame(2));
        link.receive(frame(1));
        let heard: Vec<Heard> = heard.try_iter().collect();
        let missing = Violation::OutOfOrder { expected: 1, got: 2 };
        assert_eq!(heard, [Heard::Numbers(vec![0]), Heard::Closed(missing.into())]);
    }
}
