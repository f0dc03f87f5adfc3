//! Socket.io clients of other authors, as observers of the cluster.
//!
//! | module | shows |
//! |---|---|
//! | [`rust`] | `rust_socketio` |
//! | [`javascript`] | the official client, `socket.io-client` |
//! | [`hellos`] | valid and invalid hellos of observers |
//! | [`tokens`] | observers with an API token, or without one |

pub(crate) mod hellos;
mod javascript;
mod rust;
mod tokens;

use std::time::Duration;

use api::ClusterStatus;
use protocol::version::Versions;
use serde_json::{Value, json};

/// Enough time to connect, to detect the loss of a node, and to connect again.
const SOON: Duration = Duration::from_secs(20);

/// Asserts that this is the first message to an observer.
#[track_caller]
fn assert_welcome(data: &Value) {
    assert_eq!(*data, json!({ "protocol": Versions::SPOKEN.highest }));
}

/// The status of the cluster in a message to an observer.
fn status(data: Value) -> ClusterStatus {
    serde_json::from_value(data).expect("the status of a cluster")
}

/// Whether the ring of two has lost its second node, and goes on.
fn shows_the_loss(status: &ClusterStatus) -> bool {
    let [first, second] = &status.nodes[..] else { panic!("{status:#?}") };
    first.linked && !second.linked && !status.healthy
}
