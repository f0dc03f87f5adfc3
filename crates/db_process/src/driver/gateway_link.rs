//! The link to the gateway: dialled at the start, and again whenever it is lost.

use std::sync::Arc;

use link::ConnectError;
use protocol::hello::{GatewayPeer, NodeHello};
use protocol::refusal::Remedy;
use ring_core::node::{NodeEvent, StopReason};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::dialler::{Dialler, WhenClosed, closing};
use super::to_driver::ToDriver;

/// How long the node keeps trying while the gateway tells it to wait (`Remedy::Wait`), in times
/// that a link needs to notice its loss. The usual obstacle is the link of this node's previous
/// process, and the gateway notices the loss of that link after one such time.
const DETECTIONS_MAX: u32 = 3;

/// Connects to the gateway, again and again. Stops the node if the gateway's refusal needs an
/// operator, or if it asks the node to wait for too long.
pub(crate) async fn keep_up(dialler: Dialler, hello: watch::Receiver<NodeHello>) {
    let gateway = dialler.config.gateway.clone();
    let wait_max = DETECTIONS_MAX * dialler.config.links.detection();
    let mut backoff = dialler.backoff();
    let mut attempts = 0_u64;
    let mut in_the_way_since = None;
    loop {
        attempts += 1;
        match connect(&dialler, &hello).await {
            Ok(closed) => {
                info!(gateway, "linked to the gateway");
                attempts = 0;
                in_the_way_since = None;
                let since = Instant::now();
                let reason = closing(closed).await;
                backoff.link_lived(since.elapsed());
                warn!(gateway, reason, "the link to the gateway is lost");
            }
            Err(ConnectError::Refused(refusal)) if refusal.code.remedy() == Remedy::Operator => {
                return dialler.driver.stop(StopReason::Refused(refusal).into());
            }
            Err(ConnectError::Refused(refusal)) if refusal.code.remedy() == Remedy::Wait => {
                let since = *in_the_way_since.get_or_insert_with(Instant::now);
                if since.elapsed() >= wait_max {
                    return dialler.driver.stop(StopReason::Refused(refusal).into());
                }
                if attempts == 1 {
                    warn!(gateway, %refusal, "the gateway refuses this node for now, trying on");
                }
            }
            Err(error) if attempts == 1 => {
                warn!(gateway, %error, "no link to the gateway, trying on")
            }
            Err(error) => debug!(gateway, %error, attempts, "no link to the gateway yet"),
        }
        dialler.rest(&mut backoff).await;
    }
}

async fn connect(
    dialler: &Dialler,
    hello: &watch::Receiver<NodeHello>,
) -> Result<WhenClosed, ConnectError> {
    let role = GatewayPeer::Node(hello.borrow().clone());
    let opening = dialler.dial(&dialler.config.gateway, role).await?;
    let driver = Arc::clone(&dialler.driver);
    let link = driver.gateway_linked(opening.sender());
    let handler = ToDriver {
        driver,
        link,
        says: |link, message| NodeEvent::GatewaySays { link, message },
        undecodable: |link| NodeEvent::GatewayUndecodable { link },
        lost: |link| NodeEvent::GatewayLost { link },
        when_closed: None,
    };
    Ok(Dialler::open(opening, "gateway", handler))
}
