//! The rules of the design, as assertions on the whole world. No process can check them alone.

use std::collections::BTreeMap;

use protocol::entry::{Answer, Change, Entry};
use protocol::id::{Epoch, Incarnation, PartitionId, Seq};
use protocol::message::{Operation, Reply, Request, ToNode};
use protocol::view::{InSync, Member, View};
use ring_core::gateway::ClusterState;

use crate::world::World;

/// The views seen in the whole run.
#[derive(Debug, Default)]
pub(crate) struct KnownViews {
    views: BTreeMap<(PartitionId, Epoch), View>,
    acting: BTreeMap<(usize, PartitionId), Epoch>,
    /// The homes dropped for damage. Each may have entries unknown to all others. A snapshot
    /// replaces its data.
    dropped: BTreeMap<PartitionId, Incarnation>,
}

impl World {
    /// The durable view at the controller.
    pub(crate) fn saved_view(&self, partition: PartitionId) -> Option<View> {
        self.gateway_disk.durable.as_ref().and_then(|state| state.view(partition)).copied()
    }

    /// Rule 1: there is one view for each partition and epoch, at every node and at the gateway.
    pub(crate) fn saw_view(&mut self, view: &View) {
        let known = self.seen.views.entry((view.partition, view.epoch)).or_insert(*view);
        assert_eq!(known, view, "rule 1: two views of one epoch");
    }

    /// Rule 1: a view in a message of the gateway is durable there. Rule 7: reads follow the
    /// view.
    pub(crate) fn check_sent(&mut self, message: &ToNode) {
        match message {
            ToNode::View(view) => {
                assert_eq!(
                    self.saved_view(view.partition).as_ref(),
                    Some(view),
                    "rule 1: published before it is durable"
                );
                self.saw_view(view);
            }
            ToNode::Welcome(welcome) => {
                for view in &welcome.views {
                    assert_eq!(
                        self.saved_view(view.partition).as_ref(),
                        Some(view),
                        "rule 1: a welcome with another view"
                    );
                    assert!(
                        self.gateway_disk
                            .saving
                            .as_ref()
                            .is_none_or(|saving| saving.view(view.partition) == Some(view)),
                        "rule 1: a welcome while the view is changing",
                    );
                }
            }
            ToNode::Request(Request { partition, member, epoch, operation, .. }) => {
                let view = self.saved_view(*partition).expect("a request needs a view");
                assert_eq!(
                    *epoch, view.epoch,
                    "a request of another epoch than the durable view's"
                );
                match operation {
                    Operation::Read(_) => assert_eq!(
                        *member,
                        view.in_sync.reader(),
                        "rule 7: a read not at the reader"
                    ),
                    Operation::Update(_) => {
                        assert_eq!(*member, Member::Home, "an update not at home")
                    }
                }
            }
            ToNode::NextIsLinked(_)
            | ToNode::HomeIsLinked
            | ToNode::JoinerIsWhole { .. }
            | ToNode::AskRefused { .. }
            | ToNode::Probe(_)
            | ToNode::Goodbye(_) => {}
        }
    }

    /// Rules 1 and 5: a change adds one to the epoch, never empties a view, and keeps a member
    /// with a live link.
    pub(crate) fn check_decided(&mut self, decided: &ClusterState) {
        for view in decided.known_views() {
            let Some(before) = self.saved_view(view.partition) else { continue };
            if before == *view {
                continue;
            }
            self.totals.view_changes += 1;
            if view.accepted_loss != before.accepted_loss {
                self.check_accepted(&before, view);
                continue;
            }
            assert_eq!(view.epoch, before.epoch.next(), "rule 1: a change is one epoch");
            let host = |member| &self.nodes[self.holder(view.partition, member)];
            let has_lost = |member: Member, incarnation| host(member).incarnation != incarnation;
            match (before.in_sync, view.in_sync) {
                (InSync::Both { home, next }, InSync::HomeOnly { home: kept }) => {
                    assert_eq!(home, kept, "rule 5: another home");
                    let home = self.holder(view.partition, Member::Home);
                    assert!(
                        self.is_linked_at_gateway(home) || has_lost(Member::Next, next),
                        "rule 5: shrunk in favour of a lost link"
                    );
                }
                (InSync::Both { home, next }, InSync::NextOnly { next: kept }) => {
                    assert_eq!(next, kept, "rule 9: another next");
                    let is_damaged = host(Member::Home).disk.current.home.is_damaged;
                    assert!(
                        has_lost(Member::Home, home) || is_damaged,
                        "rule 9: home has its data"
                    );
                    self.seen.dropped.insert(view.partition, home);
                }
                (InSync::HomeOnly { home }, InSync::Both { home: kept, .. }) => {
                    assert_eq!(home, kept)
                }
                (InSync::NextOnly { next }, InSync::Both { next: kept, .. }) => {
                    assert_eq!(next, kept);
                    self.seen.dropped.remove(&view.partition);
                }
                (InSync::HomeOnly { home }, InSync::NextOnly { .. }) => {
                    assert!(has_lost(Member::Home, home), "rule 9: home has its data");
                }
                (before, after) => panic!("there is no change from {before:?} to {after:?}"),
            }
        }
    }

    /// An operator lets a partition go on with one of the copies in sync. None of them is whole.
    fn check_accepted(&mut self, before: &View, view: &View) {
        assert_eq!(view.accepted_loss, Some(view.epoch), "the view remembers when");
        assert!(view.epoch > before.epoch, "rule 1: an epoch went back");
        let (member, incarnation) = view.in_sync.sole().expect("one copy alone");
        assert_eq!(before.in_sync.incarnation(member), Some(incarnation), "another copy");
        let home = before.in_sync.incarnation(Member::Home).filter(|_| member == Member::Next);
        // Home may hold entries that next never had.
        self.seen.dropped.extend(home.map(|home| (view.partition, home)));
    }

    /// A published view without a stored copy at any node is gone with the controller's file.
    pub(crate) fn forget_views_that_nobody_has(&mut self) {
        let contents = self.nodes.iter().flat_map(|host| [&host.disk.current, &host.disk.durable]);
        let copies = contents.flat_map(|content| [&content.home, &content.next]);
        let stored = copies.filter_map(|copy| copy.view).collect::<Vec<_>>();
        let saved = self.gateway_disk.durable.as_ref();
        self.seen.views.retain(|(partition, _), view| {
            stored.contains(view) || saved.is_some_and(|saved| saved.view(*partition).is_some())
        });
    }

    /// Rules 2, 3 and 8, when a node releases an answer.
    pub(crate) fn check_reply(&mut self, node: usize, request: &Request, reply: &Reply) {
        let Reply::Done(answer) = reply else {
            self.totals.fenced += 1;
            return;
        };
        let view = self.acting_view(node, request.member).expect("a reply without a view");
        let me = self.nodes[node].incarnation;
        assert_eq!(
            view.in_sync.incarnation(request.member),
            Some(me),
            "rule 8: out of sync and serving"
        );
        match request.operation {
            Operation::Read(_) => {
                assert_eq!(view.epoch, request.epoch, "rule 2: a read under another view");
                assert_eq!(view.in_sync.reader(), request.member, "rule 7: not the reader");
            }
            Operation::Update(_) => assert!(view.epoch >= request.epoch, "rule 2: a higher epoch"),
        }
        if let Some(position) = answer.position() {
            for member in [Member::Home, Member::Next] {
                // A copy that has lost its disk since then is not checked.
                let host = &self.nodes[self.holder(view.partition, member)];
                let in_sync = view.in_sync.incarnation(member) == Some(host.incarnation);
                let durable = self.durable_copy(view.partition, member).last().seq;
                assert!(
                    !in_sync || durable >= position.seq,
                    "rule 3: released before it is durable at {member}"
                );
            }
        }
        if let Answer::Found { .. } | Answer::NotFound = answer {
            match request.member {
                Member::Home => self.totals.reads_at_home += 1,
                Member::Next if view.in_sync.sole().is_some() => {
                    self.totals.reads_at_next_alone += 1
                }
                Member::Next => self.totals.reads_at_next += 1,
            }
        }
    }

    /// Checks the rules for the time between any two steps.
    pub(crate) fn check_always(&mut self) {
        for partition in self.partitions() {
            self.check_prefix(partition);
            let next = &self.nodes[self.holder(partition, Member::Next)];
            let both = self.saved_view(partition).is_some_and(
                |view| matches!(view.in_sync, InSync::Both { next: named, .. } if named == next.incarnation),
            );
            let committed = self.home_committed(partition);
            let durable_at_next = self.durable_copy(partition, Member::Next).last().seq;
            assert!(
                !both || committed <= durable_at_next,
                "rule 6: {partition} is both, {committed} is committed, and next ends at {durable_at_next}",
            );
        }
        for node in 0..self.nodes.len() {
            for member in [Member::Home, Member::Next] {
                let Some(view) = self.acting_view(node, member) else { continue };
                self.saw_view(&view);
                let durable = self.nodes[node].disk.durable.copy(member).view;
                assert!(
                    durable.is_some_and(|durable| durable.epoch >= view.epoch),
                    "rule 1: acts on a view it has not stored"
                );
                let before = self.seen.acting.insert((node, view.partition), view.epoch);
                assert!(before.is_none_or(|before| before <= view.epoch), "an epoch went back");
            }
        }
    }

    /// Rules 12 and 13, durability and convergence, at the end of the run.
    pub(crate) fn check_finally(&self) {
        for partition in self.partitions() {
            let home = self.durable_copy(partition, Member::Home);
            let next = self.durable_copy(partition, Member::Next);
            assert_eq!(home.records, next.records, "{partition}: the copies differ");
            assert!(
                [home, next].iter().all(|copy| copy.rotten.is_empty() && !copy.is_damaged),
                "{partition}: damage is left"
            );
            assert_eq!(
                home.applied_ids(),
                next.applied_ids(),
                "{partition}: the tables of applied ids differ"
            );
            let (log, of_next) = (home.whole_log(), next.whole_log());
            assert_eq!(log.keys().last(), of_next.keys().last(), "{partition}: not level");
            for (seq, entry) in &log {
                let other = of_next.get(seq);
                assert!(other.is_none_or(|other| other == entry), "{partition}: the logs differ");
            }
            assert!(
                home.installing.is_none() && next.installing.is_none(),
                "{partition}: partly there"
            );
            let mut applied = BTreeMap::new();
            let archived = self.archived(partition);
            for entry in archived.values() {
                let twice = applied.insert(entry.request, entry.position);
                assert_eq!(twice, None, "rule 12: request {} was applied twice", entry.request);
            }
            for (seq, expected) in archived.keys().zip(1_u64..) {
                assert_eq!(*seq, Seq(expected), "the log has a gap");
            }
        }
        let written = self.names_ever_written();
        for (name, done) in &self.clients.decided {
            assert_eq!(
                written.contains(name),
                *done,
                "rule 13: {name} was reported as done: {done}"
            );
        }
    }

    /// The whole log of a partition, as made by home.
    fn archived(&self, partition: PartitionId) -> BTreeMap<Seq, &Entry> {
        let last = self.durable_copy(partition, Member::Home).last().seq;
        let made = self.archive.get(&partition).into_iter().flatten();
        made.filter(|(seq, _)| **seq <= last).map(|(seq, entry)| (*seq, entry)).collect()
    }

    fn names_ever_written(&self) -> std::collections::BTreeSet<String> {
        let logs = self.partitions().into_iter().map(|partition| self.archived(partition));
        let changes = logs.flat_map(|log| log.into_values().map(|entry| entry.change.clone()));
        changes
            .filter_map(|change| match change {
                Change::Create { record, .. } | Change::Replace { record, .. } => {
                    let user = protocol::user::User::from_json(&record).expect("a record");
                    Some(user.name.as_str().to_owned())
                }
                Change::Delete { .. } => None,
            })
            .collect()
    }

    /// Rule 4: the log of the sink, synced or not, is a prefix of the durable log of the source.
    fn check_prefix(&self, partition: PartitionId) {
        let Some(view) = self.saved_view(partition) else { return };
        let member = view.in_sync.source();
        let host = &self.nodes[self.holder(partition, member)];
        if view.in_sync.incarnation(member) != Some(host.incarnation) {
            return;
        }
        let source = self.durable_copy(partition, member);
        let sink = self.current_copy(partition, member.other());
        let (from, to) = (source.last(), sink.last());
        let receiver = self.nodes[self.holder(partition, member.other())].incarnation;
        let is_member = view.in_sync.incarnation(member.other()) == Some(receiver);
        if !is_member && self.seen.dropped.get(&partition) == Some(&receiver) {
            return;
        }
        assert!(to.seq <= from.seq, "rule 4: the sink holds {to}, the source has {from} durable");
        if let Some((seq, entry)) = sink.log.last_key_value()
            && let Some(made) = source.whole_log().get(seq)
        {
            assert_eq!(made, entry, "rule 4: the copies hold different entries");
        }
    }
}
