//! The gateway's socket.io port, for nodes and observers.

use std::sync::Arc;

use link::{Acceptor, Admission, CloseReason, Handler, Observer};
use port::Connections;
use protocol::hello::{Authenticated, GatewayPeer, Hello, Secret};
use protocol::message::{FromNode, ToNode};
use protocol::refusal::Refusal;
use protocol::version::Versions;
use ring_core::link::LinkId;
use serde_json::json;
use tracing::{info, warn};

use crate::driver::Driver;

/// The event to welcome an observer.
const WELCOME: &str = "welcome";

/// The event to send an observer the cluster's status, at first and after each change.
const CLUSTER: &str = "cluster";

/// Admits nodes of the ring, and observers.
pub(crate) struct Links {
    pub(crate) driver: Arc<Driver>,
    pub(crate) secret: Secret,
    /// The port's connections. They count the reasons for cutting off links.
    pub(crate) connections: Arc<Connections>,
}

impl Acceptor for Links {
    type Out = ToNode;
    type In = FromNode;

    fn admit(&self, auth: &serde_json::Value) -> Result<Admission<ToNode, FromNode>, Refusal> {
        let (driver, connections) = (Arc::clone(&self.driver), Arc::clone(&self.connections));
        let Authenticated { role, version } = Hello::authenticate(auth, &self.secret)?;
        match role {
            GatewayPeer::Node(hello) => {
                driver.admit(&hello).inspect_err(
                    |refusal| warn!(node = %hello.node, %refusal, "a node is refused"),
                )?;
                Ok(Admission::link(hello.node.to_string(), version, move |sender| {
                    info!(node = %hello.node, boot = hello.boot.count, "a node is linked");
                    let node = hello.node.to_string();
                    let link = driver.node_linked(sender, hello);
                    FromLink { driver, link, node, connections }
                }))
            }
            GatewayPeer::Observer => Ok(Admission::observer(move |observer| {
                tokio::spawn(observe(driver, observer, connections));
            })),
        }
    }
}

/// Brings a node's messages to the driver.
struct FromLink {
    driver: Arc<Driver>,
    link: LinkId,
    node: String,
    connections: Arc<Connections>,
}

impl Handler<FromNode> for FromLink {
    fn messages(&mut self, batch: Vec<FromNode>) {
        self.driver.node_says(self.link, batch);
    }

    fn undecodable(&mut self) {
        self.driver.node_undecodable(self.link);
    }

    fn closed(&mut self, reason: CloseReason) {
        warn!(node = self.node, %reason, "the link of a node is lost");
        count(&self.connections, &reason);
        self.driver.node_lost(self.link);
    }
}

/// Sends the cluster's status to an observer until the observer is gone.
async fn observe(driver: Arc<Driver>, observer: Observer, connections: Arc<Connections>) {
    let mut changes = driver.changes();
    let mut tell = observer.emit(WELCOME, &json!({ "protocol": Versions::SPOKEN.highest }));
    while tell.is_ok() {
        tell = observer.emit(CLUSTER, &driver.status());
        tokio::select! {
            biased;
            _ = observer.gone() => break,
            changed = changes.changed() => if changed.is_err() { return },
        }
    }
    count(&connections, &observer.gone().await);
}

/// Counts a link if it was cut off.
fn count(connections: &Connections, reason: &CloseReason) {
    if let Some(cut) = reason.cut() {
        connections.cut_off(cut);
    }
}
