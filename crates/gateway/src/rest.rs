//! REST: the interface for clients.
//!
//! | module | owns |
//! |---|---|
//! | [`routes`], [`route`] | the table of routes: method, path, role, kind, problems, handler |
//! | [`app`] | the state shared by the handlers |
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
mod app;
mod body;
mod cluster;
mod direct;
mod etag;
mod exposition;
mod metrics;
mod openapi;
mod problem;
mod route;
mod routes;
mod sliced;
mod traffic;
mod users;

use std::sync::Arc;

use process::entropy::Entropy;
use tokio_util::sync::CancellationToken;

use self::app::{App, Ports};
use self::direct::Direct;
use self::problem::Problem;
use self::routes::ROUTES;
use self::sliced::Waiting;
use self::traffic::Traffic;
use crate::access::Access;
use crate::config::Config;
use crate::driver::Driver;

/// Creates the service for the requests of clients.
pub(crate) fn service(
    driver: Arc<Driver>,
    entropy: Arc<dyn Entropy>,
    config: &Config,
    access: Access,
    ports: Ports,
    closing: CancellationToken,
) -> Direct {
    let app = Arc::new(App {
        driver,
        entropy,
        served_by: config.served_by,
        access,
        body_bytes_max: config.body_bytes_max,
        body_deadline: config.port_limits.receive_deadline,
        ports,
        traffic: Traffic::new(),
        closing,
        waiting: Waiting::new(),
        document: openapi::made(&ROUTES).to_string().into(),
    });
    let router = routes::router()
        .fallback(|| async { Problem::no_route() })
        .method_not_allowed_fallback(|| async { Problem::method_not_allowed() })
        .with_state(Arc::clone(&app));
    Direct::new(app, router)
}
