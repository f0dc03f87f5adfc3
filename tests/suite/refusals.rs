//! Processes that do not belong, or that cannot start. Each ends with words that its operator
//! understands.
//!
//! | module | shows |
//! |---|---|
//! | [`starting`] | configurations and directories with which no process starts |
//! | [`strangers`] | nodes refused by a ring, which goes on undisturbed |
//! | [`copies`] | copies of a node's data directory |
//! | [`gateways`] | a gateway with another ring than its nodes or its own state |

mod copies;
mod gateways;
mod starting;
mod strangers;

use std::time::Duration;

use protocol::view::View;

use crate::harness::cluster::Cluster;
use crate::harness::process::Process;

/// Enough time to form a ring, or to bring a node back.
const SOON: Duration = Duration::from_secs(30);

/// Waits until a process gives up; returns its complaint, the last line of its output.
async fn complaint(process: Process) -> String {
    let (status, output) = process.ended().await;
    assert!(!status.success(), "it ended well:\n{output}");
    let complaint = output.lines().last().filter(|line| line.starts_with("error: "));
    complaint.unwrap_or_else(|| panic!("the last line is no error:\n{output}")).to_owned()
}

/// Asserts that the complaint contains all of these words.
#[track_caller]
fn assert_says(complaint: &str, words: &[&str]) {
    for words in words {
        assert!(complaint.contains(words), "no {words:?} in: {complaint}");
    }
}

/// The state of a ring that must not notice what happens around it.
struct Undisturbed {
    views: Vec<Option<View>>,
    boots: Vec<Option<u64>>,
}

impl Undisturbed {
    /// Remembers the state of a healthy ring.
    async fn ring(cluster: &Cluster) -> Self {
        cluster.healthy_within(SOON).await;
        let status = cluster.status().await.expect("the gateway tells");
        Self {
            views: status.partitions.iter().map(|partition| partition.view).collect(),
            boots: status.nodes.iter().map(|node| node.boots).collect(),
        }
    }

    /// Asserts that no view was changed, no node was replaced, and no process died.
    async fn is_still(&self, cluster: &mut Cluster) {
        let now = Self::ring(cluster).await;
        assert_eq!(now.views, self.views, "a view has changed");
        assert_eq!(now.boots, self.boots, "a node has been replaced");
        assert!(cluster.all_alive(), "a process has died");
    }
}
