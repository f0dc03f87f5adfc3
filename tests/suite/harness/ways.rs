//! The network between processes: ways. A way can be slow, or be cut in one direction or both.
//!
//! A way is a proxy. While it is cut, it holds the bytes, and passes them on afterwards. TCP
//! does the same over a network that is cut for a while. A dialler gets no answer meanwhile.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::cluster::SOCKET_PORT;

/// The port at which the first node serves its predecessor. The others use the following ports.
const FIRST_NODE_PORT: u16 = 4000;

const CHUNK_BYTES: usize = 64 << 10;

/// The state of a way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Whether nothing gets from the dialler to the dialled process.
    pub(crate) is_cut_there: bool,
    /// Whether nothing gets from the dialled process to the dialler.
    pub(crate) is_cut_back: bool,
    /// How long each chunk is delayed.
    pub(crate) delay: Duration,
}

/// A way from a dialler to the dialled process.
struct Way {
    address: SocketAddr,
    flow: watch::Sender<Flow>,
    // The proxy; it ends with the way.
    _task: JoinSet<()>,
}

/// All ways of a ring: each node dials the gateway and its next node.
pub(crate) struct Ways {
    listen: Vec<SocketAddr>,
    to_gateway: Vec<Way>,
    /// The ways to each node from its predecessor.
    to_node: Vec<Way>,
}

impl Ways {
    pub(crate) async fn open(address: Ipv4Addr, nodes: usize) -> Self {
        let ports = FIRST_NODE_PORT..;
        let listen = ports.take(nodes).map(|port| SocketAddr::from((address, port)));
        let listen = listen.collect::<Vec<_>>();
        let mut ways = Self { to_gateway: Vec::new(), to_node: Vec::new(), listen };
        for node in 0..nodes {
            let gateway = SocketAddr::from((address, SOCKET_PORT));
            ways.to_gateway.push(Way::open(address, gateway).await);
            ways.to_node.push(Way::open(address, ways.listen[node]).await);
        }
        ways
    }

    /// The address at which a node serves its predecessor, behind the way.
    pub(crate) fn listen(&self, node: usize) -> String {
        self.listen[node].to_string()
    }

    /// The address at which a node dials the gateway.
    pub(crate) fn to_gateway(&self, node: usize) -> String {
        self.to_gateway[node].address.to_string()
    }

    /// The address at which its predecessor dials a node.
    pub(crate) fn to_node(&self, node: usize) -> String {
        self.to_node[node].address.to_string()
    }

    /// Sets the state of the way from a node to the gateway.
    pub(crate) fn set_gateway(&self, node: usize, flow: Flow) {
        self.to_gateway[node].flow.send_replace(flow);
    }

    /// Sets the state of the way to a node from its predecessor.
    pub(crate) fn set_node(&self, node: usize, flow: Flow) {
        self.to_node[node].flow.send_replace(flow);
    }
}

impl Way {
    async fn open(address: Ipv4Addr, to: SocketAddr) -> Self {
        let listener = TcpListener::bind((address, 0)).await.expect("the address is free");
        let address = listener.local_addr().expect("it is bound");
        let (flow, flows) = watch::channel(Flow::default());
        let mut task = JoinSet::new();
        task.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(connect(stream, to, flows.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Self { address, flow, _task: task }
    }
}

/// One connection. The bytes and the end of each side reach the other side as the flow allows.
async fn connect(dialler: TcpStream, to: SocketAddr, mut flows: watch::Receiver<Flow>) {
    let is_open = |flow: &Flow| !flow.is_cut_there && !flow.is_cut_back;
    if flows.wait_for(is_open).await.is_err() {
        return;
    }
    // The process does not run, so the dialler's connection is closed.
    let Ok(dialled) = TcpStream::connect(to).await else { return };
    for stream in [&dialler, &dialled] {
        stream.set_nodelay(true).expect("a socket");
    }
    let ((from_dialler, to_dialler), (from_dialled, to_dialled)) =
        (dialler.into_split(), dialled.into_split());
    let there = pump(from_dialler, to_dialled, flows.clone(), |flow| flow.is_cut_there);
    let back = pump(from_dialled, to_dialler, flows, |flow| flow.is_cut_back);
    tokio::join!(there, back);
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut flows: watch::Receiver<Flow>,
    is_cut: impl Fn(&Flow) -> bool,
) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let read = from.read(&mut chunk).await.unwrap_or(0);
        let Ok(delay) = flows.wait_for(|flow| !is_cut(flow)).await.map(|flow| flow.delay) else {
            return;
        };
        sleep(delay).await;
        if read == 0 || to.write_all(&chunk[..read]).await.is_err() {
            // When one side has ended, the other side is shut down.
            let _ = to.shutdown().await;
            return;
        }
    }
}
