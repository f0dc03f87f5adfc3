//! The network's faults: the state of each link follows from all present conditions.
//!
//! turmoil's calls undo each other (`release` heals cuts, `hold` overrides one-way cuts). So no
//! call is made for a single fault. Instead the wanted state of each pair of machines is
//! computed, and set where it differs from the present one.

use std::collections::BTreeMap;
use std::time::Duration;

use turmoil::Sim;

use crate::plan::host::Host;
use crate::plan::step::Condition;
use crate::plan::swarm::Span;

/// The conditions of the network.
pub(crate) struct Network {
    hosts: Vec<Host>,
    latency: Span,
    /// All present conditions. The same condition may be present twice.
    conditions: Vec<Condition>,
    /// The state set last for each pair of hosts.
    links: BTreeMap<(Host, Host), LinkState>,
}

/// The state of a link between two machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct LinkState {
    passage: Passage,
    latency_max_ms: u64,
}

/// The treatment of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Passage {
    Open,
    Held,
    /// Nothing passes from the first to the second.
    OneWayCut,
    /// Nothing passes from the second to the first.
    BackCut,
    Cut,
}

impl Network {
    pub(crate) fn new(hosts: Vec<Host>, latency: Span) -> Self {
        Self { hosts, latency, conditions: Vec::new(), links: BTreeMap::new() }
    }

    pub(crate) fn begin(&mut self, sim: &Sim<'_>, condition: Condition) {
        self.conditions.push(condition);
        self.set(sim);
    }

    pub(crate) fn end(&mut self, sim: &Sim<'_>, condition: &Condition) {
        if let Some(index) = self.conditions.iter().position(|known| known == condition) {
            self.conditions.remove(index);
        }
        self.set(sim);
    }

    /// All present conditions.
    pub(crate) fn all(&self) -> Vec<Condition> {
        self.conditions.clone()
    }

    /// Whether a present condition fulfils `is`.
    pub(crate) fn any(&self, is: impl Fn(&Condition) -> bool) -> bool {
        self.conditions.iter().any(is)
    }

    fn set(&mut self, sim: &Sim<'_>) {
        let hosts = self.hosts.iter().enumerate();
        let pairs = hosts.flat_map(|(index, a)| self.hosts[index + 1..].iter().map(|b| (*a, *b)));
        for (a, b) in pairs.collect::<Vec<_>>() {
            let usual = LinkState { passage: Passage::Open, latency_max_ms: self.latency.max };
            let wanted = wanted(&self.conditions, usual, a, b);
            let before = self.links.insert((a, b), wanted).unwrap_or(usual);
            if before.passage != wanted.passage {
                set_passage(sim, a, b, before.passage, wanted.passage);
            }
            if before.latency_max_ms != wanted.latency_max_ms {
                let latency = Duration::from_millis(wanted.latency_max_ms);
                sim.set_link_max_message_latency(a.to_string(), b.to_string(), latency);
            }
        }
    }
}

fn wanted(conditions: &[Condition], usual: LinkState, a: Host, b: Host) -> LinkState {
    let is_pair = |x: Host, y: Host| (x, y) == (a, b) || (x, y) == (b, a);
    let has = |is: &dyn Fn(&Condition) -> bool| conditions.iter().any(is);
    let cut = has(&|condition| match condition {
        Condition::Cut(x, y) => is_pair(*x, *y),
        Condition::Gone(x) => [a, b].contains(x),
        _ => false,
    });
    let held = has(&|condition| match condition {
        Condition::Held(x, y) => is_pair(*x, *y),
        Condition::Paused(x) => [a, b].contains(x),
        _ => false,
    });
    let there = has(&|condition| *condition == Condition::CutOneWay(a, b));
    let back = has(&|condition| *condition == Condition::CutOneWay(b, a));
    let passage = match (cut, held, there, back) {
        (true, ..) | (_, _, true, true) => Passage::Cut,
        (_, true, ..) => Passage::Held,
        (_, _, true, _) => Passage::OneWayCut,
        (_, _, _, true) => Passage::BackCut,
        _ => Passage::Open,
    };
    let slow = conditions.iter().filter_map(|condition| match condition {
        Condition::Slow(x, y, latency_ms) if is_pair(*x, *y) => Some(*latency_ms),
        _ => None,
    });
    let latency_max_ms = slow.max().unwrap_or(0).max(usual.latency_max_ms);
    LinkState { passage, latency_max_ms }
}

fn set_passage(sim: &Sim<'_>, a: Host, b: Host, before: Passage, wanted: Passage) {
    let (a, b) = (a.to_string(), b.to_string());
    match before {
        Passage::Open => {}
        Passage::Held => sim.release(a.clone(), b.clone()),
        Passage::OneWayCut | Passage::BackCut | Passage::Cut => sim.repair(a.clone(), b.clone()),
    }
    match wanted {
        Passage::Open => {}
        Passage::Held => sim.hold(a, b),
        Passage::OneWayCut => sim.partition_oneway(a, b),
        Passage::BackCut => sim.partition_oneway(b, a),
        Passage::Cut => sim.partition(a, b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Host = Host::Node(0);
    const B: Host = Host::Node(1);
    const USUAL: LinkState = LinkState { passage: Passage::Open, latency_max_ms: 5 };

    fn passage(conditions: &[Condition]) -> Passage {
        wanted(conditions, USUAL, A, B).passage
    }

    #[test]
    fn a_link_is_as_bad_as_the_worst_that_is_the_matter() {
        let (cut, held) = (Condition::Cut(B, A), Condition::Held(A, B));
        assert_eq!(passage(&[]), Passage::Open);
        assert_eq!(passage(&[held.clone(), cut.clone()]), Passage::Cut);
        assert_eq!(passage(&[held]), Passage::Held);
        assert_eq!(passage(&[Condition::Gone(A)]), Passage::Cut);
        assert_eq!(passage(&[Condition::Cut(A, Host::Gateway)]), Passage::Open);
    }

    #[test]
    fn two_cuts_one_way_make_one_both_ways() {
        let (there, back) = (Condition::CutOneWay(A, B), Condition::CutOneWay(B, A));
        assert_eq!(passage(std::slice::from_ref(&there)), Passage::OneWayCut);
        assert_eq!(passage(std::slice::from_ref(&back)), Passage::BackCut);
        assert_eq!(passage(&[there, back]), Passage::Cut);
    }

    #[test]
    fn the_slowest_of_two_spikes_counts() {
        let spikes = [Condition::Slow(A, B, 50), Condition::Slow(B, A, 90)];
        assert_eq!(wanted(&spikes, USUAL, A, B).latency_max_ms, 90);
        assert_eq!(wanted(&spikes, USUAL, A, Host::Gateway).latency_max_ms, 5);
    }
}
