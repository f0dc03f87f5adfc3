//! The shared parts of the two links dialled by a node.

use std::sync::Arc;
use std::time::Duration;

use link::{Backoff, CloseReason, ConnectError, Opening};
use port::Connector;
use process::entropy::Entropy;
use protocol::hello::Hello;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::Driver;
use super::to_driver::ToDriver;
use crate::config::Config;

/// The delay before the first attempt to connect again. It doubles up to [`BACKOFF_MAX`].
const BACKOFF_FIRST: Duration = Duration::from_millis(50);

/// The longest delay between two attempts to connect.
const BACKOFF_MAX: Duration = Duration::from_secs(1);

/// Everything needed to dial.
#[derive(Clone)]
pub(crate) struct Dialler {
    pub(crate) config: Arc<Config>,
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) driver: Arc<Driver>,
}

/// Yields the reason when an open link closes.
pub(crate) type WhenClosed = oneshot::Receiver<CloseReason>;

impl Dialler {
    /// Dials and says hello.
    pub(crate) async fn dial<Role: Serialize, Out, In>(
        &self,
        address: &str,
        role: Role,
    ) -> Result<Opening<Out, In>, ConnectError> {
        let hello = Hello::new(self.config.secret.clone(), role);
        link::dial(&*self.connector, address, &hello, &self.config.links).await
    }

    /// Opens a link, and sends its messages to the driver.
    pub(crate) fn open<Out: 'static, In: DeserializeOwned + Send + 'static>(
        opening: Opening<Out, In>,
        peer: &str,
        handler: ToDriver<In>,
    ) -> WhenClosed {
        let (closed, when_closed) = oneshot::channel();
        opening.open(peer, ToDriver { when_closed: Some(closed), ..handler });
        when_closed
    }

    pub(crate) fn backoff(&self) -> Backoff {
        Backoff::new(BACKOFF_FIRST, BACKOFF_MAX)
    }

    pub(crate) async fn rest(&self, backoff: &mut Backoff) {
        tokio::time::sleep(backoff.next_delay(self.entropy.fraction())).await;
    }
}

/// Waits until a link closes, and returns the reason.
pub(crate) async fn closing(when_closed: WhenClosed) -> String {
    when_closed.await.map_or_else(|_| "the process ends".to_owned(), |reason| reason.to_string())
}
