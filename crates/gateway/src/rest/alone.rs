//! REST of a gateway without nodes, for tests.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderName, Method, Request, StatusCode};
use process::clock::SystemClock;
use process::entropy::SystemEntropy;
use protocol::hello::Secret;
use protocol::id::{ClusterId, GatewayBoot};
use ring_core::gateway::{ClientRequest, Gateway};
use ring_core::placement::Ring;
use service::clock::Clock;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;
use tower::Service;
use uuid::Uuid;

use super::direct::Direct;
use crate::access::Access;
use crate::config::Config;
use crate::driver::Driver;

pub(super) const BOOT: GatewayBoot = GatewayBoot(Uuid::max());

/// A client's request.
#[derive(Debug, Clone)]
pub(super) struct Sent {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: Vec<(HeaderName, String)>,
    pub(super) body: Vec<u8>,
}

/// A gateway without nodes: it answers at once that there is no cluster.
pub(super) struct Rest {
    driver: Arc<Driver>,
    service: Direct,
    runtime: Runtime,
}

impl Rest {
    /// Creates one with full access for everybody.
    pub(super) fn new() -> Self {
        Self::with(Access::Open)
    }

    /// Creates one with these rules of access.
    pub(super) fn with(access: Access) -> Self {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let ring = Ring::new(["a", "b"].map(|id| id.parse().unwrap()).to_vec()).unwrap();
        let config = Config::new(ring.clone(), Secret::new("correct horse").unwrap());
        let clock = Clock::start(Arc::new(SystemClock));
        let (settings, cluster) = (&config.gateway_settings, ClusterId(Uuid::nil()));
        let core = Gateway::recovered(ring, BOOT, cluster, None, settings, clock.now()).unwrap();
        let (driver, _) = Driver::new(core, BOOT, clock, config.request_deadline);
        let (entropy, closing) = (Arc::new(SystemEntropy), CancellationToken::new());
        let ports = ["rest", "links"].map(|port| (port, Arc::default()));
        let of_rest = Arc::clone(&driver);
        let service = super::service(of_rest, entropy, &config, access, ports, closing);
        Self { driver, service, runtime }
    }

    /// Sends a request. Returns the status of the answer, and the requests handed to the core
    /// meanwhile. `None` if the request is not valid HTTP.
    pub(super) fn send(&mut self, sent: Sent) -> Option<(StatusCode, Vec<ClientRequest>)> {
        let mut request = Request::builder().method(sent.method).uri(sent.path);
        for (name, value) in sent.headers {
            request = request.header(name, value);
        }
        // These parts may not form a valid HTTP request. Then it never reaches the service.
        let request = request.body(Body::from(sent.body)).ok()?;
        let answering = self.service.call(request);
        let Ok(response) = self.runtime.block_on(answering);
        Some((response.status(), self.driver.take_submitted()))
    }
}
