//! The configuration of the processes, by the swarm.

use std::time::Duration;

use gateway::ServedByHeader;
use link::Settings;
use protocol::hello::Secret;
use ring_core::gateway::{GatewaySettings, NodeLimits};
use ring_core::node::NodeSettings;
use ring_core::placement::Ring;

use super::deps::SOCKET_PORT;
use crate::plan::host::Host;
use crate::plan::swarm::Swarm;

/// The cluster's secret.
const SECRET: &str = "a secret of the simulation";

/// Enough for a few users only, so that records are also read from the storage.
const RECORD_CACHE_BYTES: usize = 2048;

/// A short pause, because a comparison takes a few of them.
const SCRUB_PAUSE: Duration = Duration::from_millis(60);

fn links(swarm: &Swarm, usual: Settings) -> Settings {
    Settings {
        heartbeat_interval: Duration::from_millis(swarm.heartbeat_interval_ms),
        heartbeat_timeout: Duration::from_millis(swarm.heartbeat_timeout_ms),
        frame_bytes_full: swarm.frame_bytes_full,
        queue_bytes_max: swarm.queue_bytes_max,
        ..usual
    }
}

fn secret() -> Secret {
    Secret::new(SECRET).unwrap_or_else(|error| unreachable!("it is long enough: {error}"))
}

/// The configuration of a node.
pub(super) fn node_config(place: usize, swarm: &Swarm) -> db_process::Config {
    let gateway = format!("{}:{SOCKET_PORT}", Host::Gateway);
    let config = db_process::Config::new(Host::node_id(place), gateway, secret());
    let node_settings = NodeSettings {
        log_entries_kept: swarm.log_entries_kept,
        log_bytes_kept: swarm.log_bytes_kept,
        rows_max: swarm.rows_max,
        window_bytes: swarm.window_bytes,
        disk_deadline: Duration::from_millis(swarm.disk_deadline_ms),
        scrub_pause: SCRUB_PAUSE,
        ..config.node_settings
    };
    db_process::Config {
        links: links(swarm, config.links),
        node_settings,
        record_cache_bytes: RECORD_CACHE_BYTES,
        ..config
    }
}

/// The configuration of a gateway.
pub(super) fn gateway_config(ring: &Ring, swarm: &Swarm) -> gateway::Config {
    let config = gateway::Config::new(ring.clone(), secret());
    let gateway_settings = GatewaySettings {
        grace: Duration::from_millis(swarm.grace_ms),
        node_limits: NodeLimits {
            reads_max: swarm.reads_of_node_max,
            updates_max: swarm.updates_of_node_max,
        },
        ..config.gateway_settings
    };
    let config = gateway::Config {
        links: links(swarm, config.links),
        gateway_settings,
        request_deadline: Duration::from_millis(swarm.request_deadline_ms),
        served_by: ServedByHeader::Shown,
        ..config
    };
    if let Err(error) = config.validate() {
        panic!("the swarm draws only what is valid: {error}");
    }
    config
}
