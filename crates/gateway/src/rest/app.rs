//! The state shared by the handlers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use port::Connections;
use process::entropy::Entropy;
use tokio_util::sync::CancellationToken;

use super::sliced::Waiting;
use super::traffic::Traffic;
use crate::access::Access;
use crate::config::ServedByHeader;
use crate::driver::Driver;

/// The connections of each port, with its name.
pub(crate) type Ports = [(&'static str, Arc<Connections>); 2];

/// The state shared by the handlers.
pub(crate) struct App {
    pub(super) driver: Arc<Driver>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) served_by: ServedByHeader,
    pub(super) access: Access,
    /// The maximum size of a body, in bytes.
    pub(super) body_bytes_max: usize,
    /// The maximum time for a body to arrive.
    pub(super) body_deadline: Duration,
    /// The ports, by name.
    pub(super) ports: Ports,
    pub(super) traffic: Traffic,
    /// Cancelled when the gateway is to end.
    pub(super) closing: CancellationToken,
    pub(super) waiting: Waiting,
    /// The OpenAPI document.
    pub(super) document: Bytes,
}
