//! The entries of all home copies, even after their logs are trimmed or lost.

use std::collections::{BTreeMap, BTreeSet};

use protocol::entry::{Change, Entry};
use protocol::id::{PartitionId, Seq};
use protocol::user::User;
use protocol::view::Member;

use crate::machines::Machines;

/// Every entry made by a home copy, unless another entry has replaced it at the same seq.
#[derive(Debug, Default)]
pub(crate) struct EntryArchive(BTreeMap<PartitionId, BTreeMap<Seq, Entry>>);

impl EntryArchive {
    pub(crate) fn add(&mut self, partition: PartitionId, entry: &Entry) {
        self.0.entry(partition).or_default().insert(entry.position.seq, entry.clone());
    }

    /// The whole log of a partition, up to the last durable entry at home.
    pub(crate) fn log(&self, machines: &Machines, partition: PartitionId) -> BTreeMap<Seq, &Entry> {
        let last = machines.durable_copy(partition, Member::Home).last().seq;
        let made = self.0.get(&partition).into_iter().flatten();
        made.filter(|(seq, _)| **seq <= last).map(|(seq, entry)| (*seq, entry)).collect()
    }

    /// The names in all entries of these logs.
    pub(crate) fn names(&self, machines: &Machines) -> BTreeSet<String> {
        let logs = machines.partitions().map(|partition| self.log(machines, partition));
        let entries = logs.flat_map(BTreeMap::into_values);
        entries.filter_map(name).collect()
    }
}

fn name(entry: &Entry) -> Option<String> {
    match &entry.change {
        Change::Create { record, .. } | Change::Replace { record, .. } => {
            let user = User::from_json(record).expect("a record");
            Some(user.name.as_str().to_owned())
        }
        Change::Delete { .. } => None,
    }
}
