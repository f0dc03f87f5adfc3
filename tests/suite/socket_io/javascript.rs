//! The official client, `socket.io-client`, on Node.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::{SOON, assert_welcome, hellos, shows_the_loss, status};
use crate::harness::cluster::Cluster;

/// The folder of the client and its script. Tests run in the directory of their package.
const NPM: &str = "npm";

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_in_javascript_is_told_of_the_cluster_and_of_a_node_that_dies() {
    let mut cluster = Cluster::start(2).await;
    let mut observer = Observer::start(&cluster, Some(hellos::good()));
    observer.hears("connect").await;
    assert_welcome(&observer.hears("welcome").await);
    let first = status(observer.hears("cluster").await);
    assert!(first.healthy, "{first:#?}");

    cluster.kill_node(1).await;
    while !shows_the_loss(&status(observer.hears("cluster").await)) {}
    cluster.start_node(1);
    while !status(observer.hears("cluster").await).healthy {}
    assert_eq!(observer.stop().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_in_javascript_that_is_refused_is_told_why_and_does_not_try_again() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.status_within(SOON, |_| true).await;
    for (auth, code, words) in hellos::bad() {
        let mut observer = Observer::start(&cluster, auth.clone());
        let message = observer.hears("connect_error").await;
        let message = message.as_str().expect("text");
        assert!(message.starts_with(&format!("{}: ", code.as_str())), "{auth:?}: {message}");
        assert!(message.contains(words), "{auth:?}: {message}");
        assert_eq!(observer.ended().await, Some(1), "{auth:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_in_javascript_with_default_settings_is_told_that_there_are_websockets_only() {
    let mut cluster = Cluster::new(2);
    cluster.start_gateway();
    cluster.status_within(SOON, |_| true).await;
    let mut observer = Observer::with_default_settings(&cluster, Some(hellos::good()));
    let message = observer.hears("connect_error").await;
    let message = message.as_str().expect("text");
    assert!(message.contains("websockets only"), "{message}");
    assert!(message.contains("transports: ['websocket']"), "{message}");
    assert_eq!(observer.ended().await, Some(1), "it does not try again");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_in_javascript_connects_again_to_a_gateway_that_was_started_again() {
    let mut cluster = Cluster::start(2).await;
    let mut observer = Observer::start(&cluster, Some(hellos::good()));
    for event in ["connect", "welcome", "cluster"] {
        observer.hears(event).await;
    }
    for is_orderly in [false, true] {
        if is_orderly {
            cluster.stop_gateway().await;
        } else {
            cluster.kill_gateway().await;
        }
        observer.hears_after("cluster", "disconnect").await;
        cluster.start_gateway();
        observer.hears_after("connect_error", "connect").await;
        assert_welcome(&observer.hears("welcome").await);
        while !status(observer.hears("cluster").await).healthy {}
    }
    assert_eq!(observer.stop().await, Some(0));
}

/// The running script.
struct Observer {
    child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Observer {
    /// Starts the script with the websocket transport, as the gateway requires.
    fn start(cluster: &Cluster, auth: Option<Value>) -> Self {
        Self::run(cluster, auth, Some("websocket"))
    }

    /// Starts the script with the client's default settings. It begins with long polling.
    fn with_default_settings(cluster: &Cluster, auth: Option<Value>) -> Self {
        Self::run(cluster, auth, None)
    }

    fn run(cluster: &Cluster, auth: Option<Value>, transport: Option<&str>) -> Self {
        let client = Path::new(NPM).join("node_modules/socket.io-client");
        assert!(client.is_dir(), "socket.io-client is not installed in {NPM}: run make deps");
        let mut child = Command::new("node")
            .arg("observer.mjs")
            .arg(format!("http://{}", cluster.socket_address()))
            .arg(auth.map_or_else(String::new, |auth| auth.to_string()))
            .args(transport)
            .current_dir(NPM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("node does not start ({error}): install Node.js"));
        let input = child.stdin.take().expect("piped");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, input, lines }
    }

    /// The data of the next event. Panics if it is not the expected one.
    async fn hears(&mut self, expected: &str) -> Value {
        let (event, data) = self.next(expected).await;
        assert_eq!(event, expected, "{data}");
        data
    }

    /// Waits for the expected event. Only events of the kind `others` may come before it.
    async fn hears_after(&mut self, others: &str, expected: &str) {
        loop {
            let (event, data) = self.next(expected).await;
            if event == expected {
                return;
            }
            assert_eq!(event, others, "{data}");
        }
    }

    async fn next(&mut self, expected: &str) -> (String, Value) {
        let line = timeout(SOON, self.lines.next_line()).await;
        let Ok(Ok(Some(line))) = line else { panic!("no {expected}: {line:?}") };
        println!("observer.mjs | {line}");
        let told: Value = serde_json::from_str(&line).expect("it prints JSON");
        (told["event"].as_str().expect("an event").to_owned(), told["data"].clone())
    }

    /// Ends the script; returns its exit code.
    async fn stop(self) -> Option<i32> {
        let Self { child, input, lines } = self;
        drop(input);
        wait(child, lines).await
    }

    /// Waits until the script ends by itself; returns its exit code.
    async fn ended(self) -> Option<i32> {
        let Self { child, input, lines } = self;
        let code = wait(child, lines).await;
        drop(input);
        code
    }
}

async fn wait(mut child: Child, _lines: Lines<BufReader<ChildStdout>>) -> Option<i32> {
    let status = timeout(SOON, child.wait()).await.expect("it ends in time");
    status.expect("it can be waited for").code()
}
