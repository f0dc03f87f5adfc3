//! The probes reached by the events of a node.

use protocol::id::NodeId;
use protocol::message::DiskState;
use protocol::view::Member;
use service::events::{NodeFact, Peer, ReplyKind};

use super::Probes;
use super::probe::Probe;
use crate::model::Model;

impl Probes {
    pub(super) fn by_node(&mut self, model: &Model, node: &NodeId, event: &NodeFact) -> Vec<Probe> {
        let Some(place) = model.ring.place_of(node) else { return Vec::new() };
        let known = &model.nodes[place.index()];
        match event {
            NodeFact::Starts { home, next, .. } => {
                let mut reached = Vec::new();
                let durable = self.durable_before.remove(&place.index()).unwrap_or_default();
                for (before, found, durable) in
                    [(&known.home, home, durable[0]), (&known.next, next, durable[1])]
                {
                    if found.written < before.entry.handed {
                        reached.push(Probe::UnsyncedLost);
                    }
                    if found.written > durable {
                        reached.push(Probe::UnsyncedFound);
                    }
                    if found.log_from.0 > 1 {
                        reached.push(Probe::LogTrimmed);
                    }
                    if !found.condition.serves() && !before.snapshot.handed.is_part {
                        reached.push(Probe::Unreadable);
                    }
                }
                for (member, found) in [(Member::Home, home), (Member::Next, next)] {
                    let key = (node.clone(), member);
                    if !found.condition.serves() {
                        self.interrupted.insert(key);
                    } else {
                        self.interrupted.remove(&key);
                    }
                }
                self.nodes_joined.remove(node);
                reached
            }
            NodeFact::Joins { .. } => {
                let mut reached = Vec::new();
                if known.has_asked() {
                    reached.push(Probe::AskInterrupted);
                }
                if !self.nodes_joined.insert(node.clone()) && known.joined != model.gateway {
                    reached.push(Probe::NodeOutlivesGateway);
                }
                reached
            }
            NodeFact::AskRefused { .. } => vec![Probe::AskRefused],
            NodeFact::Applies { partition, member, request, .. } => {
                if *member == Member::Home {
                    self.applied.insert((*partition, *request));
                }
                let in_ask = known.copy(*member).ask.is_some();
                let in_snapshot = known.copy(*member).snapshot.handed.is_part;
                let in_ask = in_ask.then_some(Probe::WriteDuringAsk);
                let in_snapshot = in_snapshot.then_some(Probe::UpdateDuringSnapshot);
                in_ask.into_iter().chain(in_snapshot).collect()
            }
            NodeFact::BeginsInstall { member, base, .. } => {
                self.interrupted.remove(&(node.clone(), *member));
                let repaired = known.copy(*member).is_damaged.then_some(Probe::DamageRepaired);
                let is_less = base.seq < known.copy(*member).entry.durable.seq;
                let to_less = is_less.then_some(Probe::RestoredToLess);
                [Probe::SnapshotBegins].into_iter().chain(repaired).chain(to_less).collect()
            }
            NodeFact::Installs { member, is_complete, .. } => {
                let is_resumed = self.interrupted.remove(&(node.clone(), *member));
                let resumed = is_resumed.then_some(Probe::SnapshotResumed);
                let completes = is_complete.then_some(Probe::SnapshotCompletes);
                resumed.into_iter().chain(completes).collect()
            }
            NodeFact::TellsDisk { state: DiskState::Silent } => vec![Probe::DiskSilent],
            NodeFact::TellsDisk { state: DiskState::Answers } => vec![Probe::DiskAnswers],
            NodeFact::FindsDamage { .. } => vec![Probe::DamageFound],
            NodeFact::ReadsApart { .. } => vec![Probe::ColdRead],
            NodeFact::ReadOvertaken { .. } => vec![Probe::ReadOvertaken],
            NodeFact::SkipsComparison { .. } => vec![Probe::ComparisonSkipped],
            NodeFact::Compares { .. } => vec![Probe::CopiesCompared],
            NodeFact::Stores { from, .. } => match from {
                Peer::Gateway => Vec::new(),
                Peer::Home => vec![Probe::ViewFromHome],
                Peer::Next => vec![Probe::ViewFromNext],
            },
            NodeFact::Appends { to, previous, last, .. } => {
                let is_of_many = last.seq.0 > previous.seq.0 + 1;
                let before = self.appended.insert((node.clone(), *to), *last);
                let is_again = before.is_some_and(|before| *previous < before);
                let of_many = is_of_many.then_some(Probe::AppendOfMany);
                let again = is_again.then_some(Probe::EntriesSentAgain);
                of_many.into_iter().chain(again).collect()
            }
            NodeFact::Replies { call, reply, position } => {
                let Some(called) = model.call(node, *call) else { return Vec::new() };
                let probe = match (reply, called.request) {
                    (ReplyKind::Fenced, None) => Some(Probe::ReadFenced),
                    (ReplyKind::Fenced, Some(_)) => Some(Probe::UpdateFenced),
                    // Links keep their order, so an update never arrives behind the request
                    // that settles it.
                    (ReplyKind::Settled, _) => None,
                    (ReplyKind::Done, Some(request)) => {
                        // The update was sent more than once, under different calls, and was
                        // carried out.
                        let sends =
                            model.calls.values().filter(|other| other.request == Some(request));
                        let is_again = sends.count() > 1
                            && self.applied.contains(&(called.partition, request));
                        is_again.then_some(Probe::DuplicateSuppressed)
                    }
                    (ReplyKind::Done, None) => {
                        let joined = known.joined.map(|gateway| (gateway, *call));
                        let committed = joined.and_then(|key| self.committed_at_read.remove(&key));
                        let shown = position.map(|position| position.seq);
                        let waited = committed.is_some() && shown > committed;
                        waited.then_some(Probe::ReadWaits)
                    }
                };
                probe.into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}
