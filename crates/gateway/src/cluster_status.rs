//! Translates the core's overview of the cluster into the public JSON types.

use api::{ClusterStatus, CopyStatus, NodeStatus, PartitionStatus};
use ring_core::gateway::{CopyOverview, NodeOverview, Overview, PartitionOverview};

/// The status for clients.
pub(crate) fn of(overview: Overview) -> ClusterStatus {
    let Overview { cluster, healthy, nodes, partitions } = overview;
    ClusterStatus {
        cluster,
        healthy,
        nodes: nodes.into_iter().map(node).collect(),
        partitions: partitions.into_iter().map(partition).collect(),
    }
}

fn node(overview: NodeOverview) -> NodeStatus {
    let NodeOverview { id, linked, address, incarnation, boots, last_words } = overview;
    NodeStatus { id, linked, address, incarnation, boots, last_words }
}

fn partition(overview: PartitionOverview) -> PartitionStatus {
    let PartitionOverview { partition, view, home, next, lag_entries, compared, salvage, problems } =
        overview;
    let (home, next) = (copy(home), copy(next));
    PartitionStatus { partition, view, home, next, lag_entries, compared, salvage, problems }
}

fn copy(overview: CopyOverview) -> CopyStatus {
    let CopyOverview { node, in_sync, position, durable, committed, condition } = overview;
    CopyStatus { node, in_sync, position, durable, committed, condition }
}
