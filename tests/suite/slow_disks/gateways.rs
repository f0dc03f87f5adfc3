//! The disk of the gateway's state directory hangs.

use std::time::Duration;

use api::ClusterStatus;
use sim::plan::host::Host;

use super::{RECOVERY, change, create, has_problem, is_home_only, read, users};
use crate::harness::cluster::Cluster;
use crate::harness::slow_disk::Calls;

/// The status's words about the disk.
const NAMED: &str = "the disk of the gateway's state directory does not answer";

/// How long the gateway waits for its disk, and its words at the end.
const DEADLINE: [&str; 2] = ["--disk-deadline-ms", "6000"];
const SAID: &str = "the disk of the state directory has not answered for 6s";

const NAMED_WITHIN: Duration = Duration::from_secs(4);

/// A node whose death forces a view change: of the partition before it.
const DEAD: usize = 1;

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_whose_disk_hangs_names_it_serves_on_and_ends_at_its_deadline() {
    let mut cluster = Cluster::new(3).with_gateway_flags(&DEADLINE).with_slow_disk(Host::Gateway);
    cluster.start_all();
    cluster.healthy_within(RECOVERY).await;
    let [concerned, other] = [0, 2].map(|partition| users(&cluster, partition, 1).remove(0));
    for id in [&concerned, &other] {
        create(&cluster, id, "Ada").await;
    }

    // The disk hangs for a while, and a view has to change meanwhile.
    cluster.slow_disk(Host::Gateway).hang(Calls::Syncs);
    cluster.kill_node(DEAD).await;
    cluster.status_within(NAMED_WITHIN, is_named).await;
    assert_eq!(change(&cluster, &other, 2).await, 200, "nobody of its partition is dead");
    assert_eq!(read(&cluster, &other).await, Some(2));
    cluster.slow_disk(Host::Gateway).release(Calls::Syncs);
    cluster.status_within(NAMED_WITHIN, |status| is_home_only(status, 0)).await;
    let status = cluster.status().await.expect("it answers");
    assert!(!is_named(&status), "the disk answers again: {status:#?}");
    assert_eq!(change(&cluster, &concerned, 3).await, 200);
    cluster.start_node(DEAD);
    cluster.healthy_within(RECOVERY).await;

    // The disk hangs for good.
    cluster.slow_disk(Host::Gateway).hang(Calls::Syncs);
    cluster.kill_node(DEAD).await;
    cluster.status_within(NAMED_WITHIN, is_named).await;
    let (status, said) = cluster.take_gateway().ended().await;
    assert!(!status.success(), "it ended as if nothing was wrong:\n{said}");
    assert!(said.lines().any(|line| line.contains(SAID)), "it does not say {SAID:?}:\n{said}");
    assert!(!said.contains("panicked"), "it panicked:\n{said}");
    cluster.slow_disk(Host::Gateway).release(Calls::Syncs);
    cluster.start_gateway();
    cluster.start_node(DEAD);
    cluster.healthy_within(RECOVERY).await;
    for (id, group) in [(&concerned, 3), (&other, 2)] {
        assert_eq!(read(&cluster, id).await, Some(group), "{id}");
    }
    cluster.stop_all().await;
}

fn is_named(status: &ClusterStatus) -> bool {
    (0..3).all(|partition| has_problem(status, partition, NAMED))
}
