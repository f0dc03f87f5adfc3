//! The rules for the end of a run, after all faults have ended.

use std::collections::BTreeMap;

use protocol::id::{PartitionId, Seq};
use protocol::view::{InSync, Member};

use crate::archive::EntryArchive;
use crate::clients::Clients;
use crate::gateway::GatewayDisk;
use crate::machines::Machines;

/// Checks everything at the end of a run. It changes nothing.
pub(crate) struct AtTheEnd<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) gateway: &'a GatewayDisk,
    pub(crate) clients: &'a Clients,
    pub(crate) archive: &'a EntryArchive,
}

impl AtTheEnd<'_> {
    pub(crate) fn check(&self) {
        for partition in self.machines.partitions() {
            self.check_both(partition);
        }
        assert_eq!(self.clients.waiting(), 0, "requests outlive their deadline");
        for partition in self.machines.partitions() {
            self.check_records(partition);
            self.check_logs(partition);
            self.check_archive(partition);
        }
        self.check_outcomes();
    }

    /// Every partition has come back.
    fn check_both(&self, partition: PartitionId) {
        let state = self.gateway.durable.as_ref().expect("formed");
        let view = state.view(partition).expect("a view");
        assert!(
            matches!(view.in_sync, InSync::Both { .. }),
            "not both again after the faults ended: {view}"
        );
    }

    /// Convergence: the copies are whole and have the same records and applied ids.
    fn check_records(&self, partition: PartitionId) {
        let [home, next] = Member::ALL.map(|member| self.machines.durable_copy(partition, member));
        assert_eq!(home.records, next.records, "{partition}: the copies differ");
        for copy in [home, next] {
            assert!(copy.rotten.is_empty() && !copy.is_damaged, "{partition}: damage is left");
            assert!(copy.installing.is_none(), "{partition}: partly there");
        }
        assert_eq!(
            home.applied_ids(),
            next.applied_ids(),
            "{partition}: the tables of applied ids differ"
        );
    }

    /// Convergence: the copies have the same entries, as far as both have kept them.
    fn check_logs(&self, partition: PartitionId) {
        let [home, next] =
            Member::ALL.map(|member| self.machines.durable_copy(partition, member).whole_log());
        assert_eq!(home.keys().last(), next.keys().last(), "{partition}: not level");
        for (seq, entry) in &home {
            let other = next.get(seq);
            assert!(other.is_none_or(|other| other == entry), "{partition}: the logs differ");
        }
    }

    /// Rule 12: every request was applied once at most. The log has no gap.
    fn check_archive(&self, partition: PartitionId) {
        let log = self.archive.log(self.machines, partition);
        let mut applied = BTreeMap::new();
        for entry in log.values() {
            let twice = applied.insert(entry.request, entry.position);
            assert_eq!(twice, None, "rule 12: request {} was applied twice", entry.request);
        }
        for (seq, expected) in log.keys().zip(1_u64..) {
            assert_eq!(*seq, Seq(expected), "the log has a gap");
        }
    }

    /// Rule 13: what was reported as done is in a log, what was reported as not done is in none.
    fn check_outcomes(&self) {
        let written = self.archive.names(self.machines);
        for (name, done) in &self.clients.decided {
            assert_eq!(
                written.contains(name),
                *done,
                "rule 13: {name} was reported as done: {done}"
            );
        }
    }
}
