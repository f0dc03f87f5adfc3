//! Emits the internal events of a gateway to a listener, if there is one: see
//! [`service::events`].

use std::collections::BTreeMap;

use protocol::hello::NodeHello;
use protocol::id::{GatewayBoot, NodeId};
use protocol::message::{Condition, FromNode, Operation, Progress, Request, ToNode};
use protocol::view::View;
use ring_core::gateway::{ClusterState, GatewayEffect, GatewayEvent};
use ring_core::link::LinkId;
use service::events::{Event, GatewayFact, Said, emit, is_listened_to};

/// Emits the internal events of a gateway.
pub(crate) struct Teller {
    gateway: GatewayBoot,
    /// The node of each link.
    nodes: BTreeMap<LinkId, NodeId>,
}

/// How a message travels.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// In a frame with other messages.
    Shared,
    /// In a frame of its own.
    Alone,
}

impl Teller {
    /// Creates the teller of a starting gateway, and tells of the start with the saved state.
    pub(crate) fn new(gateway: GatewayBoot, saved: Option<&ClusterState>) -> Self {
        let teller = Self { gateway, nodes: BTreeMap::new() };
        teller.tell(|| GatewayFact::Starts {
            cluster: saved.map(|state| state.cluster),
            views: saved.map(|state| state.known_views().copied().collect()).unwrap_or_default(),
        });
        teller
    }

    /// A node is linked.
    pub(crate) fn linked(&mut self, link: LinkId, hello: &NodeHello) {
        let NodeHello { node, incarnation, boot, .. } = hello;
        self.nodes.insert(link, node.clone());
        self.tell(|| GatewayFact::Linked {
            link: link.0,
            node: node.clone(),
            incarnation: *incarnation,
            boot: *boot,
        });
    }

    /// A link is lost, or was dropped.
    pub(crate) fn unlinked(&mut self, link: LinkId) {
        if let Some(node) = self.nodes.remove(&link) {
            self.tell(|| GatewayFact::Unlinked { link: link.0, node });
        }
    }

    /// The core is about to handle an event.
    pub(crate) fn hears(&self, event: &GatewayEvent) {
        if is_listened_to()
            && let GatewayEvent::NodeSays { link, message } = event
            && let Some(said) = said(message)
            && let Some(node) = self.nodes.get(link)
        {
            self.tell(|| GatewayFact::Hears { node: node.clone(), said });
        }
    }

    /// A new state is durable, and replaces the one before.
    pub(crate) fn saved(&self, before: &[Option<View>], after: &[Option<View>]) {
        for view in changed(before, after) {
            self.tell(|| GatewayFact::Publishes(*view));
        }
        for (before, after) in before.iter().zip(after) {
            if let (Some(view), None) = (before, after) {
                self.tell(|| GatewayFact::Forgets { partition: view.partition });
            }
        }
    }

    /// An effect is about to be carried out. `published` holds the views published by now.
    pub(crate) fn carries_out(&mut self, published: &[Option<View>], effect: &GatewayEffect) {
        match effect {
            GatewayEffect::Save(state) => {
                for view in changed(published, &state.views) {
                    self.tell(|| GatewayFact::Decides(*view));
                }
            }
            GatewayEffect::Drop { link, .. } => self.unlinked(*link),
            GatewayEffect::Send { link, message } => self.sends(*link, message, Framing::Shared),
            GatewayEffect::SendAlone { link, message } => {
                self.sends(*link, message, Framing::Alone)
            }
            GatewayEffect::Complete { .. }
            | GatewayEffect::Defect(_)
            | GatewayEffect::LossAccepted(_)
            | GatewayEffect::Changed => {}
        }
    }

    fn sends(&self, link: LinkId, message: &ToNode, framing: Framing) {
        let Some(node) = self.nodes.get(&link) else { return };
        let node = || node.clone();
        match message {
            ToNode::Welcome(welcome) => {
                self.tell(|| GatewayFact::Welcomes { node: node(), views: welcome.views.clone() });
            }
            ToNode::View(view) => self.tell(|| GatewayFact::Tells { node: node(), view: *view }),
            ToNode::Request(Request { call, partition, member, epoch, operation }) => {
                let (call, partition, member, epoch) = (*call, *partition, *member, *epoch);
                let request = match operation {
                    Operation::Read(_) => None,
                    Operation::Update(update) => Some(update.request),
                };
                let node = node();
                self.tell(|| GatewayFact::Requests {
                    node,
                    partition,
                    member,
                    epoch,
                    call,
                    request,
                    is_alone: framing == Framing::Alone,
                });
            }
            ToNode::Probe(probe) => {
                self.tell(|| GatewayFact::Probes { node: node(), probe: *probe })
            }
            ToNode::NextIsLinked(_)
            | ToNode::HomeIsLinked
            | ToNode::JoinerIsWhole { .. }
            | ToNode::AskRefused { .. }
            | ToNode::Goodbye(_) => {}
        }
    }

    fn tell(&self, event: impl FnOnce() -> GatewayFact) {
        emit(|| Event::Gateway { gateway: self.gateway, event: event() });
    }
}

/// The summary of a node's message, if it is of interest.
fn said(message: &FromNode) -> Option<Said> {
    Some(match message {
        FromNode::Report(report) => {
            Said::Report { home: report.home.condition, next: report.next.condition }
        }
        FromNode::Condition { partition, condition, .. } => {
            Said::Condition { partition: *partition, condition: *condition }
        }
        FromNode::Disk(state) => Said::Disk(*state),
        FromNode::NextUnreachable { partition, .. } => Said::NextUnreachable(*partition),
        FromNode::Goodbye(_) => Said::Goodbye,
        FromNode::Alive(probe) => Said::Alive(*probe),
        FromNode::Reply { call, .. } => Said::Reply(*call),
        FromNode::Undecodable { understood } => Said::Undecodable(*understood),
        FromNode::Progress(Progress { member, durable, condition: Condition::Whole, .. }) => {
            Said::Durable { member: *member, seq: *durable }
        }
        FromNode::Ask(_)
        | FromNode::ServesAlone { .. }
        | FromNode::NextReachable { .. }
        | FromNode::Compared { .. }
        | FromNode::Salvage { .. }
        | FromNode::Progress(_) => return None,
    })
}

/// The new or changed views.
pub(crate) fn changed<'a>(
    before: &'a [Option<View>],
    after: &'a [Option<View>],
) -> impl Iterator<Item = &'a View> {
    after.iter().filter(|view| !before.contains(view)).flatten()
}
