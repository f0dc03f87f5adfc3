//! The rules for a message of the gateway.

use protocol::message::{Operation, Request, ToNode, Welcome};
use protocol::view::{Member, View};

use super::known_views::KnownViews;
use crate::gateway::GatewayDisk;

/// Checks a message when the gateway sends it.
pub(crate) struct OnSend<'a> {
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) views: &'a mut KnownViews,
}

impl OnSend<'_> {
    pub(crate) fn check(&mut self, message: &ToNode) {
        match message {
            ToNode::View(view) => self.check_view(view),
            ToNode::Welcome(welcome) => self.check_welcome(welcome),
            ToNode::Request(request) => self.check_request(request),
            ToNode::NextIsLinked(_)
            | ToNode::HomeIsLinked
            | ToNode::JoinerIsWhole { .. }
            | ToNode::AskRefused { .. }
            | ToNode::Probe(_)
            | ToNode::Goodbye(_) => {}
        }
    }

    /// Rule 1: a published view is durable at the controller.
    fn check_view(&mut self, view: &View) {
        let durable = self.gateway.view(view.partition);
        assert_eq!(durable, Some(*view), "rule 1: published before it is durable");
        self.views.see(view);
    }

    /// Rule 1: the views of a welcome are durable, and none of them is changing.
    fn check_welcome(&self, welcome: &Welcome) {
        for view in &welcome.views {
            let durable = self.gateway.view(view.partition);
            assert_eq!(durable, Some(*view), "rule 1: a welcome with another view");
            let saving = self.gateway.saving.as_ref();
            assert!(
                saving.is_none_or(|saving| saving.view(view.partition) == Some(view)),
                "rule 1: a welcome while the view is changing",
            );
        }
    }

    /// Rule 7: a request goes where the published view says.
    fn check_request(&self, request: &Request) {
        let view = self.gateway.view(request.partition).expect("a request needs a view");
        assert_eq!(request.epoch, view.epoch, "a request of another epoch than the durable view's");
        match request.operation {
            Operation::Read(_) => {
                let reader = view.in_sync.reader();
                assert_eq!(request.member, reader, "rule 7: a read not at the reader");
            }
            Operation::Update(_) => {
                assert_eq!(request.member, Member::Home, "an update not at home");
            }
        }
    }
}
