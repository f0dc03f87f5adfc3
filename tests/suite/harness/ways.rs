//! The network between processes: ways that can be cut, in one direction or both, or be slow.
//!
//! A way is a proxy in between. What is sent while it is cut is held and goes on afterwards, which is what TCP makes of a
//! network that is cut for a while; who dials meanwhile gets no answer.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::cluster::SOCKET_PORT;

/// Where the first node serves its predecessor; the others follow.
const FIRST_NODE_PORT: u16 = 4000;

const CHUNK_BYTES: usize = 64 << 10;

/// What is the matter with a way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Nothing gets from who dials to who is dialled.
    pub(crate) is_cut_there: bool,
    /// Nothing gets back.
    pub(crate) is_cut_back: bool,
    /// How much longer everything takes.
    pub(crate) delay: Duration,
}

/// A way from who dials to who is dialled.
struct Way {
    address: SocketAddr,
    flow: watch::Sender<Flow>,
    // Ends with the way.
    _task: JoinSet<()>,
}

/// All ways of a ring: each node dials the gateway and the node after it.
pub(crate) struct Ways {
    listen: Vec<SocketAddr>,
    to_gateway: Vec<Way>,
    /// To each node, from the one before it.
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

    /// Where a node serves its predecessor, behind the way to it.
    pub(crate) fn listen(&self, node: usize) -> String {
        self.listen[node].to_string()
    }

    /// Where a node finds the gateway.
    pub(crate) fn to_gateway(&self, node: usize) -> String {
        self.to_gateway[node].address.to_string()
    }

    /// Where a node is found by its predecessor.
    pub(crate) fn to_node(&self, node: usize) -> String {
        self.to_node[node].address.to_string()
    }

    /// What is the matter from now on between a node and the gateway; the node dials.
    pub(crate) fn set_gateway(&self, node: usize, flow: Flow) {
        self.to_gateway[node].flow.send_replace(flow);
    }

    /// What is the matter from now on between a node and its predecessor, which dials.
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

/// One connection: what either end sends, and that it ends, reaches the other one as the flow allows.
async fn connect(dialler: TcpStream, to: SocketAddr, mut flows: watch::Receiver<Flow>) {
    let is_open = |flow: &Flow| !flow.is_cut_there && !flow.is_cut_back;
    if flows.wait_for(is_open).await.is_err() {
        return;
    }
    // Whoever dials a process that is not there is refused.
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
            // An end that is gone is gone for both.
            let _ = to.shutdown().await;
            return;
        }
    }
}
