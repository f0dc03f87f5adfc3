//! REST: the routes, and what they have in common.
//!
//! | module | owns |
//! |---|---|
//! | [`users`] | the calls on user records |
//! | [`direct`] | the way of most calls on users around the router |
//! | [`cluster`] | what is known of the cluster, and health |
//! | [`metrics`] | the same, for Prometheus |
//! | [`exposition`] | the formats of metrics |
//! | [`traffic`] | what was asked and how it went, in numbers |
//! | [`accept_loss`] | an operator's last resort |
//! | [`openapi`] | the interface as a document |
//! | [`body`] | reading a JSON body within its limits |
//! | [`etag`] | positions as entity tags, and the preconditions that name them |
//! | [`problem`] | every failure as a response |
//! | [`sliced`] | responses that grow with the ring, within a bound of bytes that wait for their readers |

mod accept_loss;
#[cfg(test)]
mod accepted_tests;
mod body;
mod cluster;
mod direct;
mod etag;
mod exposition;
mod metrics;
mod openapi;
mod problem;
mod sliced;
mod traffic;
mod users;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{MethodRouter, get, post};
use link::Connections;
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

/// Where users are; each has its id behind that.
const USERS: &str = "/api/user/";

/// Where the cluster is; what operators may do to it is behind that.
pub(crate) const CLUSTER: &str = "/api/cluster";

/// Where an operator accepts a loss.
const ACCEPT_LOSS: &str = "/api/cluster/accept-loss";

/// What the handlers share.
pub(crate) struct App {
    driver: Arc<Driver>,
    entropy: Arc<dyn Entropy>,
    served_by: ServedByHeader,
    access: Access,
    /// How many bytes a body may take.
    body_bytes_max: usize,
    /// How long it may take to arrive.
    body_deadline: Duration,
    /// The ports, by name.
    ports: [(&'static str, Arc<Connections>); 2],
    traffic: Traffic,
    /// Cancelled when the gateway is to end.
    closing: CancellationToken,
    waiting: Waiting,
}

/// The routes; each with a trailing slash and without.
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
    let router = routes().into_iter().fold(Router::new(), |router, (path, methods)| {
        let path = path.trim_end_matches('/');
        router.route(path, methods.clone()).route(&format!("{path}/"), methods)
    });
    let router = router
        .fallback(|| async { Problem::no_route() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(Arc::clone(&app));
    Direct::new(app, router)
}

/// What there is, by path; each has a trailing slash and none.
fn routes() -> [(&'static str, MethodRouter<Arc<App>>); 8] {
    [
        (USERS, post(users::create).put(users::change)),
        ("/api/user/{id}", get(users::read).delete(users::delete)),
        (CLUSTER, get(cluster::status)),
        (ACCEPT_LOSS, post(accept_loss::accept)),
        ("/api/openapi.json", get(openapi::document)),
        ("/metrics", get(metrics::metrics)),
        ("/healthz", get(cluster::alive)),
        ("/readyz", get(cluster::ready)),
    ]
}
