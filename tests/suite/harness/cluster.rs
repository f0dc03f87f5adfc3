//! A cluster of processes: a gateway and its nodes, in a temporary directory.

mod disks;

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use api::ClusterStatus;
use launch::{Layout, Program};
use protocol::id::{NodeId, PartitionId};
use ring_core::placement::Ring;
use sim::plan::host::Host;
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::address;
use super::process::{Process, programs, text};
use super::slow_disk::SlowDisk;
use super::small_disk::SmallDisk;
use super::ways::Ways;

pub(crate) const SECRET: &str = "a secret of the tests";

pub(crate) const SOCKET_PORT: u16 = 3002;
const POLL: Duration = Duration::from_millis(50);

/// A gateway and its nodes.
pub(crate) struct Cluster {
    // Declared before the directory, so the processes end before the directory is removed.
    gateway: Option<Process>,
    nodes: Vec<Option<Process>>,
    gateway_flags: Vec<String>,
    node_flags: Vec<String>,
    environment: Vec<(String, String)>,
    /// The address at which each node listens, unless there are ways. `None`: any port of the
    /// cluster's address.
    listen_of_nodes: Option<String>,
    /// Starts a process, and either reads its output or leaves it unread.
    spawn: fn(&str, Command) -> Process,
    /// The ways between the processes, if the test cuts the network.
    ways: Option<Ways>,
    /// A node with a small disk, to be filled by the test.
    small_disk: Option<(usize, SmallDisk)>,
    /// The processes with a disk that can be slow or hang.
    slow_disks: BTreeMap<Host, SlowDisk>,
    pub(crate) directory: TempDir,
    pub(crate) address: Ipv4Addr,
    pub(crate) ring: Ring,
    pub(crate) http: reqwest::Client,
}

impl Cluster {
    /// Makes the directory of a cluster; starts no process.
    pub(crate) fn new(nodes: usize) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        fs::write(directory.path().join("secret"), SECRET).expect("the directory is writable");
        let ids = (0..nodes).map(node_id).collect();
        let http = reqwest::Client::builder().timeout(Duration::from_secs(20)).no_proxy().build();
        Self {
            directory,
            address: address::fresh(),
            ring: Ring::new(ids).expect("enough nodes"),
            http: http.expect("a client"),
            gateway: None,
            nodes: (0..nodes).map(|_| None).collect(),
            gateway_flags: Vec::new(),
            node_flags: Vec::new(),
            environment: Vec::new(),
            listen_of_nodes: None,
            spawn: Process::spawn,
            ways: None,
            small_disk: None,
            slow_disks: BTreeMap::new(),
        }
    }

    /// Starts a cluster and waits until it is healthy.
    pub(crate) async fn start(nodes: usize) -> Self {
        let mut cluster = Self::new(nodes);
        cluster.start_all();
        cluster.healthy_within(Duration::from_secs(30)).await;
        cluster
    }

    /// Connects the processes by ways, which can be cut.
    pub(crate) async fn with_ways(mut self) -> Self {
        self.ways = Some(Ways::open(self.address, self.nodes.len()).await);
        self
    }

    /// The ways between the processes. Panics if the cluster has none.
    pub(crate) fn ways(&self) -> &Ways {
        self.ways.as_ref().expect("it was made with ways")
    }

    /// Adds flags for the gateway, from its next start on.
    pub(crate) fn with_gateway_flags(mut self, flags: &[&str]) -> Self {
        self.gateway_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self
    }

    /// Adds flags for every node, from its next start on.
    pub(crate) fn with_node_flags(mut self, flags: &[&str]) -> Self {
        self.node_flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self
    }

    /// Sets environment variables for every process, from its next start on.
    pub(crate) fn with_environment(mut self, variables: &[(&str, &str)]) -> Self {
        let variables = variables.iter();
        self.environment =
            variables.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self
    }

    /// Sets the address at which each node listens, from its next start on.
    pub(crate) fn with_listen_of_nodes(mut self, address: &str) -> Self {
        self.listen_of_nodes = Some(address.to_owned());
        self
    }

    /// Leaves the output of every process unread, from its next start on.
    pub(crate) fn with_unread_output(mut self) -> Self {
        self.spawn = Process::spawn_unread;
        self
    }

    pub(crate) fn start_all(&mut self) {
        self.start_gateway();
        for node in 0..self.nodes.len() {
            self.start_node(node);
        }
    }

    pub(crate) fn start_gateway(&mut self) {
        let mut command = self.layout().gateway().and(self.gateway_flags.clone()).command();
        command.envs(self.environment.clone());
        self.put_disk_under(Host::Gateway, &mut command);
        self.gateway = Some((self.spawn)("gateway", command));
    }

    pub(crate) fn start_node(&mut self, node: usize) {
        let mut program = self.node_program(node);
        if let Some(ways) = &self.ways {
            program = program
                .with("--gateway", ways.to_gateway(node))
                .with("--listen", ways.listen(node))
                .with("--advertise", ways.to_node(node));
        }
        let program = program.and(self.node_flags.clone());
        let mut command = match self.small_disk_of(node) {
            Some(disk) => {
                let mut command = disk.command(&program.binary);
                command.args(program.arguments());
                command
            }
            None => program.command(),
        };
        command.envs(self.environment.clone());
        self.put_disk_under(Host::Node(node), &mut command);
        self.nodes[node] = Some((self.spawn)(&program.name, command));
    }

    /// The arguments of a stranger with the id of a node of this cluster.
    pub(crate) fn node_arguments(&self, id: &str, data: &std::path::Path) -> Vec<String> {
        self.stranger(id, data).arguments()
    }

    /// The program of a stranger with the id of a node of this cluster.
    pub(crate) fn stranger(&self, id: &str, data: &std::path::Path) -> Program {
        self.node_program(0).with("--node-id", id).with("--data", text(data))
    }

    fn node_program(&self, node: usize) -> Program {
        let program = self.layout().node(node);
        match &self.listen_of_nodes {
            Some(listen) => program.with("--listen", listen),
            None => program,
        }
    }

    fn layout(&self) -> Layout {
        let directory = self.directory.path().to_owned();
        let layout = Layout::new(directory, programs(), self.nodes.len());
        Layout { address: Some(self.address), ..layout }
    }

    pub(crate) async fn kill_node(&mut self, node: usize) {
        self.nodes[node].take().expect("it runs").kill().await;
    }

    pub(crate) async fn kill_all(&mut self) {
        let nodes = self.nodes.iter_mut().filter_map(Option::take);
        let kills = nodes.chain(self.gateway.take()).map(Process::kill);
        futures_util::future::join_all(kills).await;
    }

    pub(crate) async fn stop_node(&mut self, node: usize) {
        self.nodes[node].take().expect("it runs").stop().await;
    }

    pub(crate) async fn kill_gateway(&mut self) {
        self.gateway.take().expect("it runs").kill().await;
    }

    pub(crate) async fn stop_gateway(&mut self) {
        self.gateway.take().expect("it runs").stop().await;
    }

    /// Takes the gateway's process out of the cluster, to end it or to wait for its end.
    pub(crate) fn take_gateway(&mut self) -> Process {
        self.gateway.take().expect("it runs")
    }

    /// Takes a node's process out of the cluster, to end it or to wait for its end.
    pub(crate) fn take_node(&mut self, node: usize) -> Process {
        self.nodes[node].take().expect("it runs")
    }

    /// Whether a node's process was started, and was not ended by the test.
    pub(crate) fn has_node(&self, node: usize) -> bool {
        self.nodes[node].is_some()
    }

    /// Whether the gateway's process was started, and was not ended by the test.
    pub(crate) fn has_gateway(&self) -> bool {
        self.gateway.is_some()
    }

    pub(crate) fn gateway(&self) -> &Process {
        self.gateway.as_ref().expect("it runs")
    }

    pub(crate) fn node(&self, node: usize) -> &Process {
        self.nodes[node].as_ref().expect("it runs")
    }

    /// Ends every process, the gateway first. Each must end with success.
    pub(crate) async fn stop_all(&mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
        let nodes = self.nodes.iter_mut().filter_map(Option::take).map(Process::stop);
        futures_util::future::join_all(nodes).await;
    }

    /// Whether every started process still runs, except those ended by the test.
    pub(crate) fn all_alive(&mut self) -> bool {
        self.gateway.iter_mut().chain(self.nodes.iter_mut().flatten()).all(Process::is_alive)
    }

    /// The data directory of a node, as this process sees it.
    pub(crate) fn data(&self, node: usize) -> PathBuf {
        let data = self.data_as_seen(node);
        match self.small_disk_of(node) {
            Some(disk) => disk.path_outside(&data),
            None => data,
        }
    }

    /// The state directory of the gateway.
    fn state(&self) -> PathBuf {
        self.layout().state()
    }

    /// The data directory of a node, as the node sees it.
    fn data_as_seen(&self, node: usize) -> PathBuf {
        self.layout().data(node)
    }

    /// The id of one user of a partition.
    pub(crate) fn user_of(&self, partition: PartitionId) -> String {
        self.users_of(partition).next().expect("each has users")
    }

    /// The ids of the users of a partition.
    pub(crate) fn users_of(&self, partition: PartitionId) -> impl Iterator<Item = String> {
        let of_partition =
            move |id: &String| self.ring.partition_of(&id.parse().expect("an id")) == partition;
        (0..).map(|number| format!("user-{number}")).filter(of_partition)
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.rest_address())
    }

    /// The REST address of the gateway.
    pub(crate) fn rest_address(&self) -> SocketAddr {
        self.layout().rest_address()
    }

    pub(crate) fn socket_address(&self) -> String {
        self.layout().socket_address().to_string()
    }

    /// The status of the cluster; `None` while the gateway does not answer.
    pub(crate) async fn status(&self) -> Option<ClusterStatus> {
        self.client().with_patience(Duration::ZERO).cluster().await.ok()
    }

    /// A typed client of the gateway.
    pub(crate) fn client(&self) -> client::Client {
        client::Client::over(self.http.clone(), &self.url())
    }

    /// Waits until every partition has both copies in sync; returns how long that took. Panics
    /// with the status if it takes longer than `time`.
    pub(crate) async fn healthy_within(&self, time: Duration) -> Duration {
        self.status_within(time, |status| status.healthy).await
    }

    /// Waits until the gateway has the wanted status; returns how long that took. Panics with
    /// the status if it takes longer than `time`.
    pub(crate) async fn status_within(
        &self,
        time: Duration,
        wanted: impl Fn(&ClusterStatus) -> bool,
    ) -> Duration {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            if status.as_ref().is_some_and(&wanted) {
                return start.elapsed();
            }
            assert!(start.elapsed() < time, "not as it should be after {time:?}: {status:#?}");
            sleep(POLL).await;
        }
    }
}

pub(crate) fn node_id(node: usize) -> NodeId {
    launch::node_id(node).parse().expect("an id")
}
