//! The cluster as a table for people.

use api::{ClusterStatus, CopyStatus, NodeStatus, PartitionStatus};
use protocol::message::Condition;

/// The cluster's nodes, its partitions, and their problems; without the last line feed.
pub(crate) fn table(status: &ClusterStatus) -> String {
    let headline = match status.cluster {
        Some(cluster) => format!("cluster {cluster}: {}", health(status)),
        None => "no cluster yet".to_owned(),
    };
    let nodes = rows(["node", "linked", "boots", "address", ""], status.nodes.iter().map(node_row));
    let partitions = rows(
        ["partition", "view", "home", "next", "lag"],
        status.partitions.iter().map(partition_row),
    );
    let with_problems = status.partitions.iter().filter(|partition| !partition.problems.is_empty());
    let problems = with_problems.map(|partition| {
        let problems = partition.problems.iter();
        problems.map(|problem| format!("{}: {problem}", partition.partition)).collect()
    });
    let dropped = status.partitions.iter().filter_map(dropped).collect::<Vec<_>>();
    let dropped = (!dropped.is_empty()).then_some(dropped);
    let blocks = [vec![headline], nodes, partitions].into_iter().chain(problems).chain(dropped);
    blocks.map(|lines: Vec<_>| lines.join("\n")).collect::<Vec<_>>().join("\n\n")
}

fn health(status: &ClusterStatus) -> &'static str {
    if status.healthy { "healthy" } else { "something is wrong" }
}

fn node_row(node: &NodeStatus) -> [String; 5] {
    let linked = if node.linked { "yes" } else { "no" };
    [
        node.id.to_string(),
        linked.to_owned(),
        or_dash(node.boots),
        or_dash(node.address.as_ref()),
        node.last_words.as_ref().map_or_else(String::new, |words| format!("it ended: {words}")),
    ]
}

fn partition_row(partition: &PartitionStatus) -> [String; 5] {
    let view = partition.view.map(|view| format!("{} ({})", view.in_sync, view.epoch));
    [
        partition.partition.to_string(),
        or_dash(view),
        copy(&partition.home),
        copy(&partition.next),
        or_dash(partition.lag_entries),
    ]
}

/// A line about the dropped users of a partition.
fn dropped(status: &PartitionStatus) -> Option<String> {
    let salvage = status.salvage.as_ref().filter(|salvage| salvage.dropped > 0)?;
    let (partition, dropped, names) = (status.partition, salvage.dropped, salvage.names());
    Some(format!(
        "{partition}: users dropped, as their records could not be read and the loss was accepted: {dropped} ({names})"
    ))
}

fn copy(copy: &CopyStatus) -> String {
    let worth = match copy.condition {
        Some(Condition::Damaged) => ", damaged",
        Some(Condition::Partial) => ", partly there",
        Some(Condition::Unreadable) => ", unreadable",
        Some(Condition::Whole) | None => "",
    };
    format!("{} at {}{worth}", copy.node, or_dash(copy.position))
}

fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

fn rows<const N: usize>(header: [&str; N], rows: impl Iterator<Item = [String; N]>) -> Vec<String> {
    let rows = std::iter::once(header.map(str::to_owned)).chain(rows).collect::<Vec<_>>();
    let width =
        |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}
