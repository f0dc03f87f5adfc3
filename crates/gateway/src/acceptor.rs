//! Who may link to the gateway: nodes by the cluster's secret, observers by an API token.

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use link::{Acceptor, Admission, CloseReason, Handler, Observer};
use port::Connections;
use process::tokens::Role;
use protocol::hello::{Authenticated, Credential, GatewayPeer, Hello, Secret};
use protocol::message::{FromNode, ToNode};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::version::Versions;
use ring_core::link::LinkId;
use serde_json::json;
use tokio::sync::Semaphore;
use tracing::{info, warn};

use crate::access::{Access, Denied};
use crate::driver::Driver;

/// The event to welcome an observer.
const WELCOME: &str = "welcome";

/// The event to send an observer the cluster's status, at first and after each change.
const CLUSTER: &str = "cluster";

/// The role that an observer needs: it sees what `GET /api/cluster` shows.
const OBSERVES: Role = Role::Read;

/// The most observers at a time. They share the port's room with the nodes, which must always be
/// able to link again.
const OBSERVERS_MAX: usize = 128;

/// Admits nodes of the ring, and observers.
pub(crate) struct LinkAcceptor {
    driver: Arc<Driver>,
    secret: Secret,
    access: Access,
    /// The port's connections. They count the reasons for cutting off links.
    connections: Arc<Connections>,
    /// The room for observers.
    observers: Arc<Semaphore>,
}

impl Acceptor for LinkAcceptor {
    type Out = ToNode;
    type In = FromNode;

    fn admit(&self, auth: &serde_json::Value) -> Result<Admission<ToNode, FromNode>, Refusal> {
        match Credential::of(auth) {
            Credential::Secret => self.admit_hello(auth),
            Credential::Token(token) => self.admit_client(Some(token), auth),
            Credential::Nothing => self.admit_client(None, auth),
        }
    }
}

impl LinkAcceptor {
    pub(crate) fn new(
        driver: Arc<Driver>,
        secret: Secret,
        access: Access,
        connections: Arc<Connections>,
    ) -> Self {
        Self {
            driver,
            secret,
            access,
            connections,
            observers: Arc::new(Semaphore::new(OBSERVERS_MAX)),
        }
    }

    /// Admits a process of the cluster, or an observer, by the cluster's secret.
    fn admit_hello(
        &self,
        auth: &serde_json::Value,
    ) -> Result<Admission<ToNode, FromNode>, Refusal> {
        let Authenticated { role, version } = Hello::authenticate(auth, &self.secret)?;
        match role {
            GatewayPeer::Node(hello) => {
                let (driver, connections) =
                    (Arc::clone(&self.driver), Arc::clone(&self.connections));
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
            GatewayPeer::Observer => self.observer(pending()),
        }
    }

    /// Admits an observer by its API token, or without one where REST asks for none.
    fn admit_client(
        &self,
        token: Option<&str>,
        auth: &serde_json::Value,
    ) -> Result<Admission<ToNode, FromNode>, Refusal> {
        let unauthorized = |detail| Refusal::new(RefusalCode::Unauthorized, detail);
        if auth.get("role").is_some_and(|role| role != "observer") {
            return Err(unauthorized("an API token makes an observer: a node shows the secret"));
        }
        self.access.check_token(token, OBSERVES).map_err(|denied| unauthorized(told(denied)))?;
        let (access, token) = (self.access.clone(), token.map(ToOwned::to_owned));
        self.observer(async move { access.lapsed(token.as_deref(), OBSERVES).await })
    }

    /// Admits an observer, until its right to observe lapses.
    fn observer(
        &self,
        lapsed: impl Future<Output = Denied> + Send + 'static,
    ) -> Result<Admission<ToNode, FromNode>, Refusal> {
        let Ok(room) = Arc::clone(&self.observers).try_acquire_owned() else {
            let detail = format!("{OBSERVERS_MAX} observers are connected, which is the limit");
            return Err(Refusal::new(RefusalCode::NotReady, detail));
        };
        let (driver, connections) = (Arc::clone(&self.driver), Arc::clone(&self.connections));
        Ok(Admission::observer(move |observer| {
            tokio::spawn(async move {
                observe(driver, observer, connections, lapsed).await;
                drop(room);
            });
        }))
    }
}

/// The reason to refuse an observer, in words for the author of its program.
fn told(denied: Denied) -> &'static str {
    match denied {
        Denied::Unauthenticated => {
            "the API token is missing or unknown: connect with {\"token\": \"…\"} as auth, a token of \
             the role read"
        }
        Denied::Forbidden(_) => "the role of the API token is too low",
        Denied::Misdirected => "this page is of another host",
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
async fn observe(
    driver: Arc<Driver>,
    observer: Observer,
    connections: Arc<Connections>,
    lapsed: impl Future<Output = Denied>,
) {
    let mut lapsed = pin!(lapsed);
    let mut changes = driver.changes();
    if let Some(denied) = (&mut lapsed).now_or_never() {
        return observer.close(told(denied)).await;
    }
    let mut tell = observer.emit(WELCOME, &json!({ "protocol": Versions::SPOKEN.highest }));
    while tell.is_ok() {
        tell = observer.emit(CLUSTER, &driver.status());
        tokio::select! {
            biased;
            _ = observer.gone() => break,
            denied = &mut lapsed => {
                observer.close(told(denied)).await;
                break;
            }
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
