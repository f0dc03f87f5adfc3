//! What a node does with its link to the gateway, and with the messages that come over it.

use protocol::hello::Membership;
use protocol::message::{FromNode, Report, ToNode, Welcome};
use protocol::refusal::{Refusal, RefusalCode, Remedy};

use super::copy::context::{Fault, GatewayLink};
use super::effect::{NodeEffect, StopReason};
use super::formed::Formed;
use super::gateway_end::GatewayEnd;
use super::{Node, Turn};
use crate::link::LinkId;
use crate::store::{Mutation, RecoveredCopy};

impl Node {
    /// The link to the gateway is up. The report is the first message on it.
    pub(super) fn gateway_linked(&mut self, turn: &mut Turn<'_>, link: LinkId) {
        self.gateway_gone();
        self.gateway = GatewayEnd::Unwelcomed(link);
        self.last_call = None;
        let message = FromNode::Report(self.report());
        turn.effects.push(NodeEffect::ToGateway { link, message });
    }

    /// A link is gone. It may not be the gateway's.
    pub(super) fn gateway_lost(&mut self, link: LinkId) {
        if self.gateway.is(link) {
            self.gateway_gone();
        }
    }

    /// The state of the copies, for the controller to judge.
    fn report(&mut self) -> Report {
        self.formed.as_mut().map_or_else(Report::default, |formed| Report {
            home: formed.home.report(),
            next: formed.next.report(),
        })
    }

    /// The gateway has sent a message.
    pub(super) fn gateway_says(
        &mut self,
        turn: &mut Turn<'_>,
        link: LinkId,
        message: ToNode,
    ) -> Result<(), Fault> {
        match (self.gateway, message) {
            (_, ToNode::Goodbye(refusal)) => Err(match refusal.code.remedy() {
                Remedy::Operator => Fault::Stop(StopReason::Refused(refusal)),
                Remedy::Retry | Remedy::Wait => Fault::Drop(link, refusal),
            }),
            (_, ToNode::Probe(probe)) => {
                let message = FromNode::Alive(probe);
                turn.effects.push(NodeEffect::ToGateway { link, message });
                Ok(())
            }
            (GatewayEnd::Unwelcomed(_), ToNode::Welcome(welcome)) => {
                self.join_cluster(turn, link, &welcome)?;
                let (Some(formed), mut cx) = self.split(turn) else { return Ok(()) };
                let heard = formed.welcomed(&mut cx, welcome);
                self.recover_both(turn, heard)
            }
            (GatewayEnd::Welcomed(_), message) => {
                if let ToNode::Request(request) = &message {
                    self.last_call = Some(request.call);
                }
                let (Some(formed), mut cx) = self.split(turn) else { return Ok(()) };
                formed.gateway_says(&mut cx, message)
            }
            (GatewayEnd::Down | GatewayEnd::Unwelcomed(_), _) => {
                Err(Fault::protocol_error(link, "a message before the welcome"))
            }
        }
    }

    /// Takes the node's place in the cluster: its earlier place, or a new one.
    fn join_cluster(
        &mut self,
        turn: &mut Turn<'_>,
        link: LinkId,
        welcome: &Welcome,
    ) -> Result<(), Fault> {
        let membership = Membership { cluster: welcome.cluster, ring: welcome.ring.clone() };
        match &self.formed {
            Some(formed) if formed.membership == membership => {}
            Some(formed) => {
                let of = formed.membership.cluster;
                let detail =
                    format!("this node is of cluster {of}, the gateway of {}", welcome.cluster);
                let refusal = Refusal::new(RefusalCode::ForeignCluster, detail);
                return Err(Fault::Stop(StopReason::Refused(refusal)));
            }
            None => {
                let copies = [RecoveredCopy::default(), RecoveredCopy::default()];
                let (identity, settings) = (&self.identity, &self.settings);
                let formed = Formed::new(identity, settings, membership.clone(), copies, turn.now);
                self.formed = Some(formed.map_err(Fault::Stop)?);
                self.mark = self.mark.next();
                turn.effects.push(NodeEffect::Write {
                    mark: self.mark,
                    mutation: Mutation::Membership(membership),
                });
            }
        }
        self.gateway = GatewayEnd::Welcomed(GatewayLink { link, boot: welcome.gateway_boot });
        Ok(())
    }

    fn gateway_gone(&mut self) {
        self.gateway = GatewayEnd::Down;
        self.reports.forget();
        self.disk.forget_told();
        if let Some(formed) = &mut self.formed {
            formed.home.gateway_lost();
            formed.next.gateway_lost();
        }
    }
}
