//! A node: its two copies, its place in the ring, and its links.
//!
//! ```text
//!                     NodeEvent                        NodeEffect
//!  gateway's link ------------------>  +--------+  -----------------> gateway's link
//!  links of both neighbours -------->  |  Node  |  -----------------> links of both neighbours
//!                                      | home   |
//!  a sync has returned ------------->  | next   |  -----------------> write (then sync)
//!  a read has returned ------------->  |        |  -----------------> read
//!  time has passed ----------------->  +--------+  -----------------> dial next, drop a link, stop
//! ```
//!
//! The driver hands in every event and carries out the effects in order. The driver holds no
//! rule of the protocol.

mod copy;
mod disk;
mod effect;
mod event;
mod formed;
mod gateway_end;
mod identity;
mod reports;
mod settings;

pub use effect::{DialNext, NodeEffect, StopReason};
pub use event::NodeEvent;
pub use identity::NodeIdentity;
pub use settings::NodeSettings;

use protocol::hello::{HomeHello, Membership, NodeHello};
use protocol::message::{CallId, CopyMessage, FromNode, Progress, Report, ToNode, Welcome};
use protocol::refusal::{Refusal, RefusalCode, Remedy};
use protocol::view::Member;

use self::copy::PartitionCopy;
use self::copy::context::{Context, Fault, GatewayLink};
use self::disk::Disk;
use self::formed::{Formed, Heard};
use self::gateway_end::GatewayEnd;
use self::reports::Reports;
use crate::link::LinkId;
use crate::store::{Mark, Mutation, ReadId, Recovered, RecoveredCopy, Stored};
use crate::time::{Time, earliest};

/// One `db_process`, without its I/O.
#[derive(Debug)]
pub struct Node {
    identity: NodeIdentity,
    settings: NodeSettings,
    formed: Option<Formed>,
    gateway: GatewayEnd,
    /// The last request received on the gateway's link.
    last_call: Option<CallId>,
    mark: Mark,
    disk: Disk,
    /// The number of the last read.
    read: ReadId,
    reports: Reports,
}

impl Node {
    /// Starts a node from the contents of its storage.
    ///
    /// # Errors
    ///
    /// When the node's cluster has no place for it.
    ///
    /// # Panics
    ///
    /// When a recovered view belongs to a partition without a copy on this node.
    pub fn recovered(
        identity: NodeIdentity,
        settings: NodeSettings,
        recovered: Recovered,
        now: Time,
    ) -> Result<Self, StopReason> {
        let Recovered { membership, home, next } = recovered;
        let formed = membership
            .map(|membership| Formed::new(&identity, &settings, membership, [home, next], now))
            .transpose()?;
        Ok(Self {
            identity,
            disk: Disk::new(settings.disk_deadline),
            settings,
            formed,
            gateway: GatewayEnd::Down,
            last_call: None,
            mark: Mark::default(),
            read: ReadId::default(),
            reports: Reports::from(now),
        })
    }

    /// The hello for the gateway.
    pub fn hello(&self) -> NodeHello {
        let NodeIdentity { node, incarnation, boot, address } = self.identity.clone();
        let membership = self.formed.as_ref().map(|formed| formed.membership.clone());
        NodeHello { node, incarnation, boot, address, membership }
    }

    /// The home copy; none before the node joins a cluster.
    pub fn home(&self) -> Option<&PartitionCopy> {
        self.formed.as_ref().map(|formed| &formed.home)
    }

    /// The next copy; none before the node joins a cluster.
    pub fn next(&self) -> Option<&PartitionCopy> {
        self.formed.as_ref().map(|formed| &formed.next)
    }

    /// The cluster of the node; none before it joins one.
    pub fn membership(&self) -> Option<&Membership> {
        self.formed.as_ref().map(|formed| &formed.membership)
    }

    /// Handles an event, and adds the work for the driver to `effects`.
    pub fn handle(
        &mut self,
        now: Time,
        event: NodeEvent,
        stored: &dyn Stored,
        effects: &mut Vec<NodeEffect>,
    ) {
        if let NodeEvent::Synced { mark } = event {
            self.disk.synced(now, mark);
        }
        let handled = self.dispatch(now, event, stored, effects);
        if let Err(fault) = handled {
            self.recover(now, fault, stored, effects);
        }
        self.disk.wrote(now, self.mark);
        self.report_disk(now, effects);
        self.report_progress(now, effects);
    }

    /// The latest time for the next [`NodeEvent::Tick`].
    pub fn next_deadline(&self) -> Option<Time> {
        let gateway = self.gateway.welcomed();
        let copies = self.formed.as_ref().map(|formed| [&formed.home, &formed.next]);
        let copies = copies.into_iter().flatten().map(|copy| copy.deadline(gateway.is_some()));
        let report = gateway.and_then(|_| self.reports.deadline(self.progress()));
        let disk = gateway.and_then(|_| self.disk.news_at());
        earliest(copies.chain([report, disk, self.disk.deadline()]))
    }

    fn dispatch(
        &mut self,
        now: Time,
        event: NodeEvent,
        stored: &dyn Stored,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), Fault> {
        match event {
            NodeEvent::GatewayLinked { link } => {
                self.gateway_gone();
                self.gateway = GatewayEnd::Unwelcomed(link);
                self.last_call = None;
                let message = FromNode::Report(self.report());
                effects.push(NodeEffect::ToGateway { link, message });
                return Ok(());
            }
            NodeEvent::GatewayLost { link } if self.gateway.is(link) => {
                self.gateway_gone();
                return Ok(());
            }
            NodeEvent::GatewaySays { link, message } if self.gateway.is(link) => {
                return self.gateway_says(now, link, message, stored, effects);
            }
            NodeEvent::GatewayUndecodable { link } if self.gateway.is(link) => {
                let message = FromNode::Undecodable { understood: self.last_call };
                effects.push(NodeEffect::ToGateway { link, message });
                return Err(Fault::undecodable(link));
            }
            NodeEvent::GatewayLost { .. }
            | NodeEvent::GatewaySays { .. }
            | NodeEvent::GatewayUndecodable { .. } => return Ok(()),
            NodeEvent::NeighbourUndecodable { from, link } => {
                let fault = Fault::undecodable(link);
                if let Fault::Drop(_, refusal) = &fault {
                    let message = CopyMessage::Goodbye(refusal.clone());
                    effects.push(NodeEffect::ToNeighbour { to: from, link, message });
                }
                return Err(fault);
            }
            NodeEvent::HomeLinked { link, ref hello } => {
                if let Err(refusal) = self.admit(hello) {
                    let (to, message) = (Member::Home, CopyMessage::Goodbye(refusal.clone()));
                    effects.push(NodeEffect::ToNeighbour { to, link, message });
                    return Err(Fault::Drop(link, refusal));
                }
            }
            _ => {}
        }
        let (Some(formed), mut cx) = self.split(now, stored, effects) else { return Ok(()) };
        let cx = &mut cx;
        match event {
            NodeEvent::NextLinked { link, incarnation } => {
                let before = formed.home.neighbour_linked(cx, link, incarnation);
                replace(cx, before, "next was dialled again");
            }
            NodeEvent::HomeLinked { link, hello } => {
                let before = formed.next.neighbour_linked(cx, link, hello.incarnation);
                replace(cx, before, "home has connected again");
            }
            NodeEvent::NeighbourSays { from, link, message } => {
                formed.copy(from.other()).neighbour_says(cx, link, message)?;
            }
            NodeEvent::NeighbourLost { from, link } => {
                formed.copy(from.other()).neighbour_lost(cx, link)?;
            }
            // Both copies get this event, even if one returns a fault: it does not come again.
            NodeEvent::Synced { mark } => {
                let heard = (formed.home.synced(cx, mark), formed.next.synced(cx, mark));
                return self.recover_both(now, heard, stored, effects);
            }
            NodeEvent::Read { read, member, result } => {
                formed.copy(member).has_read(cx, read, result)?;
            }
            NodeEvent::Tick => {
                let heard = (formed.home.tick(cx), formed.next.tick(cx));
                return self.recover_both(now, heard, stored, effects);
            }
            NodeEvent::GatewayLinked { .. }
            | NodeEvent::GatewaySays { .. }
            | NodeEvent::GatewayUndecodable { .. }
            | NodeEvent::GatewayLost { .. }
            | NodeEvent::NeighbourUndecodable { .. } => {}
        }
        Ok(())
    }

    /// The state of the copies, for the controller to judge.
    fn report(&mut self) -> Report {
        self.formed.as_mut().map_or_else(Report::default, |formed| Report {
            home: formed.home.report(),
            next: formed.next.report(),
        })
    }

    fn gateway_says(
        &mut self,
        now: Time,
        link: LinkId,
        message: ToNode,
        stored: &dyn Stored,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), Fault> {
        match (self.gateway, message) {
            (_, ToNode::Goodbye(refusal)) => Err(match refusal.code.remedy() {
                Remedy::Operator => Fault::Stop(StopReason::Refused(refusal)),
                Remedy::Retry | Remedy::Wait => Fault::Drop(link, refusal),
            }),
            (_, ToNode::Probe(probe)) => {
                effects.push(NodeEffect::ToGateway { link, message: FromNode::Alive(probe) });
                Ok(())
            }
            (GatewayEnd::Unwelcomed(_), ToNode::Welcome(welcome)) => {
                self.join_cluster(now, link, &welcome, effects)?;
                let (Some(formed), mut cx) = self.split(now, stored, effects) else {
                    return Ok(());
                };
                let heard = formed.welcomed(&mut cx, welcome);
                self.recover_both(now, heard, stored, effects)
            }
            (GatewayEnd::Welcomed(_), message) => {
                if let ToNode::Request(request) = &message {
                    self.last_call = Some(request.call);
                }
                let (Some(formed), mut cx) = self.split(now, stored, effects) else {
                    return Ok(());
                };
                formed.gateway_says(&mut cx, message)
            }
            (GatewayEnd::Down | GatewayEnd::Unwelcomed(_), _) => {
                Err(Fault::protocol_error(link, "a message before the welcome"))
            }
        }
    }

    /// Judges a node that dials as the home node of our next copy.
    fn admit(&self, hello: &HomeHello) -> Result<(), Refusal> {
        match &self.formed {
            Some(formed) => formed.admit(hello),
            None => {
                let detail = format!("{} is not a member of a cluster yet", self.identity.node);
                Err(Refusal::new(RefusalCode::NotReady, detail))
            }
        }
    }

    /// Takes the node's place in the cluster: its earlier place, or a new one.
    fn join_cluster(
        &mut self,
        now: Time,
        link: LinkId,
        welcome: &Welcome,
        effects: &mut Vec<NodeEffect>,
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
                let formed =
                    Formed::new(&self.identity, &self.settings, membership.clone(), copies, now);
                self.formed = Some(formed.map_err(Fault::Stop)?);
                self.mark = self.mark.next();
                effects.push(NodeEffect::Write {
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

    /// Goes on after a fault: drops the link, or stops the node.
    fn recover(
        &mut self,
        now: Time,
        fault: Fault,
        stored: &dyn Stored,
        effects: &mut Vec<NodeEffect>,
    ) {
        let (link, refusal) = match fault {
            Fault::Stop(reason) => return effects.push(NodeEffect::Stop(reason)),
            Fault::Drop(link, refusal) => (link, refusal),
            Fault::Damaged(what) => unreachable!("a copy bears its damage: {what}"),
        };
        effects.push(NodeEffect::Drop { link, refusal });
        for lost in [
            NodeEvent::GatewayLost { link },
            NodeEvent::NeighbourLost { from: Member::Next, link },
            NodeEvent::NeighbourLost { from: Member::Home, link },
        ] {
            if let Err(fault) = self.dispatch(now, lost, stored, effects) {
                self.recover(now, fault, stored, effects);
            }
        }
    }

    /// Goes on after faults of both copies: handles one here, and returns the other to the
    /// caller.
    fn recover_both(
        &mut self,
        now: Time,
        heard: Heard,
        stored: &dyn Stored,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), Fault> {
        match heard {
            (Err(home), Err(next)) => {
                self.recover(now, home, stored, effects);
                Err(next)
            }
            (home, next) => home.and(next),
        }
    }

    fn progress(&self) -> [Option<Progress>; 2] {
        let formed = self.formed.as_ref();
        formed.map_or([None, None], |formed| {
            [Some(formed.home.progress()), Some(formed.next.progress())]
        })
    }

    fn report_progress(&mut self, now: Time, effects: &mut Vec<NodeEffect>) {
        let Some(GatewayLink { link, .. }) = self.gateway.welcomed() else { return };
        let news = self.reports.due(now, self.settings.progress_interval, self.progress());
        effects.extend(
            news.into_iter().flatten().map(|progress| NodeEffect::ToGateway {
                link,
                message: FromNode::Progress(progress),
            }),
        );
    }

    /// The copies, and the context for their methods.
    fn split<'a>(
        &'a mut self,
        now: Time,
        stored: &'a dyn Stored,
        effects: &'a mut Vec<NodeEffect>,
    ) -> (Option<&'a mut Formed>, Context<'a>) {
        let gateway = self.gateway.welcomed();
        let (mark, read) = (&mut self.mark, &mut self.read);
        let cx = Context { now, stored, gateway, mark, read, effects };
        (self.formed.as_mut(), cx)
    }
}

/// Drops the old link after a new one has replaced it.
fn replace(cx: &mut Context<'_>, before: Option<LinkId>, detail: &str) {
    if let Some(link) = before {
        let refusal = Refusal::new(RefusalCode::Replaced, detail);
        cx.effects.push(NodeEffect::Drop { link, refusal });
    }
}
