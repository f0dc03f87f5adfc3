//! What reaches the driver, and the way there.

use std::sync::Arc;

use link::{CloseReason, Handler, Sender};
use protocol::hello::HomeHello;
use protocol::id::Incarnation;
use protocol::message::{CopyMessage, FromNode, ToNode};
use protocol::refusal::Refusal;
use protocol::view::Member;
use ring::link::{LinkId, LinkIds};
use tokio::sync::{mpsc, oneshot};

/// What reaches the driver.
pub(crate) enum Input {
    /// Something happened to a link.
    Link(LinkInput),
    /// The gateway will not let this node in, however often it tries.
    Refused(Refusal),
}

/// What happens to links.
pub(crate) enum LinkInput {
    GatewayOpen { link: LinkId, sender: Sender<FromNode> },
    GatewaySays { link: LinkId, messages: Vec<ToNode> },
    GatewayClosed { link: LinkId },
    NextOpen { link: LinkId, sender: Sender<CopyMessage>, incarnation: Incarnation },
    HomeOpen { link: LinkId, sender: Sender<CopyMessage>, hello: HomeHello },
    NeighbourSays { from: Member, link: LinkId, messages: Vec<CopyMessage> },
    NeighbourClosed { from: Member, link: LinkId },
}

/// The way to the driver.
#[derive(Clone)]
pub(crate) struct Inputs {
    to_driver: mpsc::UnboundedSender<Input>,
    links: Arc<LinkIds>,
}

impl Inputs {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Input>) {
        let (to_driver, inputs) = mpsc::unbounded_channel();
        (Self { to_driver, links: Arc::default() }, inputs)
    }

    /// Hands something to the driver; once that has ended, nobody cares.
    pub(crate) fn send(&self, input: Input) {
        let _ = self.to_driver.send(input);
    }

    pub(crate) fn send_link(&self, input: LinkInput) {
        self.send(Input::Link(input));
    }

    pub(crate) fn new_link(&self) -> LinkId {
        self.links.next()
    }
}

/// Brings the messages of a link, and its end, to the driver.
pub(crate) struct ToDriver<M> {
    pub(crate) link: LinkId,
    pub(crate) inputs: Inputs,
    pub(crate) says: fn(LinkId, Vec<M>) -> LinkInput,
    pub(crate) closed: fn(LinkId) -> LinkInput,
    /// Told too when the link closes: whoever keeps it up.
    pub(crate) when_closed: Option<oneshot::Sender<CloseReason>>,
}

impl<M: 'static> Handler<M> for ToDriver<M> {
    fn messages(&mut self, messages: Vec<M>) {
        self.inputs.send_link((self.says)(self.link, messages));
    }

    fn closed(&mut self, reason: CloseReason) {
        self.inputs.send_link((self.closed)(self.link));
        if let Some(when_closed) = self.when_closed.take() {
            let _ = when_closed.send(reason);
        }
    }
}
