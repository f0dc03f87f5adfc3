//! REST: the interface for clients.
//!
//! | module | owns |
//! |---|---|
//! | [`routes`] | the table of routes: method, path, role, kind, problems, handler |
//! | [`direct`] | the way of a request to its route; refuses requests without the needed role |
//! | [`users`] | the calls on user records |
//! | [`cluster`] | the status of the cluster, and health |
//! | [`metrics`] | the same, for Prometheus |
//! | [`exposition`] | the formats of metrics |
//! | [`traffic`] | counts of requests by outcome, and their durations |
//! | [`accept_loss`] | an operator's last resort |
//! | [`openapi`] | the interface as a document |
//! | [`body`] | reading a JSON body within its limits |
//! | [`etag`] | positions as entity tags, and the preconditions of requests |
//! | [`problem`] | every failure as a response |
//! | [`sliced`] | responses that grow with the ring, with a bound for their unwritten bytes |

mod accept_loss;
#[cfg(test)]
mod accepted_tests;
#[cfg(test)]
mod alone;
mod body;
mod cluster;
mod direct;
mod etag;
mod exposition;
mod metrics;
mod openapi;
mod problem;
mod routes;
mod sliced;
mod traffic;
mod users;

use std::sync::Arc;
use std::time::Duration;

use port::Connections;
use process::entropy::Entropy;
use tokio_util::sync::CancellationToken;

pub(crate) use self::body::REFUSED_BODY_BYTES_MAX;
use self::direct::Direct;
use self::problem::Problem;
use self::sliced::Waiting;
use self::traffic::Traffic;
use crate::access::Access;
use crate::config::{Config, ServedByHeader};
use crate::driver::Driver;

/// The state shared by the handlers.
pub(crate) struct App {
    driver: Arc<Driver>,
    entropy: Arc<dyn Entropy>,
    served_by: ServedByHeader,
    access: Access,
    /// The maximum size of a body, in bytes.
    body_bytes_max: usize,
    /// The maximum time for a body to arrive.
    body_deadline: Duration,
    /// The ports, by name.
    ports: [(&'static str, Arc<Connections>); 2],
    traffic: Traffic,
    /// Cancelled when the gateway is to end.
    closing: CancellationToken,
    waiting: Waiting,
}

/// Creates the service for the requests of clients.
pub(crate) fn service(
    driver: Arc<Driver>,
    entropy: Arc<dyn Entropy>,
    config: &Config,
    closing: CancellationToken,
) -> Direct {
    let app = Arc::new(App {
        driver,
        entropy,
        served_by: config.served_by,
        access: config.access.clone(),
        body_bytes_max: config.body_bytes_max,
        body_deadline: config.rest_port.limits.receive_deadline,
        ports: [("rest", &config.rest_port), ("links", &config.link_port)]
            .map(|(name, port)| (name, Arc::clone(&port.connections))),
        traffic: Traffic::new(),
        closing,
        waiting: Waiting::new(),
    });
    let router = routes::router()
        .fallback(|| async { Problem::no_route() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(Arc::clone(&app));
    Direct::new(app, router)
}
