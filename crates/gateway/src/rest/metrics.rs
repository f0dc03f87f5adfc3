//! The status of the cluster for
//! [Prometheus](https://prometheus.io/docs/instrumenting/exposition_formats/), in the
//! [format](super::exposition) of the client's choice.
//!
//! The gauges show the present moment: they come from the same status as `/api/cluster`. The
//! counters come from [`traffic`](super::traffic), from the ports and from the log.

use std::sync::Arc;

use api::{ClusterStatus, CopyStatus, PartitionStatus};
use axum::extract::State;
use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use port::Connections;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use protocol::message::{Condition, Verdict};
use protocol::view::Member;

use super::app::App;
use super::exposition::Exposition;
use super::problem::Problem;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfNode {
    node: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPartition {
    partition: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCopy {
    partition: u16,
    copy: String,
    node: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfPort {
    port: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfCut {
    port: &'static str,
    cause: &'static str,
}

/// The gauges.
#[derive(Default)]
struct Gauges {
    node_linked: Family<OfNode, Gauge>,
    problems: Family<OfPartition, Gauge>,
    lag_entries: Family<OfPartition, Gauge>,
    copies_differ: Family<OfPartition, Gauge>,
    users_dropped: Family<OfPartition, Gauge>,
    copy_in_sync: Family<OfCopy, Gauge>,
    copy_damaged: Family<OfCopy, Gauge>,
    copy_partial: Family<OfCopy, Gauge>,
    requests_in_flight: Gauge,
}

/// Answers with the cluster's metrics, in the format of the client's choice.
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let exposition = Exposition::asked_for(&headers);
    let text = text(&app, exposition)
        .unwrap_or_else(|error| unreachable!("a string takes any text: {error}"));
    let mut response = app.waiting.sliced(exposition.content_type(), text)?;
    response.headers_mut().insert(VARY, HeaderValue::from_static("accept"));
    Ok(response)
}

fn text(app: &App, exposition: Exposition) -> Result<String, std::fmt::Error> {
    let mut registry = Registry::with_prefix("chainring");
    register(&mut registry, &app.driver.status(), app.driver.in_flight());
    register_ports(&mut registry, app.ports.iter().map(|(port, counted)| (*port, &**counted)));
    app.traffic.register(&mut registry);
    register_log(&mut registry, process::log::lines_dropped());
    exposition.of(&registry)
}

fn register(registry: &mut Registry, status: &ClusterStatus, in_flight: usize) {
    let gauges = Gauges::default();
    gauges.register(registry);
    gauges.requests_in_flight.set(number(in_flight));
    for node in &status.nodes {
        let of = OfNode { node: node.id.to_string() };
        gauges.node_linked.get_or_create(&of).set(i64::from(node.linked));
    }
    for partition in &status.partitions {
        gauges.set(partition);
    }
}

fn register_log(registry: &mut Registry, lines_dropped: u64) {
    let dropped = Counter::<u64>::default();
    dropped.inc_by(lines_dropped);
    let help = "How many lines of the log were dropped, as nobody read them in time";
    registry.register("log_lines_dropped", help, dropped);
}

fn register_ports<'a>(
    registry: &mut Registry,
    ports: impl IntoIterator<Item = (&'static str, &'a Connections)>,
) {
    let (open, refused) =
        (Family::<OfPort, Gauge>::default(), Family::<OfPort, Counter>::default());
    let cuts = Family::<OfCut, Counter>::default();
    for (port, connections) in ports {
        let of = OfPort { port };
        open.get_or_create(&of).set(number(connections.open()));
        refused.get_or_create(&of).inc_by(connections.refused());
        for (cut, count) in connections.cuts() {
            let of = OfCut { port, cause: cut.name() };
            cuts.get_or_create(&of).inc_by(count);
        }
    }
    registry.register(
        "connections",
        "How many connections a port has, without those of linked nodes",
        open,
    );
    let help = "How many connections a port has refused, as there were too many";
    registry.register("connections_refused", help, refused);
    let help = "How many connections were cut off for what their peers did, or did not";
    registry.register("connections_cut_off", help, cuts);
}

impl Gauges {
    fn register(&self, registry: &mut Registry) {
        let node_linked = self.node_linked.clone();
        registry.register("node_linked", "Whether a node is linked to the gateway", node_linked);
        let help = "How many things keep a partition from being served by both copies";
        registry.register("partition_problems", help, self.problems.clone());
        let help = "How many entries the replica has not made durable yet";
        registry.register("partition_lag_entries", help, self.lag_entries.clone());
        let help = "Whether the two copies differ though neither is damaged: alarm on it";
        registry.register("partition_copies_differ", help, self.copies_differ.clone());
        let help = "How many users were dropped, as their records could not be read when an operator last accepted that";
        registry.register("partition_users_dropped", help, self.users_dropped.clone());
        let help = "Whether the view counts on a copy";
        registry.register("copy_in_sync", help, self.copy_in_sync.clone());
        let help = "Whether a copy holds rows that are not what was written: alarm on it";
        registry.register("copy_damaged", help, self.copy_damaged.clone());
        let help = "Whether a copy is only partly there, or cannot read how far it is, and is being restored";
        registry.register("copy_partial", help, self.copy_partial.clone());
        let help = "How many requests of clients are under way";
        registry.register("requests_in_flight", help, self.requests_in_flight.clone());
    }

    fn set(&self, status: &PartitionStatus) {
        let of = OfPartition { partition: status.partition.0 };
        self.problems.get_or_create(&of).set(number(status.problems.len()));
        if let Some(lag) = status.lag_entries {
            self.lag_entries.get_or_create(&of).set(i64::try_from(lag).unwrap_or(i64::MAX));
        }
        let differ = status.compared == Some(Verdict::Different);
        self.copies_differ.get_or_create(&of).set(i64::from(differ));
        let dropped = status.salvage.as_ref().map_or(0, |salvage| salvage.dropped);
        self.users_dropped.get_or_create(&of).set(i64::try_from(dropped).unwrap_or(i64::MAX));
        self.set_copy(status, Member::Home, &status.home);
        self.set_copy(status, Member::Next, &status.next);
    }

    fn set_copy(&self, of: &PartitionStatus, member: Member, copy: &CopyStatus) {
        let of = OfCopy {
            partition: of.partition.0,
            copy: member.to_string(),
            node: copy.node.to_string(),
        };
        self.copy_in_sync.get_or_create(&of).set(i64::from(copy.in_sync));
        let is = |condition| i64::from(copy.condition == Some(condition));
        self.copy_damaged.get_or_create(&of).set(is(Condition::Damaged));
        let is_part = copy.condition.is_some_and(|condition| !condition.serves());
        self.copy_partial.get_or_create(&of).set(i64::from(is_part));
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use api::NodeStatus;
    use protocol::salvage::Salvage;

    use super::*;

    fn copy(node: &str, condition: Condition) -> CopyStatus {
        CopyStatus {
            node: node.parse().unwrap(),
            in_sync: true,
            position: None,
            durable: None,
            committed: None,
            condition: Some(condition),
        }
    }

    #[test]
    fn damage_and_difference_are_to_be_seen() {
        let node = |id: &str| NodeStatus {
            id: id.parse().unwrap(),
            linked: id == "db-0",
            address: None,
            incarnation: None,
            boots: None,
            last_words: None,
        };
        let partition = PartitionStatus {
            partition: protocol::id::PartitionId(3),
            view: None,
            home: copy("db-0", Condition::Whole),
            next: copy("db-1", Condition::Damaged),
            lag_entries: Some(7),
            compared: Some(Verdict::Different),
            salvage: Some(Salvage { dropped: 2, ..Salvage::default() }),
            problems: vec!["one".to_owned()],
        };
        let status = ClusterStatus {
            cluster: None,
            healthy: false,
            nodes: vec![node("db-0"), node("db-1")],
            partitions: vec![partition],
        };
        let mut registry = Registry::with_prefix("chainring");
        register(&mut registry, &status, 5);
        register_ports(&mut registry, [("rest", &Connections::default())]);
        register_log(&mut registry, 9);
        let text = Exposition::Classic.of(&registry).unwrap();
        for line in [
            r#"chainring_node_linked{node="db-0"} 1"#,
            r#"chainring_node_linked{node="db-1"} 0"#,
            r#"chainring_partition_problems{partition="3"} 1"#,
            r#"chainring_partition_lag_entries{partition="3"} 7"#,
            r#"chainring_partition_copies_differ{partition="3"} 1"#,
            r#"chainring_partition_users_dropped{partition="3"} 2"#,
            r#"chainring_copy_damaged{partition="3",copy="home",node="db-0"} 0"#,
            r#"chainring_copy_damaged{partition="3",copy="next",node="db-1"} 1"#,
            "chainring_requests_in_flight 5",
            "chainring_log_lines_dropped_total 9",
            r#"chainring_connections{port="rest"} 0"#,
            r#"chainring_connections_refused_total{port="rest"} 0"#,
            r#"chainring_connections_cut_off_total{port="rest",cause="head-late"} 0"#,
        ] {
            assert!(text.lines().any(|other| other == line), "{line} is not in:\n{text}");
        }
    }
}
