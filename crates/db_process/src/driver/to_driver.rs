//! The way from a link to the driver.

use std::sync::Arc;

use link::{CloseReason, Handler};
use ring_core::link::LinkId;
use ring_core::node::NodeEvent;
use tokio::sync::oneshot;

use super::Driver;

/// Brings the messages of a link, and its end, to the driver.
pub(crate) struct ToDriver<M> {
    pub(crate) driver: Arc<Driver>,
    pub(crate) link: LinkId,
    pub(crate) says: fn(LinkId, M) -> NodeEvent,
    pub(crate) undecodable: fn(LinkId) -> NodeEvent,
    pub(crate) lost: fn(LinkId) -> NodeEvent,
    /// Tells the dialler of the closed link, so that it dials again.
    pub(crate) when_closed: Option<oneshot::Sender<CloseReason>>,
}

impl<M: 'static> Handler<M> for ToDriver<M> {
    fn messages(&mut self, messages: Vec<M>) {
        self.driver.hear(messages.into_iter().map(|message| (self.says)(self.link, message)));
    }

    fn undecodable(&mut self) {
        self.driver.hear(std::iter::once((self.undecodable)(self.link)));
    }

    fn closed(&mut self, reason: CloseReason) {
        self.driver.lost(self.link, (self.lost)(self.link));
        if let Some(when_closed) = self.when_closed.take() {
            let _ = when_closed.send(reason);
        }
    }
}
