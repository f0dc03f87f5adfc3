//! The design's rules, as assertions on the whole world: what no process can see alone.

use std::collections::BTreeMap;

use protocol::entry::{Answer, Change};
use protocol::id::{Epoch, PartitionId, Seq};
use protocol::message::{Operation, Reply, Request, ToNode};
use protocol::view::{InSync, Member, View};
use ring::controller::ClusterState;

use crate::disk::CopyOnDisk;
use crate::world::World;

/// What has been seen of views, in the whole run.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    views: BTreeMap<(PartitionId, Epoch), View>,
    acting: BTreeMap<(usize, PartitionId), Epoch>,
}

impl World {
    /// The view that is durable at the controller.
    fn saved_view(&self, partition: PartitionId) -> Option<View> {
        self.gateway_disk.durable.as_ref().and_then(|state| state.view(partition)).copied()
    }

    /// Rule 1: there is one view for each partition and epoch, whoever has it.
    pub(crate) fn saw_view(&mut self, view: &View) {
        let known = self.seen.views.entry((view.partition, view.epoch)).or_insert(*view);
        assert_eq!(known, view, "rule 1: two views of one epoch");
    }

    /// Rule 1: what the gateway says about views is durable at it. Rule 7: reads follow the view.
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
            ToNode::NextIsLinked(_) | ToNode::AskRefused { .. } | ToNode::Goodbye(_) => {}
        }
    }

    /// Rules 1 and 5: a change is one epoch, never empties a view, and keeps a member whose link is up.
    pub(crate) fn check_decided(&mut self, decided: &ClusterState) {
        for view in &decided.views {
            let Some(before) = self.saved_view(view.partition) else { continue };
            if before == *view {
                continue;
            }
            self.totals.view_changes += 1;
            assert_eq!(view.epoch, before.epoch.next(), "rule 1: a change is one epoch");
            match (before.in_sync, view.in_sync) {
                (InSync::Both { home, .. }, InSync::HomeOnly { home: kept }) => {
                    assert_eq!(home, kept, "rule 5: another home");
                    let home = self.holder(view.partition, Member::Home);
                    assert!(
                        self.is_linked_at_gateway(home),
                        "rule 5: shrunk in favour of a lost link"
                    );
                }
                (InSync::HomeOnly { home }, InSync::Both { home: kept, .. }) => {
                    assert_eq!(home, kept)
                }
                (before, after) => panic!("{before:?} to {after:?} is not a change of this issue"),
            }
        }
    }

    /// Rules 2, 3 and 8, at the moment when a node releases an answer.
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
        if let Some(position) = ring::router::etag(answer) {
            for member in [Member::Home, Member::Next] {
                let in_sync = view.in_sync.incarnation(member).is_some();
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
                Member::Next => self.totals.reads_at_next += 1,
            }
        }
    }

    /// What must hold between any two steps.
    pub(crate) fn check_always(&mut self) {
        for partition in self.partitions() {
            let (home, next) = (
                self.durable_copy(partition, Member::Home),
                self.current_copy(partition, Member::Next),
            );
            check_prefix(home, next);
            let both = self
                .saved_view(partition)
                .is_some_and(|view| matches!(view.in_sync, InSync::Both { .. }));
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

    /// Rules 12 and 13, durability and convergence, when all is over.
    pub(crate) fn check_finally(&self) {
        for partition in self.partitions() {
            let home = self.durable_copy(partition, Member::Home);
            let next = self.durable_copy(partition, Member::Next);
            assert_eq!(home.records, next.records, "{partition}: the copies differ");
            assert_eq!(home.applied, next.applied, "{partition}: the tables of applied ids differ");
            let log = home.whole_log();
            assert_eq!(log, next.whole_log(), "{partition}: the logs differ");
            let mut applied = BTreeMap::new();
            for entry in log.values() {
                let twice = applied.insert(entry.request, entry.position);
                assert_eq!(twice, None, "rule 12: request {} was applied twice", entry.request);
            }
            for (seq, expected) in log.keys().zip(1_u64..) {
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

    fn names_ever_written(&self) -> std::collections::BTreeSet<String> {
        let logs = self
            .partitions()
            .into_iter()
            .map(|partition| self.durable_copy(partition, Member::Home).whole_log());
        let changes = logs.flat_map(|log| log.into_values().map(|entry| entry.change));
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
}

/// Rule 4: next's log, synced or not, is a prefix of home's durable log.
fn check_prefix(home: &CopyOnDisk, next: &CopyOnDisk) {
    let (home_last, next_last) = (home.last(), next.last());
    assert!(
        next_last.seq <= home_last.seq,
        "rule 4: next holds {next_last}, home has {home_last} durable"
    );
    if let Some((seq, entry)) = next.log.last_key_value() {
        assert_eq!(
            home.whole_log().get(seq),
            Some(entry),
            "rule 4: the copies hold different entries"
        );
    }
}
