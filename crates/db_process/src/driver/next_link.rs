//! The link to the next node: dialled once the gateway has said where it is, and again whenever it is lost.

use link::ConnectError;
use protocol::hello::NodePeer;
use ring::node::DialNext;
use tokio::sync::watch;
use tracing::{info, warn};

use super::dialler::{Dialler, WhenClosed, closing};
use super::input::{LinkInput, ToDriver};

/// Keeps up a link to whatever node is to be dialled, for as long as it is polled.
pub(crate) async fn keep_up(dialler: Dialler, mut target: watch::Receiver<Option<DialNext>>) {
    let mut backoff = dialler.backoff();
    loop {
        let Some(dial) = target.borrow_and_update().clone() else {
            if target.changed().await.is_err() {
                return;
            }
            continue;
        };
        let next = dial.hello.to.0.clone();
        match connect(&dialler, &dial).await {
            Ok(closed) => {
                info!(%next, address = dial.address, "linked to the next node");
                backoff.reset();
                let reason = closing(closed).await;
                warn!(%next, reason, "the link to the next node is lost");
            }
            Err(error) => {
                warn!(%next, address = dial.address, %error, "no link to the next node yet")
            }
        }
        // To be told where it is (again) is to be told that it is there: worth an attempt at once.
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

async fn connect(dialler: &Dialler, dial: &DialNext) -> Result<WhenClosed, ConnectError> {
    let (next, incarnation) = dial.hello.to.clone();
    let opening = dialler.dial(&dial.address, NodePeer::Home(dial.hello.clone())).await?;
    let (inputs, link) = (dialler.inputs.clone(), dialler.inputs.new_link());
    inputs.send_link(LinkInput::NextOpen { link, sender: opening.sender(), incarnation });
    let handler = ToDriver {
        link,
        inputs,
        says: |link, messages| LinkInput::NextSays { link, messages },
        closed: |link| LinkInput::NextClosed { link },
        when_closed: None,
    };
    Ok(Dialler::open(opening, next.as_str(), handler))
}
