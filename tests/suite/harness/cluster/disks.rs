//! Small disks and slow disks.

use sim::plan::host::Host;
use tokio::process::Command;

use super::Cluster;
use crate::harness::slow_disk::SlowDisk;
use crate::harness::small_disk::SmallDisk;

impl Cluster {
    /// Puts a small disk of this many MiB under one node.
    pub(crate) async fn with_small_disk(mut self, node: usize, size_mib: u32) -> Self {
        let disk = SmallDisk::mount(&self.data_as_seen(node), size_mib).await;
        self.small_disk = Some((node, disk));
        self
    }

    /// Gives a process a disk with adjustable delays and hangs.
    pub(crate) fn with_slow_disk(mut self, host: Host) -> Self {
        let directory = match host {
            Host::Node(node) => self.data_as_seen(node),
            _ => self.state(),
        };
        self.slow_disks.insert(host, SlowDisk::new(&directory));
        self
    }

    /// The slow disk of a process. Panics if it has none.
    pub(crate) fn slow_disk(&self, host: Host) -> &SlowDisk {
        &self.slow_disks[&host]
    }

    pub(super) fn put_disk_under(&self, host: Host, command: &mut Command) {
        if let Some(disk) = self.slow_disks.get(&host) {
            disk.put_under(command);
        }
    }

    /// The small disk. Panics if the cluster has none.
    pub(crate) fn small_disk(&self) -> &SmallDisk {
        let (_, disk) = self.small_disk.as_ref().expect("it was made with a small disk");
        disk
    }

    pub(super) fn small_disk_of(&self, node: usize) -> Option<&SmallDisk> {
        self.small_disk.as_ref().filter(|(small, _)| *small == node).map(|(_, disk)| disk)
    }
}
