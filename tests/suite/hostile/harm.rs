//! Harm: the state of the ring that hostile requests must not change.

use std::fmt;
use std::fs;
use std::time::Duration;

use protocol::view::View;
use tokio::time::sleep;

use crate::harness::cluster::Cluster;
use crate::harness::process::Process;

/// The factor by which a process's memory may grow.
const GROWTH: f64 = 1.2;

/// In a shorter run, processes still allocate memory that they will keep.
const LONG: Duration = Duration::from_secs(300);

/// How much memory they may allocate in a short run, in KiB.
const SHORT_RUN_KIB: u64 = 48 << 10;

/// How many connections of a port may stay open: those of the well-behaved clients and of the
/// test.
const CONNECTIONS_MAX: u64 = 40;

/// The processes of a cluster, by name.
fn processes(cluster: &Cluster) -> Vec<(String, &Process)> {
    let nodes = (0..cluster.ring.size()).map(|node| (format!("db-{node}"), cluster.node(node)));
    [("gateway".to_owned(), cluster.gateway())].into_iter().chain(nodes).collect()
}

/// The links of a ring. Each process logs the loss of a link, and each loss changes a view.
pub(super) struct Links {
    ended: usize,
    views: Vec<Option<View>>,
}

impl Links {
    pub(super) async fn of(cluster: &Cluster) -> Self {
        let status = cluster.status().await.expect("the gateway answers");
        let views = status.partitions.into_iter().map(|partition| partition.view).collect();
        Self { ended: lines(cluster, "is lost"), views }
    }

    /// Asserts that no link has ended, no view has changed, and no process has panicked or met
    /// a defect.
    pub(super) async fn assert_as_before(&self, cluster: &Cluster) {
        let now = Self::of(cluster).await;
        assert_eq!(now.ended, self.ended, "a link has ended");
        assert_eq!(now.views, self.views, "a view has changed");
        for words in ["panicked", "a defect"] {
            assert_eq!(lines(cluster, words), 0, "{words}");
        }
        assert_eq!(
            metric(cluster, "chainring_log_lines_dropped_total").await,
            0,
            "lines are missing"
        );
    }
}

/// How many lines with these words all processes have printed.
fn lines(cluster: &Cluster, words: &str) -> usize {
    let of = |process: &Process| process.text().lines().filter(|line| line.contains(words)).count();
    processes(cluster).into_iter().map(|(_, process)| of(process)).sum()
}

/// The resident memory of each process, in KiB.
pub(super) struct Memory(Vec<(String, u64)>);

impl Memory {
    pub(super) fn of(cluster: &Cluster) -> Self {
        let resident = |process: &Process| {
            let status = fs::read_to_string(format!("/proc/{}/status", process.id()));
            let status = status.expect("it lives");
            let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
            let kib = line.expect("it is told").trim().trim_end_matches(" kB");
            kib.parse::<u64>().expect("a number")
        };
        let processes = processes(cluster).into_iter();
        Self(processes.map(|(name, process)| (name, resident(process))).collect())
    }

    /// Asserts that no process has grown beyond its limit since `before`.
    pub(super) fn assert_not_above(&self, before: &Self, time: Duration) {
        for ((name, now), (_, before)) in self.0.iter().zip(&before.0) {
            let mut most = (*before as f64 * GROWTH) as u64;
            if time < LONG {
                most = most.max(before + SHORT_RUN_KIB);
            }
            assert!(*now <= most, "{name} has grown from {before} to {now} KiB");
        }
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |(name, kib): &(String, u64)| format!("{name} {:.1} MiB", *kib as f64 / 1024.0);
        f.write_str(&self.0.iter().map(of).collect::<Vec<_>>().join(", "))
    }
}

/// Waits for the end of the hostile connections; panics if they stay open.
pub(super) async fn assert_connections_are_gone(cluster: &Cluster) {
    for port in ["rest", "links"] {
        let name = format!("chainring_connections{{port=\"{port}\"}}");
        let mut open = 0;
        for _ in 0..100 {
            open = metric(cluster, &name).await;
            if open <= CONNECTIONS_MAX {
                break;
            }
            sleep(Duration::from_millis(100)).await;
        }
        assert!(open <= CONNECTIONS_MAX, "{open} connections stay at the port of {port}");
    }
}

async fn metric(cluster: &Cluster, name: &str) -> u64 {
    let metrics = cluster.http.get(format!("{}/metrics", cluster.url())).send().await;
    let metrics = metrics.expect("an answer").text().await.expect("text");
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {metrics}")).parse().expect("a number")
}
