//! An acceptor that admits every client with the right secret.

use std::sync::Arc;

use link::{Acceptor, Admission, Observer};
use protocol::refusal::{Refusal, RefusalCode};
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};

use super::{End, Message, Recorder, USED};

/// The hello of a client.
pub(crate) fn hello(secret: &str) -> Value {
    json!({"secret": secret, "role": "link"})
}

/// Admits links and observers whose secret is `right`.
#[derive(Clone)]
pub(crate) struct TestAcceptor {
    links: (mpsc::UnboundedSender<End>, Arc<Mutex<mpsc::UnboundedReceiver<End>>>),
    observers: (mpsc::UnboundedSender<Observer>, Arc<Mutex<mpsc::UnboundedReceiver<Observer>>>),
}

impl Default for TestAcceptor {
    fn default() -> Self {
        let (links, opened) = mpsc::unbounded_channel();
        let (observers, connected) = mpsc::unbounded_channel();
        Self {
            links: (links, Arc::new(Mutex::new(opened))),
            observers: (observers, Arc::new(Mutex::new(connected))),
        }
    }
}

impl TestAcceptor {
    /// The server end of the next link to open.
    pub(crate) async fn next_link(&self) -> End {
        self.links.1.lock().await.recv().await.expect("the acceptor is there")
    }

    /// The next observer to connect.
    pub(crate) async fn next_observer(&self) -> Observer {
        self.observers.1.lock().await.recv().await.expect("the acceptor is there")
    }
}

impl Acceptor for TestAcceptor {
    type Out = Message;
    type In = Message;

    fn admit(&self, auth: &Value) -> Result<Admission<Message, Message>, Refusal> {
        if auth["secret"] != "right" {
            return Err(Refusal::new(
                RefusalCode::Unauthorized,
                "the secret is \"wrong\": or missing",
            ));
        }
        if auth["role"] == "observer" {
            let observers = self.observers.0.clone();
            return Ok(Admission::observer(move |observer| {
                observer.emit("welcome", &json!({"ring": ["db-0"]})).expect("just connected");
                let _ = observers.send(observer);
            }));
        }
        let links = self.links.0.clone();
        Ok(Admission::link("a client", USED, move |sender| {
            let (recorder, arrivals) = Recorder::new();
            let _ = links.send(End { sender, arrivals });
            recorder
        }))
    }
}
