//! The client `rust_socketio`.

use futures_util::FutureExt;
use protocol::refusal::RefusalCode;
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use super::{SOON, assert_welcome, hellos, shows_the_loss, status};
use crate::harness::cluster::Cluster;

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_in_rust_is_told_of_the_cluster_and_of_a_node_that_dies() {
    let mut cluster = Cluster::start(2).await;
    let mut observer = Observer::connect(&cluster, Some(hellos::good())).await;
    assert_welcome(&observer.hears("welcome").await);
    let first = status(observer.hears("cluster").await);
    assert!(first.healthy, "{first:#?}");
    assert_eq!(first.cluster, cluster.status().await.and_then(|status| status.cluster));

    cluster.kill_node(1).await;
    while !shows_the_loss(&status(observer.hears("cluster").await)) {}
    cluster.start_node(1);
    while !status(observer.hears("cluster").await).healthy {}
    observer.client.disconnect().await.expect("it is connected");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_in_rust_that_is_refused_is_told_why_and_nothing_else() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.status_within(SOON, |_| true).await;
    for (auth, code, words) in hellos::bad() {
        let mut observer = Observer::connect(&cluster, auth.clone()).await;
        let error = observer.hears("error").await;
        assert_refused(&auth, error.as_str().expect("text"), code, words);
    }
}

pub(super) fn assert_refused(auth: &Option<Value>, error: &str, code: RefusalCode, words: &str) {
    // The client's error contains the whole packet.
    let packet = error.strip_prefix("Received an ConnectError frame: ");
    let packet = packet.unwrap_or_else(|| panic!("{auth:?}: {error}"));
    let packet: Value = serde_json::from_str(packet).expect("JSON");
    let message = packet["message"].as_str().expect("a message");
    assert!(message.starts_with(&format!("{}: ", code.as_str())), "{auth:?}: {message}");
    assert!(message.contains(words), "{auth:?}: {message}");
}

/// A client, and the events it has received.
pub(super) struct Observer {
    client: Client,
    heard: UnboundedReceiver<(&'static str, Value)>,
}

impl Observer {
    pub(super) async fn connect(cluster: &Cluster, auth: Option<Value>) -> Self {
        let (tell, heard) = unbounded_channel();
        let mut builder = ClientBuilder::new(format!("http://{}", cluster.socket_address()))
            .transport_type(TransportType::Websocket)
            .reconnect(false);
        if let Some(auth) = auth {
            builder = builder.auth(auth);
        }
        for event in ["welcome", "cluster", "error", "close"] {
            let tell = tell.clone();
            builder = builder.on(event, move |payload: Payload, _: Client| {
                // Nobody receives any more once the test has ended.
                let _ = tell.send((event, value(payload)));
                async {}.boxed()
            });
        }
        let client = builder.connect().await.expect("the gateway listens");
        Self { client, heard }
    }

    /// The data of the next event. Panics if it is not the expected one.
    pub(super) async fn hears(&mut self, expected: &str) -> Value {
        let heard = timeout(SOON, self.heard.recv()).await;
        let Ok(Some((event, data))) = heard else { panic!("no {expected}: {heard:?}") };
        assert_eq!(event, expected, "{data}");
        data
    }
}

fn value(payload: Payload) -> Value {
    match payload {
        Payload::Text(mut values) if values.len() == 1 => values.remove(0),
        // Of its event `close`.
        Payload::Text(values) if values.is_empty() => Value::Null,
        other => panic!("not one value of JSON: {other:?}"),
    }
}
