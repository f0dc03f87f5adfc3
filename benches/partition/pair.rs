//! The two copies of a partition: real nodes on real RocksDBs and loopback links. A stand-in
//! for the gateway keeps a fixed number of requests under way.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use db_process::storage::rocks::{RocksSettings, RocksStorage};
use db_process::{Config, Deps, RunError};
use link::Sender;
use port::{Port, TcpConnector};
use process::clock::SystemClock;
use process::entropy::{Entropy, SystemEntropy};
use process::threads::SystemThreads;
use protocol::hello::Secret;
use protocol::id::{Epoch, GatewayBoot, PartitionId, RequestId};
use protocol::message::{Action, CallId, Operation, Reply, Request, ToNode, Update};
use protocol::user::UserId;
use protocol::view::Member;
use tokio::net::TcpListener;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::gateway::{self, NODES};
use crate::recording::Recording;

const PARTITION: PartitionId = PartitionId(0);

/// The storage of a node.
pub(crate) type Data = Arc<Recording<RocksStorage>>;

/// The two copies of a partition at work.
pub(crate) struct Pair {
    pub(crate) home: Data,
    pub(crate) next: Data,
    boot: GatewayBoot,
    to_home: Sender<ToNode>,
    to_next: Sender<ToNode>,
    replies: UnboundedReceiver<Vec<Reply>>,
    calls: u64,
    ending: CancellationToken,
    nodes: Vec<JoinHandle<Result<(), RunError>>>,
}

impl Pair {
    /// Starts both nodes on the data in two directories, with a new gateway.
    pub(crate) async fn start(home: &Path, next: &Path) -> anyhow::Result<Self> {
        let secret = Secret::new("a secret of benchmarks")?;
        let settings = link::Settings::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (acceptor, nodes_come) = gateway::nodes(secret.clone());
        let listener = link::listener(port::nodelay(listener), &settings);
        let server = link::server(acceptor, &settings);
        let ending = CancellationToken::new();
        let end = ending.clone();
        tokio::spawn(async move {
            port::serve(listener, Port::default(), |connection| server.on(connection), end).await;
        });

        let open = |path: &Path| RocksStorage::open(path, &RocksSettings::default());
        let (home, next) = (Recording::of(open(home)?), Recording::of(open(next)?));
        let mut nodes = Vec::new();
        for (node, data) in NODES.into_iter().zip([&home, &next]) {
            let config = Config::new(node.parse()?, address.to_string(), secret.clone());
            nodes.push(start(config, Arc::clone(data), ending.clone()).await?);
        }
        let boot = GatewayBoot(SystemEntropy.uuid());
        let ([to_home, to_next], replies) = nodes_come.welcome(boot).await?;
        Ok(Self { home, next, boot, to_home, to_next, replies, calls: 0, ending, nodes })
    }

    /// Carries out updates, with `under_way` of them at a time. Each counts when it is durable
    /// in both copies. Returns the time taken.
    pub(crate) async fn update(
        &mut self,
        actions: impl Iterator<Item = Action>,
        under_way: usize,
    ) -> anyhow::Result<Duration> {
        let operations = actions.map(|action| {
            let request = RequestId { boot: self.boot, counter: 0 };
            Operation::Update(Update { request, unsettled_from: 0, action })
        });
        let operations = operations.collect::<Vec<_>>();
        self.run(operations, Member::Home, under_way).await
    }

    /// Reads users at next, with `under_way` reads at a time. Returns the time taken.
    pub(crate) async fn read(
        &mut self,
        users: impl Iterator<Item = UserId>,
        under_way: usize,
    ) -> anyhow::Result<Duration> {
        let operations = users.map(Operation::Read).collect::<Vec<_>>();
        self.run(operations, Member::Next, under_way).await
    }

    async fn run(
        &mut self,
        operations: Vec<Operation>,
        member: Member,
        under_way: usize,
    ) -> anyhow::Result<Duration> {
        let (count, mut done) = (operations.len(), 0);
        let mut operations = operations.into_iter();
        let begin = Instant::now();
        for operation in operations.by_ref().take(under_way) {
            self.send(member, operation)?;
        }
        while done < count {
            for reply in self.replies.recv().await.context("a node ended")? {
                let Reply::Done(_) = reply else { bail!("a request was not done: {reply:?}") };
                done += 1;
                if let Some(operation) = operations.next() {
                    self.send(member, operation)?;
                }
            }
        }
        Ok(begin.elapsed())
    }

    fn send(&mut self, member: Member, mut operation: Operation) -> anyhow::Result<()> {
        self.calls += 1;
        if let Operation::Update(update) = &mut operation {
            // Every update more than 4,096 calls ago is settled: fewer are under way at any
            // time.
            update.request.counter = self.calls;
            update.unsettled_from = self.calls.saturating_sub(4_096).max(1);
        }
        let (call, epoch) = (CallId(self.calls), Epoch(1));
        let request = Request { call, partition: PARTITION, member, epoch, operation };
        let sender = match member {
            Member::Home => &self.to_home,
            Member::Next => &self.to_next,
        };
        Ok(sender.send(&ToNode::Request(request))?)
    }

    /// Ends both nodes. All of their writes are durable then.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.ending.cancel();
        for node in self.nodes {
            node.await??;
        }
        Ok(())
    }
}

async fn start(
    config: Config,
    storage: Data,
    ending: CancellationToken,
) -> anyhow::Result<JoinHandle<Result<(), RunError>>> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
    let deps = Deps {
        address: listener.local_addr()?.to_string(),
        listener: port::nodelay(listener),
        tls: None,
        connector: Arc::new(TcpConnector),
        storage,
        clock: Arc::new(SystemClock),
        entropy: Arc::new(SystemEntropy),
        threads: Arc::new(SystemThreads),
    };
    Ok(tokio::spawn(db_process::run(config, deps, ending)))
}
