//! The link to the next node: dialled when the gateway has told its address, and again whenever
//! it is lost.

use std::sync::Arc;

use link::{ConnectError, Sender};
use protocol::hello::NodePeer;
use protocol::message::CopyMessage;
use protocol::view::Member;
use ring_core::node::{DialNext, NodeEvent};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{debug, info, warn};

use super::dialler::{Dialler, WhenClosed, closing};
use super::to_driver::ToDriver;

/// Keeps up a link to the current target, for as long as it is polled. Returns when the driver
/// has ended.
pub(crate) async fn keep_up(dialler: Dialler, mut target: watch::Receiver<Option<DialNext>>) {
    let mut backoff = dialler.backoff();
    let mut attempts = 0_u64;
    loop {
        let Some(dial) = target.borrow_and_update().clone() else {
            if target.changed().await.is_err() {
                return;
            }
            continue;
        };
        let (next, address) = (&dial.hello.to.0, &dial.address);
        attempts += 1;
        match connect(&dialler, &dial).await {
            Ok((sender, closed)) => {
                info!(%next, address, "linked to the next node");
                attempts = 0;
                let since = Instant::now();
                let reason = stay(&sender, closed, &dial, &mut target).await;
                backoff.link_lived(since.elapsed());
                warn!(%next, reason, "the link to the next node is lost");
            }
            Err(error) if attempts == 1 => {
                warn!(%next, address, %error, "no link to the next node, trying on")
            }
            Err(error) => debug!(%next, address, %error, attempts, "no link to the next node yet"),
        }
        // News of the next node's address means the node is there: dial at once.
        tokio::select! {
            biased;
            changed = target.changed() => match changed {
                Ok(()) => backoff.reset(),
                Err(_) => return,
            },
            () = dialler.rest(&mut backoff) => {}
        }
    }
}

/// Waits until the link closes, and returns the reason. Closes the link itself if the target
/// changes.
async fn stay(
    sender: &Sender<CopyMessage>,
    closed: WhenClosed,
    dialled: &DialNext,
    target: &mut watch::Receiver<Option<DialNext>>,
) -> String {
    let moved = async {
        // An error means the end of the driver, and the driver closes the link too.
        if target
            .wait_for(|target| target.as_ref().is_some_and(|target| target != dialled))
            .await
            .is_ok()
        {
            sender.close("the next node is somewhere else");
        }
        std::future::pending().await
    };
    tokio::select! {
        biased;
        reason = closing(closed) => reason,
        reason = moved => reason,
    }
}

async fn connect(
    dialler: &Dialler,
    dial: &DialNext,
) -> Result<(Sender<CopyMessage>, WhenClosed), ConnectError> {
    let (next, incarnation) = dial.hello.to.clone();
    let opening = dialler.dial(&dial.address, NodePeer::Home(dial.hello.clone())).await?;
    let (driver, sender) = (Arc::clone(&dialler.driver), opening.sender());
    let link = driver.next_linked(sender.clone(), incarnation);
    let handler = ToDriver {
        driver,
        link,
        says: |link, message| NodeEvent::NeighbourSays { from: Member::Next, link, message },
        undecodable: |link| NodeEvent::NeighbourUndecodable { from: Member::Next, link },
        lost: |link| NodeEvent::NeighbourLost { from: Member::Next, link },
        when_closed: None,
    };
    Ok((sender, Dialler::open(opening, next.as_str(), handler)))
}
