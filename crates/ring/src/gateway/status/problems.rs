//! Why a partition cannot be read or updated, or has no second copy, and how an operator can
//! help.

use protocol::id::{NodeId, PartitionId};
use protocol::message::{Condition, DiskState, Verdict};
use protocol::view::{Member, View};

use super::Reporter;
use crate::gateway::controller::rebuild::Prospect;
use crate::gateway::published::Service;

impl Reporter<'_> {
    pub(super) fn problems(&self, partition: PartitionId, view: Option<&View>) -> Vec<String> {
        let mut problems = Vec::new();
        problems.extend(self.why_nothing_is_saved());
        problems.extend(self.problems_of_views(partition, view));
        problems
    }

    fn problems_of_views(&self, partition: PartitionId, view: Option<&View>) -> Vec<String> {
        let Some(state) = self.controller.state() else { return vec![self.why_not_formed()] };
        let Some(view) = view else { return vec![self.why_unknown(partition)] };
        match self.controller.copies().service(state, partition) {
            Service::Available => {}
            Service::Without(lost) => return vec![self.why_changing(view, lost)],
            Service::Lost => return vec![self.why_lost(view)],
        }
        let mut problems = Vec::new();
        problems.extend(
            Member::ALL.into_iter().filter_map(|member| self.why_silent_disk(view, member)),
        );
        problems.extend(self.why_no_updates(view));
        problems.extend(self.why_no_reads(view));
        problems.extend(self.why_one_copy(view));
        problems.extend(self.why_damaged(view));
        problems.extend(self.why_different(view));
        problems
    }

    /// Reports a silent disk of the gateway's state.
    fn why_nothing_is_saved(&self) -> Option<String> {
        (self.controller.own_disk(self.now) == DiskState::Silent).then(|| {
            "the disk of the gateway's state directory does not answer: a save has not returned for a second. No view \
             can change until it does; look at that disk, and at what else uses it"
                .to_owned()
        })
    }

    /// Reports a silent disk of a node.
    fn why_silent_disk(&self, view: &View, member: Member) -> Option<String> {
        let linked = self
            .controller
            .nodes()
            .linked(self.controller.ring().holder(view.partition, member))?;
        let node = self.name(view.partition, member);
        (linked.disk == DiskState::Silent).then(|| {
            format!(
                "the disk of {node} does not answer: a sync has not returned for a second. The node counts as lost until \
                 it does; look at that disk, and at what else uses it"
            )
        })
    }

    /// Reports a damaged copy: rows differ from the rows written.
    fn why_damaged(&self, view: &View) -> Option<String> {
        let partition = view.partition;
        let condition = |member| self.controller.copies().condition_in(view, member);
        let is_damaged = |member: &Member| {
            condition(*member).is_some_and(|condition| condition != Condition::Whole)
        };
        let damaged = Member::ALL.into_iter().find(is_damaged)?;
        let (node, other) = (self.name(partition, damaged), self.name(partition, damaged.other()));
        let what =
            format!("damaged: the copy of {partition} on {node} is not what was written there");
        if self.controller.copies().salvage(view).is_some_and(|salvage| !salvage.ended) {
            return Some(format!("{what}. Its loss is accepted: what cannot be read is dropped"));
        }
        Some(match condition(damaged.other()) {
            Some(Condition::Whole) => format!("{what}; it is being restored from {other}"),
            None if view.in_sync.incarnation(damaged.other()).is_some() => {
                format!(
                    "{what}. It is restored once {other} is linked; start it. If {other} is gone for good, {}",
                    self.accept_unreadable(view, damaged),
                )
            }
            other_condition => {
                let is_better = condition(damaged)
                    .zip(other_condition)
                    .is_some_and(|(damaged, other)| other.is_better_than(damaged));
                let best = if is_better { damaged.other() } else { damaged };
                format!(
                    "{what}, and {other} has nothing that it could be restored from. What cannot be read is not served. \
                     If {other} comes level the copy is restored by itself; else {}",
                    self.accept_unreadable(view, best),
                )
            }
        })
    }

    /// How an operator goes on with the readable part of a copy.
    fn accept_unreadable(&self, view: &View, member: Member) -> String {
        let (partition, node) = (view.partition, self.name(view.partition, member));
        format!(
            "accept that what {node} cannot read is lost: `chainring accept-loss --partition {} --from {node}` goes on with \
             the rest, and names the users that it drops",
            partition.0,
        )
    }

    /// Reports copies with different data although neither is damaged.
    fn why_different(&self, view: &View) -> Option<String> {
        let partition = view.partition;
        let differs = self.compared(partition) == Some(Verdict::Different);
        let (home, next) = (self.name(partition, Member::Home), self.name(partition, Member::Next));
        (differs && view.in_sync.sole().is_none()).then(|| {
            format!(
                "the copies of {partition} on {home} and {next} differ, and neither is damaged: this should never be. \
                 Find out which one is right, and start the node of the other one with an empty data directory"
            )
        })
    }

    /// Says that a node is not linked, with the reason it gave when it ended.
    fn not_linked(&self, partition: PartitionId, member: Member) -> String {
        let place = self.controller.ring().holder(partition, member);
        match self.controller.nodes().last_words(place) {
            Some(words) => format!("is not linked (it ended: {words})"),
            None => "is not linked".to_owned(),
        }
    }

    fn why_no_updates(&self, view: &View) -> Option<String> {
        let home = self.name(view.partition, Member::Home);
        if !self.is_holder_up(view.partition, Member::Home) {
            let state = self.not_linked(view.partition, Member::Home);
            Some(format!("no updates: {home}, with the primary, {state}; start it"))
        } else if view.in_sync.primary().is_none() {
            Some(format!(
                "no updates: {home}, with the primary, has lost data and is being restored"
            ))
        } else {
            None
        }
    }

    fn why_no_reads(&self, view: &View) -> Option<String> {
        let reader = view.in_sync.reader();
        if self.is_holder_up(view.partition, reader) {
            return None;
        }
        let is_moving = self.controller.is_saving() || self.now < self.controller.grace_until();
        let hope = if is_moving { "the view is about to change" } else { "start it" };
        let node = self.name(view.partition, reader);
        let state = self.not_linked(view.partition, reader);
        Some(format!("no reads: {node}, which has to answer them, {state}; {hope}"))
    }

    fn why_one_copy(&self, view: &View) -> Option<String> {
        let (sole, _) = view.in_sync.sole()?;
        let (partition, other) = (view.partition, sole.other());
        let holder = |member| self.controller.ring().holder(partition, member);
        let is_cut_off = sole == Member::Home
            && self
                .controller
                .nodes()
                .linked(holder(sole))
                .is_some_and(|home| home.unreachable.is_some());
        let condition =
            self.controller.nodes().linked(holder(other)).map(|linked| linked.condition(other));
        let why = if !self.is_holder_up(partition, other) {
            format!("{}; start it", self.not_linked(partition, other))
        } else if is_cut_off {
            let sole = self.name(partition, sole);
            format!("cannot be reached by {sole}; mend the network between them")
        } else if condition != Some(Condition::Whole) {
            "is being restored from a snapshot".to_owned()
        } else {
            "is catching up".to_owned()
        };
        let (node, role) = match other {
            Member::Home => (self.name(partition, other), "primary"),
            Member::Next => (self.name(partition, other), "replica"),
        };
        Some(format!("one copy only: {node}, with the {role}, {why}"))
    }

    /// Reports a member that came back without its data. The other copy takes over.
    fn why_changing(&self, view: &View, lost: Member) -> String {
        let (gone, other) =
            (self.name(view.partition, lost), self.name(view.partition, lost.other()));
        let what = format!("{gone} came back without its data, and {other} has all of it");
        if self.is_holder_up(view.partition, lost.other()) {
            format!("{what}: it takes over")
        } else {
            format!("{what}: neither reads nor updates before {other} is linked; start it")
        }
    }

    /// Reports a lost partition: every copy in sync is gone with its data.
    fn why_lost(&self, view: &View) -> String {
        let partition = view.partition;
        let Some((sole, incarnation)) = view.in_sync.sole() else {
            let [home, next] = Member::ALL.map(|member| self.name(partition, member));
            return format!(
                "lost: {home} and {next} had all of {partition} and both came back without it. If one of these data \
                 directories can be found, start its node with it. Else accept that all updates are lost: `chainring \
                 accept-loss --partition {} --from {home}` begins with no users",
                partition.0,
            );
        };
        let (gone, other) = (self.name(partition, sole), self.name(partition, sole.other()));
        format!(
            "lost: {gone} alone had the newest data of {partition} (incarnation {incarnation}) and came back without it. \
             If that data directory can be found, start {gone} with it. Else accept that updates are lost: `chainring \
             accept-loss --partition {} --from {other}` goes on with what {other} has",
            partition.0,
        )
    }

    /// Reports a view lost with the controller's file.
    fn why_unknown(&self, partition: PartitionId) -> String {
        let (home, next) = (self.name(partition, Member::Home), self.name(partition, Member::Next));
        let accept = format!("`chainring accept-loss --partition {} --from NODE`", partition.0);
        let what = format!("the view of {partition} was lost with the gateway's state");
        match self.controller.copies().prospect(partition) {
            Prospect::Awaited(member) => {
                let node = self.name(partition, member);
                format!(
                    "{what}, and is rebuilt once {home} and {next} have reported: {node} has not; start it. If it is gone \
                     for good, {accept} goes on with the other node's data"
                )
            }
            Prospect::Unaccounted(member) => {
                let node = self.name(partition, member);
                format!(
                    "{what}, and {node} has lost data too: the newest view may be gone with that. If its data directory can \
                     be found, start it with that. Else {accept} goes on with the data of the node that you name"
                )
            }
            Prospect::Contradiction => format!(
                "{what}, and {home} and {next} know two different views of one epoch: two gateways were at work. Find out \
                 which node has the data to go on with, and name it: {accept}"
            ),
            Prospect::Found(_) => format!("{what}, and is being rebuilt"),
        }
    }

    fn name(&self, partition: PartitionId, member: Member) -> &NodeId {
        let ring = self.controller.ring();
        ring.node_at(ring.holder(partition, member))
    }

    fn is_holder_up(&self, partition: PartitionId, member: Member) -> bool {
        self.is_up(self.controller.ring().holder(partition, member))
    }

    fn why_not_formed(&self) -> String {
        let ring = self.controller.ring();
        let missing =
            ring.places().filter(|place| self.controller.nodes().linked(*place).is_none());
        let missing = missing.map(|place| ring.node_at(place).to_string()).collect::<Vec<_>>();
        if missing.is_empty() {
            return "the cluster is being formed".to_owned();
        }
        format!("the cluster is not formed: waiting for {}", missing.join(", "))
    }
}
