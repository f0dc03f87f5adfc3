//! What nodes say: who may say what, and what is remembered of it.

use protocol::id::PartitionId;
use protocol::message::{Ask, Condition, DiskState, FromNode, Progress};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::salvage::Salvage;
use protocol::view::Member;

use super::admission::Admitting;
use super::alive::NoticedLosses;
use super::decide::Asks;
use super::nodes::KnownNodes;
use super::publish::Restored;
use super::states::States;
use super::unheard::Unheard;
use crate::link::LinkId;
use crate::placement::{Place, Ring};

/// So much is kept of what a node says when it ends.
const LAST_WORDS_BYTES_MAX: usize = 1024;

/// Hears nodes. It remembers what they say of themselves and of their copies.
pub(super) struct Hearing<'a> {
    pub(super) ring: &'a Ring,
    pub(super) states: &'a States,
    pub(super) nodes: &'a mut KnownNodes,
    pub(super) losses: &'a mut NoticedLosses,
    pub(super) asks: &'a mut Asks,
    pub(super) unheard: &'a mut Unheard,
    pub(super) restored: &'a mut Restored,
}

impl Hearing<'_> {
    /// A message from a node that is not a reply. Of links that are gone nothing is heard any more.
    pub(super) fn hear(&mut self, link: LinkId, message: FromNode) -> Result<(), Refusal> {
        let Some(place) = self.nodes.place_of_link(link) else { return Ok(()) };
        self.judge(place, &message)?;
        self.take(place, message);
        Ok(())
    }

    /// Whether a node may say this now, and of a copy that it has.
    fn judge(&self, place: Place, message: &FromNode) -> Result<(), Refusal> {
        let Some(linked) = self.nodes.linked(place) else { return Ok(()) };
        let of_member = |partition: PartitionId, members: &[Member]| {
            let holds = |member: &Member| self.ring.partition_at(place, *member) == partition;
            let detail =
                || format!("{} speaks of {partition}, which is not its", linked.hello.node);
            if members.iter().any(holds) { Ok(()) } else { Err(protocol_error(detail())) }
        };
        match message {
            FromNode::Report(report) if linked.report.is_none() => {
                let Self { ring, states, nodes, .. } = self;
                Admitting { ring, states, nodes }.admit_report(linked, place, report)
            }
            FromNode::Report(_) => Err(protocol_error("a second report")),
            FromNode::Alive(probe) if *probe > linked.probed => {
                Err(protocol_error("an answer to a probe that was not sent"))
            }
            FromNode::Goodbye(_) | FromNode::Alive(_) => Ok(()),
            _ if !linked.is_welcomed => Err(protocol_error("a message before the welcome")),
            FromNode::Ask(Ask { partition, .. })
            | FromNode::Condition { partition, .. }
            | FromNode::Salvage { partition, .. }
            | FromNode::Compared { partition, .. } => of_member(*partition, &Member::ALL),
            FromNode::ServesAlone { partition, .. }
            | FromNode::NextUnreachable { partition, .. }
            | FromNode::NextReachable { partition } => of_member(*partition, &[Member::Home]),
            FromNode::Progress(Progress { partition, member, .. }) => {
                of_member(*partition, &[*member])
            }
            FromNode::Disk(_) => Ok(()),
            FromNode::Reply { .. } | FromNode::Undecodable { .. } => {
                unreachable!("what concerns requests is the router's")
            }
        }
    }

    /// Remembers what a node says, after it was judged.
    fn take(&mut self, place: Place, message: FromNode) {
        if let Some(lost) = self.loss_told(place, &message) {
            self.losses.notice(self.nodes, lost);
        }
        let home_of = self.ring.partition_at(place, Member::Home);
        let member_of = |partition| if partition == home_of { Member::Home } else { Member::Next };
        let is_outdated = self.is_outdated(&message);
        let node = self.nodes.get_mut(place);
        let Some(linked) = node.link.as_mut() else { return };
        match message {
            FromNode::Report(report) => {
                for member in Member::ALL {
                    let condition = report.copy(member).condition;
                    linked.conditions.insert(member, condition);
                    node.conditions.insert(member, (linked.hello.incarnation, condition));
                    if condition != Condition::Whole {
                        // It is to be replaced, by what may be less.
                        node.durable.remove(&member);
                    }
                }
                linked.report = Some(report);
            }
            FromNode::Ask(ask) => {
                self.asks.insert(ask.partition, (linked.link, ask));
            }
            FromNode::ServesAlone { partition, epoch } => self.unheard.heard(partition, epoch),
            FromNode::NextUnreachable { epoch, .. } => linked.unreachable = Some(epoch),
            FromNode::NextReachable { .. } => linked.unreachable = None,
            FromNode::Condition { partition, condition, .. } => {
                let member = member_of(partition);
                if condition != Condition::Whole {
                    // It is to be replaced, by what may be less.
                    node.durable.remove(&member);
                }
                if is_outdated {
                    return;
                }
                node.conditions.insert(member, (linked.hello.incarnation, condition));
                let before = linked.conditions.insert(member, condition);
                if condition == Condition::Whole && before != Some(Condition::Whole) {
                    self.restored.insert((partition, member));
                }
            }
            FromNode::Compared { partition, verdict } => {
                node.compared.insert(member_of(partition), verdict);
            }
            FromNode::Salvage { partition, mut salvage } => {
                salvage.ids.truncate(Salvage::IDS_MAX);
                node.salvages.insert(member_of(partition), salvage);
            }
            FromNode::Progress(progress) => {
                if progress.condition == Condition::Whole {
                    let durable = (linked.hello.incarnation, progress.durable);
                    node.durable.insert(progress.member, durable);
                }
                node.progress.insert(progress.member, progress);
            }
            FromNode::Disk(state) => {
                linked.disk = state;
                if state == DiskState::Answers {
                    let copies =
                        Member::ALL.map(|member| (self.ring.partition_at(place, member), member));
                    self.restored.extend(copies);
                }
            }
            FromNode::Alive(probe) => linked.answered = linked.answered.max(probe),
            FromNode::Goodbye(mut reason) => {
                reason.truncate(reason.floor_char_boundary(LAST_WORDS_BYTES_MAX));
                node.last_words = Some(reason);
            }
            FromNode::Reply { .. } | FromNode::Undecodable { .. } => {}
        }
    }

    /// Whether a copy speaks of what it is worth under a view that is over: it says that again
    /// under each view.
    fn is_outdated(&self, message: &FromNode) -> bool {
        let FromNode::Condition { partition, epoch, .. } = message else { return false };
        let view = self.states.decided().and_then(|state| state.view(*partition));
        view.is_some_and(|view| view.epoch > *epoch)
    }

    /// The node that a view may have to do without from now on, by what a node says.
    fn loss_told(&self, place: Place, message: &FromNode) -> Option<Place> {
        let is_lost = match message {
            FromNode::Report(report) => {
                let is_damaged = |member| report.copy(member).condition != Condition::Whole;
                Member::ALL.into_iter().any(is_damaged)
            }
            FromNode::Condition { condition, .. } => *condition != Condition::Whole,
            FromNode::Disk(state) => *state == DiskState::Silent,
            FromNode::Goodbye(_) => true,
            FromNode::NextUnreachable { .. } => return Some(self.ring.next(place)),
            FromNode::Ask(_)
            | FromNode::ServesAlone { .. }
            | FromNode::NextReachable { .. }
            | FromNode::Salvage { .. }
            | FromNode::Compared { .. }
            | FromNode::Progress(_)
            | FromNode::Alive(_)
            | FromNode::Reply { .. }
            | FromNode::Undecodable { .. } => false,
        };
        is_lost.then_some(place)
    }
}

fn protocol_error(detail: impl Into<String>) -> Refusal {
    Refusal::new(RefusalCode::ProtocolError, detail)
}
