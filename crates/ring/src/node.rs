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
mod gateway_link;
mod identity;
mod reports;
mod settings;

pub use effect::{DialNext, NodeEffect, StopReason};
pub use event::NodeEvent;
pub use identity::NodeIdentity;
pub use settings::NodeSettings;

use protocol::hello::{HomeHello, Membership, NodeHello};
use protocol::message::{CallId, CopyMessage, DiskState, FromNode, Progress};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::Member;

use self::copy::PartitionCopy;
use self::copy::context::{Context, Fault, GatewayLink, undecodable};
use self::copy::event::CopyEvent;
use self::disk::Disk;
use self::formed::{Formed, Heard};
use self::gateway_end::GatewayEnd;
use self::reports::Reports;
use crate::link::LinkId;
use crate::store::{Mark, ReadId, Recovered, Stored};
use crate::time::{Time, earliest};

/// What a node is handed with every event.
struct Turn<'a> {
    now: Time,
    /// What of the storage is at hand.
    stored: &'a dyn Stored,
    effects: &'a mut Vec<NodeEffect>,
}

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
        self.disk.look(now);
        let mut turn = Turn { now, stored, effects };
        if let Err(fault) = self.dispatch(&mut turn, event) {
            self.recover(&mut turn, fault);
        }
        self.disk.has_begun(now, self.mark, self.read);
        self.report_disk(now, effects);
        self.report_progress(now, effects);
    }

    /// The latest time for the next [`NodeEvent::Tick`].
    pub fn next_deadline(&self) -> Option<Time> {
        let gateway = self.gateway.welcomed();
        let copies = self.formed.as_ref().map(|formed| [&formed.home, &formed.next]);
        let copies = copies.into_iter().flatten().map(|copy| copy.deadline(gateway));
        let report = gateway.and_then(|_| self.reports.deadline(self.progress()));
        let disk = gateway.and_then(|_| self.disk.news_at());
        let disk = [disk, self.disk.deadline(), self.disk.look_due()];
        earliest(copies.chain([report]).chain(disk))
    }

    fn dispatch(&mut self, turn: &mut Turn<'_>, event: NodeEvent) -> Result<(), Fault> {
        match event {
            NodeEvent::GatewayLinked { link } => {
                self.gateway_linked(turn, link);
                Ok(())
            }
            NodeEvent::GatewaySays { link, message } if self.gateway.is(link) => {
                self.gateway_says(turn, link, message)
            }
            NodeEvent::GatewayUndecodable { link } if self.gateway.is(link) => {
                let message = FromNode::Undecodable { understood: self.last_call };
                turn.effects.push(NodeEffect::ToGateway { link, message });
                Err(Fault::Drop(link, undecodable()))
            }
            // The link is gone.
            NodeEvent::GatewaySays { .. } | NodeEvent::GatewayUndecodable { .. } => Ok(()),
            NodeEvent::GatewayLost { link } => {
                self.gateway_lost(link);
                Ok(())
            }
            NodeEvent::NextLinked { link, incarnation } => {
                self.copy_handles(turn, Member::Home, CopyEvent::Linked { link, incarnation })
            }
            NodeEvent::HomeLinked { link, hello } => self.home_linked(turn, link, &hello),
            NodeEvent::NeighbourSays { from, link, message } => {
                self.copy_handles(turn, from.other(), CopyEvent::Said { link, message })
            }
            NodeEvent::NeighbourUndecodable { from, link } => {
                Err(say_goodbye(turn, from, link, undecodable()))
            }
            NodeEvent::NeighbourLost { from, link } => {
                self.copy_handles(turn, from.other(), CopyEvent::LinkLost { link })
            }
            NodeEvent::Synced { mark } => {
                self.disk.synced(turn.now, mark);
                self.both_handle(turn, CopyEvent::Synced { mark }, CopyEvent::Synced { mark })
            }
            NodeEvent::Read { read, member, result } => {
                self.disk.has_read(turn.now);
                self.copy_handles(turn, member, CopyEvent::Read { read, result })
            }
            NodeEvent::Tick => self.both_handle(turn, CopyEvent::Tick, CopyEvent::Tick),
        }
    }

    fn copy_handles(
        &mut self,
        turn: &mut Turn<'_>,
        member: Member,
        event: CopyEvent,
    ) -> Result<(), Fault> {
        let (Some(formed), mut cx) = self.split(turn) else { return Ok(()) };
        formed.copy(member).handle(&mut cx, event)
    }

    /// Both copies get an event, even if one returns a fault: it does not come again.
    fn both_handle(
        &mut self,
        turn: &mut Turn<'_>,
        home: CopyEvent,
        next: CopyEvent,
    ) -> Result<(), Fault> {
        let (Some(formed), mut cx) = self.split(turn) else { return Ok(()) };
        let heard = formed.handle(&mut cx, home, next);
        self.recover_both(turn, heard)
    }

    /// Judges a node that dials as the home node of our next copy, and links it.
    fn home_linked(
        &mut self,
        turn: &mut Turn<'_>,
        link: LinkId,
        hello: &HomeHello,
    ) -> Result<(), Fault> {
        if let Err(refusal) = self.admit(hello) {
            return Err(say_goodbye(turn, Member::Home, link, refusal));
        }
        let incarnation = hello.incarnation;
        self.copy_handles(turn, Member::Next, CopyEvent::Linked { link, incarnation })
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

    /// Goes on after a fault: drops the link, or stops the node.
    fn recover(&mut self, turn: &mut Turn<'_>, fault: Fault) {
        let (link, refusal) = match fault {
            Fault::Stop(reason) => return turn.effects.push(NodeEffect::Stop(reason)),
            Fault::Drop(link, refusal) => (link, refusal),
            Fault::Damaged(what) => unreachable!("a copy handles its damage: {what}"),
        };
        turn.effects.push(NodeEffect::Drop { link, refusal });
        self.gateway_lost(link);
        for member in Member::ALL {
            if let Err(fault) = self.copy_handles(turn, member, CopyEvent::LinkLost { link }) {
                self.recover(turn, fault);
            }
        }
    }

    /// Goes on after faults of both copies: handles one here, and returns the other to the
    /// caller.
    fn recover_both(&mut self, turn: &mut Turn<'_>, heard: Heard) -> Result<(), Fault> {
        match heard {
            Heard { home: Err(home), next: Err(next) } => {
                self.recover(turn, home);
                Err(next)
            }
            Heard { home, next } => home.and(next),
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

    /// Tells the gateway whether the disk answers. Ends the node if the disk has been silent for
    /// too long.
    fn report_disk(&mut self, now: Time, effects: &mut Vec<NodeEffect>) {
        if self.disk.give_up(now) {
            let limit = self.settings.disk_deadline;
            return effects.push(NodeEffect::Stop(StopReason::DiskSilent(limit)));
        }
        let Some(GatewayLink { link, .. }) = self.gateway.welcomed() else { return };
        let Some(state) = self.disk.news(now) else { return };
        if state == DiskState::Silent {
            let what = "the disk does not answer: no write or sync has returned for a second. This node counts as lost \
                        until one does; look at the disk, and at what else uses it";
            effects.push(NodeEffect::Alarm(what.to_owned()));
        }
        effects.push(NodeEffect::ToGateway { link, message: FromNode::Disk(state) });
    }

    /// The copies, and the context for their methods.
    fn split<'a>(&'a mut self, turn: &'a mut Turn<'_>) -> (Option<&'a mut Formed>, Context<'a>) {
        let gateway = self.gateway.welcomed();
        let (mark, read) = (&mut self.mark, &mut self.read);
        let Turn { now, stored, effects } = turn;
        let cx = Context { now: *now, stored: *stored, gateway, mark, read, effects };
        (self.formed.as_mut(), cx)
    }
}

/// Tells a neighbour why its link is dropped.
fn say_goodbye(turn: &mut Turn<'_>, to: Member, link: LinkId, refusal: Refusal) -> Fault {
    let message = CopyMessage::Goodbye(refusal.clone());
    turn.effects.push(NodeEffect::ToNeighbour { to, link, message });
    Fault::Drop(link, refusal)
}
