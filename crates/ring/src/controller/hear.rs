//! What nodes say: who may say what, and what is remembered of it.

use protocol::id::PartitionId;
use protocol::message::{Ask, Condition, FromNode, Progress};
use protocol::refusal::Refusal;
use protocol::view::Member;

use super::{Controller, protocol_error};
use crate::link::LinkId;
use crate::placement::Place;

/// So much is kept of what a node says when it ends.
const LAST_WORDS_BYTES_MAX: usize = 1024;

impl Controller {
    /// A message from a node that is not a reply. Of links that are gone nothing is heard any more.
    pub(crate) fn hear(&mut self, link: LinkId, message: FromNode) -> Result<(), Refusal> {
        let Some(place) = self.place_of_link(link) else { return Ok(()) };
        self.judge(place, &message)?;
        self.take(place, message);
        Ok(())
    }

    /// Whether a node may say this now, and of a copy that it has.
    fn judge(&self, place: Place, message: &FromNode) -> Result<(), Refusal> {
        let Some(linked) = self.linked(place) else { return Ok(()) };
        let of_member = |partition: PartitionId, members: &[Member]| {
            let holds = |member: &Member| self.ring.partition_at(place, *member) == partition;
            let detail =
                || format!("{} speaks of {partition}, which is not its", linked.hello.node);
            if members.iter().any(holds) { Ok(()) } else { Err(protocol_error(detail())) }
        };
        match message {
            FromNode::Report(report) if linked.report.is_none() => {
                self.admit_report(linked, place, report)
            }
            FromNode::Report(_) => Err(protocol_error("a second report")),
            FromNode::Goodbye(_) => Ok(()),
            _ if !linked.is_welcomed => Err(protocol_error("a message before the welcome")),
            FromNode::Ask(Ask { partition, .. })
            | FromNode::Condition { partition, .. }
            | FromNode::Compared { partition, .. } => of_member(*partition, &Member::ALL),
            FromNode::ServesAlone { partition, .. }
            | FromNode::NextUnreachable { partition, .. }
            | FromNode::NextReachable { partition } => of_member(*partition, &[Member::Home]),
            FromNode::Progress(Progress { partition, member, .. }) => {
                of_member(*partition, &[*member])
            }
            FromNode::Reply { .. } => unreachable!("replies are the router's"),
        }
    }

    /// Remembers what a node says, after it was judged.
    fn take(&mut self, place: Place, message: FromNode) {
        let home_of = self.ring.partition_at(place, Member::Home);
        let member_of = |partition| if partition == home_of { Member::Home } else { Member::Next };
        let epoch_of = |partition| self.decided()?.view(partition).map(|view| view.epoch);
        let is_outdated = match &message {
            FromNode::Condition { partition, epoch, .. } => epoch_of(*partition) > Some(*epoch),
            _ => false,
        };
        let node = self.nodes.entry(place).or_default();
        let Some(linked) = node.link.as_mut() else { return };
        match message {
            FromNode::Report(report) => {
                let condition = |member: Member| (member, report.copy(member).condition);
                linked.conditions = Member::ALL.into_iter().map(condition).collect();
                linked.report = Some(report);
            }
            FromNode::Ask(ask) => {
                self.asks.insert(ask.partition, (linked.link, ask));
            }
            FromNode::ServesAlone { partition, epoch } => {
                if self.unheard.get(&partition).is_some_and(|(of, _)| *of <= epoch) {
                    self.unheard.remove(&partition);
                }
            }
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
                let before = linked.conditions.insert(member, condition);
                if condition == Condition::Whole && before != Some(Condition::Whole) {
                    self.restored.insert((partition, member));
                }
            }
            FromNode::Compared { partition, verdict } => {
                node.compared.insert(member_of(partition), verdict);
            }
            FromNode::Progress(progress) => {
                if progress.condition == Condition::Whole {
                    let durable = (linked.hello.incarnation, progress.durable);
                    node.durable.insert(progress.member, durable);
                }
                node.progress.insert(progress.member, progress);
            }
            FromNode::Goodbye(mut reason) => {
                reason.truncate(reason.floor_char_boundary(LAST_WORDS_BYTES_MAX));
                node.last_words = Some(reason);
            }
            FromNode::Reply { .. } => {}
        }
    }
}
