//! Socket.io clients that nobody here wrote, as observers of the cluster.
//!
//! | module | what it shows |
//! |---|---|
//! | [`rust`] | `rust_socketio` |
//! | [`javascript`] | the official client, `socket.io-client` |
//! | [`hellos`] | what they say of themselves, well and badly |

pub(crate) mod hellos;
mod javascript;
mod rust;

use std::time::Duration;

use api::ClusterStatus;
use protocol::version::Versions;
use serde_json::{Value, json};

/// Longer than it takes to connect, to notice the loss of a node, and to connect again.
const SOON: Duration = Duration::from_secs(20);

/// Whether it is what an observer is told first.
#[track_caller]
fn assert_welcome(data: &Value) {
    assert_eq!(*data, json!({ "protocol": Versions::SPOKEN.highest }));
}

/// What an observer is told of the cluster.
fn status(data: Value) -> ClusterStatus {
    serde_json::from_value(data).expect("the status of a cluster")
}

/// Whether the ring of two is without its second node, and goes on.
fn shows_the_loss(status: &ClusterStatus) -> bool {
    let [first, second] = &status.nodes[..] else { panic!("{status:#?}") };
    first.linked && !second.linked && !status.healthy
}
