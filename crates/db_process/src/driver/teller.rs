//! Emits events about the inside of a node, if anyone listens: see [`service::events`].

use protocol::id::{NodeId, PartitionId, Position, Seq};
use protocol::message::{CopyMessage, Data, FromNode, Greeting, Holds, Progress, Reply, ToNode};
use protocol::view::{Member, View};
use ring_core::node::{Node, NodeEffect, NodeEvent, NodeIdentity};
use ring_core::store::{Mutation, ReadWhat, Recovered, RecoveredCopy};
use service::events::{Event, FoundCopy, NodeFact, Peer, ReplyKind, emit, is_listened_to};

/// Emits events about the inside of a node.
pub(crate) struct Teller {
    node: NodeId,
    /// The peer heard last: the core acts on its message.
    heard_from: Peer,
    home: LastTold,
    next: LastTold,
}

/// The last view and progress emitted for a copy.
#[derive(Default)]
struct LastTold {
    view: Option<View>,
    progress: Option<Progress>,
}

impl Teller {
    pub(crate) fn new(node: NodeId) -> Self {
        let (home, next) = (LastTold::default(), LastTold::default());
        Self { node, heard_from: Peer::Gateway, home, next }
    }

    /// Emits the start of the node, with its recovered state.
    pub(crate) fn starts(identity: &NodeIdentity, recovered: &Recovered) {
        let found = |copy: &RecoveredCopy| FoundCopy {
            view: copy.view,
            written: copy.written(),
            log_from: copy.log_from,
            condition: copy.condition(),
        };
        emit(|| Event::Node {
            node: identity.node.clone(),
            event: NodeFact::Starts {
                incarnation: identity.incarnation,
                boot: identity.boot,
                home: found(&recovered.home),
                next: found(&recovered.next),
            },
        });
    }

    /// Emits an event that the core is about to handle, and notes its sender.
    pub(super) fn hears(&mut self, event: &NodeEvent) {
        let message = match event {
            NodeEvent::GatewaySays { message, .. } => message,
            NodeEvent::NeighbourSays { from, .. } => {
                self.heard_from = match from {
                    Member::Home => Peer::Home,
                    Member::Next => Peer::Next,
                };
                return;
            }
            NodeEvent::GatewayLost { .. } => return self.tell(|| NodeFact::Leaves),
            _ => return,
        };
        self.heard_from = Peer::Gateway;
        match message {
            ToNode::Welcome(welcome) => {
                self.tell(|| NodeFact::Joins { gateway: welcome.gateway_boot });
            }
            ToNode::AskRefused { partition, ask } => {
                self.tell(|| NodeFact::AskRefused { partition: *partition, ask: *ask });
            }
            ToNode::View(_)
            | ToNode::NextIsLinked(_)
            | ToNode::HomeIsLinked
            | ToNode::JoinerIsWhole { .. }
            | ToNode::Request(_)
            | ToNode::Probe(_)
            | ToNode::Goodbye(_) => {}
        }
    }

    /// Emits the changes of both copies: the core has handled an event, and its effects are not
    /// yet carried out.
    pub(super) fn has_handled(&mut self, core: &Node) {
        if !is_listened_to() {
            return;
        }
        let home = core.home().map(|copy| (copy.view().copied(), copy.progress()));
        let next = core.next().map(|copy| (copy.view().copied(), copy.progress()));
        for (member, copy, last) in
            [(Member::Home, home, &mut self.home), (Member::Next, next, &mut self.next)]
        {
            let Some((view, progress)) = copy else { continue };
            if let Some(view) = view.filter(|view| last.view.replace(*view) != Some(*view)) {
                tell(&self.node, || NodeFact::Acts { member, view });
            }
            if last.progress.replace(progress) != Some(progress) {
                tell(&self.node, || NodeFact::Comes(progress));
            }
        }
    }

    /// Emits an effect before it is carried out.
    pub(super) fn carries_out(&self, core: &Node, effect: &NodeEffect) {
        match effect {
            NodeEffect::Write { mutation: Mutation::Apply { member, entry, .. }, .. } => {
                let Some(partition) = partition_of(core, *member) else { return };
                let (member, position, request) = (*member, entry.position, entry.request);
                self.tell(|| NodeFact::Applies { partition, member, position, request });
            }
            NodeEffect::Write { mutation: Mutation::View { member, view }, .. } => {
                let (member, view, from) = (*member, *view, self.heard_from);
                self.tell(|| NodeFact::Stores { member, view, from });
            }
            NodeEffect::Write { mutation: Mutation::Install { member, base }, .. } => {
                let Some(partition) = partition_of(core, *member) else { return };
                let base = base.as_ref().map_or(Position::ZERO, |base| base.position);
                self.tell(|| NodeFact::BeginsInstall { partition, member: *member, base });
            }
            NodeEffect::Write { mutation: Mutation::Chunk { member, then, .. }, .. } => {
                let Some(partition) = partition_of(core, *member) else { return };
                let (member, is_complete) = (*member, then.is_none());
                self.tell(|| NodeFact::Installs { partition, member, is_complete });
            }
            NodeEffect::Read { member, what: ReadWhat::Record(_), .. } => {
                self.tell(|| NodeFact::ReadsApart { member: *member });
            }
            NodeEffect::ComparisonSkipped { member } => {
                self.tell(|| NodeFact::SkipsComparison { member: *member });
            }
            NodeEffect::ToNeighbour {
                to,
                message: CopyMessage::Data { view, data: Data::Append { previous, entries }, .. },
                ..
            } => {
                let last = entries.last().map_or(*previous, |entry| entry.position);
                let (to, view, previous) = (*to, *view, *previous);
                self.tell(|| NodeFact::Appends { to, view, previous, last });
            }
            NodeEffect::ToNeighbour { to, message, .. } => {
                let (Some((seq, is_whole)), member) = (acknowledged(message), to.other()) else {
                    return;
                };
                let Some(partition) = partition_of(core, member) else { return };
                self.tell(|| NodeFact::Acknowledges { partition, member, seq, is_whole });
            }
            NodeEffect::Write { mutation: Mutation::MarkDamaged { member }, .. } => {
                let Some(partition) = partition_of(core, *member) else { return };
                self.tell(|| NodeFact::FindsDamage { partition, member: *member });
            }
            NodeEffect::Write {
                mutation: Mutation::Salvage { member, row, is_damaged, dropped, .. },
                ..
            } => {
                let Some(partition) = partition_of(core, *member) else { return };
                let (member, records) = (*member, dropped.len());
                let ended = row.salvage.ended && !is_damaged;
                self.tell(|| NodeFact::Salvages { partition, member, records, ended });
            }
            NodeEffect::ToGateway {
                message: FromNode::Compared { partition, verdict }, ..
            } => {
                self.tell(|| NodeFact::Compares { partition: *partition, verdict: *verdict });
            }
            NodeEffect::ToGateway { message: FromNode::Disk(state), .. } => {
                self.tell(|| NodeFact::TellsDisk { state: *state });
            }
            NodeEffect::ToGateway { message: FromNode::Ask(ask), .. } => {
                self.tell(|| NodeFact::Asks(*ask));
            }
            NodeEffect::ToGateway { message: FromNode::Reply { call, reply }, .. } => {
                let (call, (reply, position)) = (*call, shown(reply));
                self.tell(|| NodeFact::Replies { call, reply, position });
            }
            _ => {}
        }
    }

    /// Emits the end of an overtaken read: its record is not the newest any more.
    pub(super) fn read_overtaken(&self, member: Member) {
        self.tell(|| NodeFact::ReadOvertaken { member });
    }

    fn tell(&self, event: impl FnOnce() -> NodeFact) {
        tell(&self.node, event);
    }
}

fn partition_of(core: &Node, member: Member) -> Option<PartitionId> {
    let copy = match member {
        Member::Home => core.home(),
        Member::Next => core.next(),
    };
    Some(copy?.partition())
}

/// The last durable entry of the message's sender, and whether the message says that its copy is
/// whole up to there. `None` for a message without such an acknowledgement.
fn acknowledged(message: &CopyMessage) -> Option<(Seq, bool)> {
    match message {
        CopyMessage::Greeting(Greeting { holds: Holds::Whole(position), .. }) => {
            Some((position.seq, true))
        }
        CopyMessage::Greeting(Greeting { holds: Holds::Part(position, _), .. }) => {
            Some((position.seq, false))
        }
        CopyMessage::Durable { seq, .. } => Some((*seq, false)),
        CopyMessage::Greeting(_)
        | CopyMessage::Data { .. }
        | CopyMessage::Compared { .. }
        | CopyMessage::Goodbye(_) => None,
    }
}

fn tell(node: &NodeId, event: impl FnOnce() -> NodeFact) {
    emit(|| Event::Node { node: node.clone(), event: event() });
}

fn shown(reply: &Reply) -> (ReplyKind, Option<Position>) {
    match reply {
        Reply::Done(answer) => (ReplyKind::Done, answer.position()),
        Reply::Fenced => (ReplyKind::Fenced, None),
        Reply::Settled => (ReplyKind::Settled, None),
    }
}
