//! Thousands of connections come and go in every possible way, and nothing of them stays.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use axum::serve::Listener;
use port::{Control, Port, lock, serve};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::version::Versions;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::reason::CloseReason;
use crate::sender::Handler;
use crate::{ConnectError, connect};

const ROUNDS: usize = 700;

/// The control of each connection: socketioxide and hyper keep it as long as they keep anything
/// of the connection.
type Controls = Arc<Mutex<Vec<Weak<Control>>>>;

/// The address of every pipe.
const ADDRESS: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 1));

struct Pipes(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Pipes {
    type Io = DuplexStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (DuplexStream, SocketAddr) {
        match self.0.recv().await {
            Some(pipe) => (pipe, ADDRESS),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(ADDRESS)
    }
}

/// Held by everything that the acceptor admits.
#[derive(Clone, Default)]
struct Token(Arc<()>);

impl Acceptor for Token {
    type Out = u32;
    type In = u32;

    fn admit(&self, auth: &Value) -> Result<Admission<u32, u32>, Refusal> {
        let token = self.clone();
        match auth.as_str() {
            Some("link") => Ok(Admission::link("test", Versions::SPOKEN.highest, move |sender| {
                sender.send(&1).expect("open");
                token
            })),
            Some("closing") => {
                Ok(Admission::link("test", Versions::SPOKEN.highest, move |sender| {
                    sender.close("at once");
                    token
                }))
            }
            Some("observer") => Ok(Admission::observer(move |observer| {
                observer.emit("welcome", &1).expect("connected");
                drop(token);
            })),
            _ => Err(Refusal::new(RefusalCode::Unauthorized, "not let in")),
        }
    }
}

impl Handler<u32> for Token {
    fn messages(&mut self, _batch: Vec<u32>) {}

    fn closed(&mut self, _reason: CloseReason) {}
}

async fn come_and_go(dial: impl Fn() -> DuplexStream, settings: &Settings) {
    let open = async |role: &str| connect::<_, u32, u32>(dial(), &json!(role), settings).await;
    // Leaves at once, closes in order, is closed, is refused, observes, says nothing, says
    // nonsense.
    drop(open("link").await.expect("let in"));
    open("link").await.expect("let in").open("server", Token::default()).close("done");
    open("closing").await.expect("let in").open("server", Token::default());
    let refused = open("stranger").await.expect_err("refused");
    assert!(matches!(refused, ConnectError::Refused(_)));
    // An observer hears of no version, so the client end of a link leaves.
    let observer = open("observer").await.expect_err("no link");
    assert!(matches!(observer, ConnectError::Foreign(_)), "{observer}");
    drop(dial());
    dial().write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("a pipe");
    let url = "ws://x/socket.io/?EIO=4&transport=websocket";
    // Upgrades, and leaves before the session is open.
    let _ = timeout(Duration::ZERO, tokio_tungstenite::client_async(url, dial())).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_stays_of_thousands_of_connections_and_refusals() {
    let settings = Settings::default();
    let (dialled, pipes) = mpsc::unbounded_channel();
    let controls = Controls::default();
    let listener = listener(Pipes(pipes), &settings);
    let (token, port) = (Token::default(), Port::default());
    let connections = Arc::clone(&port.connections);
    let server = server(token.clone(), &settings);
    let remembered = Arc::clone(&controls);
    tokio::spawn(async move {
        let on = |connection: Connection| {
            lock(&remembered).push(Arc::downgrade(connection.control()));
            server.on(connection)
        };
        serve(listener, port, on, CancellationToken::new()).await;
    });
    sleep(Duration::from_secs(1)).await;
    let tasks = Handle::current().metrics().num_alive_tasks();
    let dial = || {
        let (near, far) = duplex(64 << 10);
        dialled.send(far).expect("someone listens");
        near
    };
    for _ in 0..ROUNDS {
        come_and_go(dial, &settings).await;
    }
    sleep(Duration::from_secs(10)).await;
    assert_eq!(lock(&controls).len(), ROUNDS * 8);
    let alive = lock(&controls).iter().filter(|control| control.strong_count() > 0).count();
    assert_eq!(alive, 0, "connections of which something is kept");
    assert_eq!((connections.open(), connections.refused()), (0, 0));
    assert_eq!(Handle::current().metrics().num_alive_tasks(), tasks, "tasks");
    assert_eq!(Arc::strong_count(&token.0), 2, "of the test and of the acceptor");
}
