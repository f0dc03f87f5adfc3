//! Rule 13, *links*: when a node cannot decode a frame, each unread update is sent again alone,
//! in a frame of its own. The first unread update is not sent again if it was alone already.

use std::collections::{BTreeMap, BTreeSet};

use protocol::id::{NodeId, RequestId};
use protocol::message::CallId;
use service::events::{Event, GatewayFact, Said};

use super::check::Check;
use crate::model::Model;
use crate::seen::{Moment, Seen};
use crate::violation::{Finding, Rule};

/// A request sent over a link.
#[derive(Debug, Clone, Copy)]
struct Sent {
    /// The id of an update; none for a read.
    request: Option<RequestId>,
    company: Company,
}

/// The company of a request in its frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Company {
    /// The request is alone in it.
    None,
    /// Other requests may be in it.
    Others,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Undecodable {
    /// The requests sent over each node's present link.
    sent: BTreeMap<NodeId, BTreeMap<CallId, Sent>>,
    /// The updates to be sent alone.
    suspects: BTreeSet<RequestId>,
    /// The updates not to be sent again.
    culprits: BTreeSet<RequestId>,
}

impl Undecodable {
    fn hear(&mut self, node: &NodeId, understood: Option<CallId>) {
        let Some(sent) = self.sent.get(node) else { return };
        let first = understood.map_or(CallId(0), |understood| CallId(understood.0 + 1));
        let mut unread = sent.range(first..).map(|(_, sent)| *sent).peekable();
        match unread.peek() {
            Some(Sent { request, company: Company::None }) => self.culprits.extend(*request),
            _ => self.suspects.extend(unread.filter_map(|sent| sent.request)),
        }
    }

    fn judge(&self, request: RequestId, company: Company) -> Result<(), &'static str> {
        if self.culprits.contains(&request) {
            return Err("was alone in a frame that its node could not decode");
        }
        if self.suspects.contains(&request) && company == Company::Others {
            return Err("was in a frame that its node could not decode, and is not sent alone");
        }
        Ok(())
    }
}

impl Check for Undecodable {
    fn rule(&self) -> Rule {
        Rule {
            check: "undecodable",
            says: "rule 13: what a node cannot decode is sent again alone, and not a third time",
        }
    }

    fn see(&mut self, _: &Model, at: Moment, seen: &Seen) -> Result<(), Finding> {
        let Seen::Inside(Event::Gateway { event, .. }) = seen else { return Ok(()) };
        match event {
            GatewayFact::Starts { .. } => *self = Self::default(),
            // The requests sent over the link before are gone with it.
            GatewayFact::Linked { node, .. } | GatewayFact::Unlinked { node, .. } => {
                self.sent.remove(node);
            }
            GatewayFact::Hears { node, said: Said::Undecodable(understood) } => {
                self.hear(node, *understood);
            }
            GatewayFact::Requests { node, partition, call, request, is_alone, .. } => {
                let request = *request;
                let company = if *is_alone { Company::None } else { Company::Others };
                let sent = self.sent.entry(node.clone()).or_default();
                sent.insert(*call, Sent { request, company });
                if let Some(request) = request
                    && let Err(why) = self.judge(request, company)
                {
                    let detail = format!("update {request} is sent to {node} again: it {why}");
                    return Err(Finding::safety(at, detail).of(*partition));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use protocol::id::Epoch;
    use protocol::view::Member;

    use super::super::support::*;
    use super::*;

    fn sends(call: u64, counter: u64, company: Company) -> Seen {
        let is_alone = company == Company::None;
        let (node, partition, member, epoch) = (id(0), P0, Member::Home, Epoch(1));
        let (call, request) = (CallId(call), Some(request(counter)));
        gateway(GatewayFact::Requests { node, partition, member, epoch, call, request, is_alone })
    }

    fn cannot_decode(understood: Option<u64>) -> Seen {
        hears(0, Said::Undecodable(understood.map(CallId)))
    }

    /// Three updates were sent, and the last two could not be decoded.
    fn scene() -> Scene<Undecodable> {
        let mut scene = Scene::formed(Undecodable::default());
        (1..=3).for_each(|number| scene.play(sends(number, number, Company::Others)));
        scene.play(cannot_decode(Some(1)));
        scene.play(gateway(GatewayFact::Unlinked { link: 0, node: id(0) }));
        scene.play(linked(7, 0));
        scene
    }

    #[test]
    fn a_suspect_that_is_not_sent_alone_is_seen() {
        let mut scene = scene();
        scene.play(sends(4, 1, Company::Others));
        scene.play(sends(5, 2, Company::None));
        scene.objects(sends(6, 3, Company::Others));
    }

    #[test]
    fn an_update_that_is_sent_again_after_it_was_refused_alone_is_seen() {
        let mut scene = scene();
        scene.play(sends(4, 2, Company::None));
        scene.play(sends(5, 3, Company::None));
        scene.play(cannot_decode(None));
        scene.play(linked(8, 0));
        scene.play(sends(6, 3, Company::None));
        scene.objects(sends(7, 2, Company::None));
    }
}
