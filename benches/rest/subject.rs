//! A measured subject: a ring, a bare axum server, or a peer. It is started, filled with users,
//! and stopped again.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use clap::ValueEnum;
use futures_util::future::try_join_all;
use futures_util::{StreamExt, TryStreamExt, stream};
use launch::{Layout, Program};
use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::overload::{Fates, Overload};
use crate::records::{Dialect, Workload, record};
use crate::server::{Server, Usage};
use crate::{flame, load};

/// The maximum time for a subject to become ready.
const START: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(100);

/// The number of users created at a time, before the measurements.
const CREATIONS: usize = 256;

/// A measured subject.
pub(crate) struct Subject {
    pub(crate) name: String,
    dialect: Dialect,
    /// The target of the load.
    url: String,
    servers: Vec<Server>,
    // After the servers: they are dropped first, so none writes to the directory when it is
    // removed.
    directory: TempDir,
}

/// The directory of the programs built together with this one.
pub(crate) fn own_programs() -> anyhow::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(""))
}

impl Subject {
    /// Starts a server that returns a constant record.
    pub(crate) async fn bare(address: &str) -> anyhow::Result<Self> {
        let listen = format!("{address}:3001");
        let program = Program::new("bench-bare", own_programs()?.join("bench-bare"))
            .with("--listen", &listen)
            .with("--json", record(0, 0));
        ensure_built((!program.binary.exists()).then_some("bench-bare"))?;
        let servers = vec![Server::start("axum", &program)?];
        let subject = Self {
            name: "bare axum".to_owned(),
            dialect: Dialect::Users,
            url: format!("http://{listen}"),
            servers,
            directory: tempfile::tempdir()?,
        };
        once_ready(&subject.name, async || subject.answers("/api/user/any").await.then_some(()))
            .await?;
        Ok(subject)
    }

    /// Starts a ring of `nodes` nodes, with their data below a directory.
    pub(crate) async fn ring(nodes: u16, address: &str, below: &Path) -> anyhow::Result<Self> {
        Self::ring_of(&own_programs()?, nodes, address, below).await
    }

    /// The same, with the programs in a directory.
    pub(crate) async fn ring_of(
        programs: &Path,
        nodes: u16,
        address: &str,
        below: &Path,
    ) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir_in(below)?;
        let nodes = usize::from(nodes);
        let layout = Layout {
            address: Some(address.parse()?),
            ..Layout::new(directory.path().to_owned(), programs.to_owned(), nodes)
        };
        ensure_built(layout.missing_program())?;
        layout.make_secret()?;
        let mut servers = vec![Server::start("gateway", &layout.gateway())?];
        for node in 0..nodes {
            servers.push(Server::start("db_process", &layout.node(node))?);
        }
        let subject = Self {
            name: format!("ring of {nodes}"),
            dialect: Dialect::Users,
            url: format!("http://{}", layout.rest_address()),
            servers,
            directory,
        };
        once_ready(&subject.name, async || subject.is_healthy().await.then_some(())).await?;
        Ok(subject)
    }

    /// Starts a cluster of three etcd members, with their data below a directory. The load goes
    /// to the leader.
    pub(crate) async fn etcd(address: &str, below: &Path) -> anyhow::Result<Self> {
        let directory = tempfile::tempdir_in(below)?;
        let ports = [23790_u16, 23791, 23792];
        let client = |port: u16| format!("http://{address}:{port}");
        let peer = |port: u16| format!("http://{address}:{}", port + 100);
        let cluster = ports.map(|port| format!("etcd-{port}={}", peer(port))).join(",");
        let mut servers = Vec::new();
        for port in ports {
            let name = format!("etcd-{port}");
            let program = Program::new(&name, PathBuf::from("etcd"))
                .with("--name", &name)
                .with("--data-dir", directory.path().join(&name).display())
                .with("--listen-client-urls", client(port))
                .with("--advertise-client-urls", client(port))
                .with("--listen-peer-urls", peer(port))
                .with("--initial-advertise-peer-urls", peer(port))
                .with("--initial-cluster", &cluster)
                .with("--initial-cluster-state", "new")
                .with("--log-level", "error");
            servers.push(Server::start("etcd", &program)?);
        }
        let leader = async || {
            for url in ports.map(client) {
                if is_leader(&url).await.unwrap_or(false) {
                    return Some(url);
                }
            }
            None
        };
        let (name, dialect) = ("etcd".to_owned(), Dialect::Etcd);
        let url = once_ready(&name, leader).await?;
        Ok(Self { name, dialect, url, servers, directory })
    }

    /// Creates the users, and the requests on them.
    pub(crate) async fn fill(&self, users: u32) -> anyhow::Result<()> {
        let http = Client::builder().no_proxy().build()?;
        let creations = (0..users).map(|number| {
            let (path, body) = self.dialect.creation(number);
            let request = http.post(format!("{}{path}", self.url));
            let request = request.header("content-type", "application/json").body(body).send();
            async { anyhow::Ok(request.await?.error_for_status()?.bytes().await?) }
        });
        stream::iter(creations)
            .buffer_unordered(CREATIONS)
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .with_context(|| format!("{} does not take the users", self.name))?;
        self.prepare(users)
    }

    /// Creates the requests on `users` users.
    pub(crate) fn prepare(&self, users: u32) -> anyhow::Result<()> {
        for workload in Workload::value_variants() {
            let requests = self.dialect.requests(*workload, users);
            load::save(&self.requests_of(*workload), requests)?;
        }
        Ok(())
    }

    fn requests_of(&self, workload: Workload) -> PathBuf {
        self.directory.path().join(workload.name()).with_extension("requests")
    }

    /// Puts the subject under load.
    pub(crate) async fn measure(
        &self,
        load: &load::Load,
        workload: Workload,
    ) -> anyhow::Result<Measured> {
        let before = self.usage()?;
        let seen = load.run(&self.url, &self.requests_of(workload)).await?;
        let after = self.usage()?;
        let used = before.iter().zip(&after).map(|((role, before), (_, after))| Used {
            role,
            cpu_us_per_request: (after.cpu - before.cpu).as_secs_f64() * 1e6 / seen.requests as f64,
            memory_bytes: after.memory_bytes,
        });
        Ok(Measured { seen, used: used.collect() })
    }

    /// Puts the subject under an overload.
    pub(crate) async fn overload(
        &self,
        overload: &Overload,
        workload: Workload,
    ) -> anyhow::Result<Fates> {
        overload.run(&self.url, &self.requests_of(workload)).await
    }

    /// Moves its processes into a control group (`cgroups(7)`).
    pub(crate) fn join(&self, cgroup: &Path) -> anyhow::Result<()> {
        self.servers.iter().try_for_each(|server| {
            let joined = fs::write(cgroup.join("cgroup.procs"), server.id()?.to_string());
            joined.with_context(|| format!("{} takes no process", cgroup.display()))
        })
    }

    /// Draws a flame graph of the processes of each role, over some time.
    pub(crate) async fn draw(
        &self,
        time: Duration,
        workload: Workload,
        directory: &Path,
    ) -> anyhow::Result<()> {
        let roles = self.servers.iter().map(|server| server.role).collect::<BTreeSet<_>>();
        let drawn = roles.into_iter().map(|role| async move {
            let (name, kind) = (&self.name, workload.name());
            let picture = directory.join(format!("{}-{kind}-{role}.svg", name.replace(' ', "-")));
            let of_role = self.servers.iter().filter(|server| server.role == role);
            let processes = of_role.map(Server::id).collect::<anyhow::Result<Vec<_>>>()?;
            flame::draw(&format!("{role}: {kind}, {name}"), &processes, time, &picture).await
        });
        try_join_all(drawn).await.map(drop)
    }

    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        for server in self.servers {
            server.stop().await?;
        }
        Ok(())
    }

    /// The usage by role: the processor time of all its processes, and the memory of the
    /// largest one.
    pub(crate) fn usage(&self) -> anyhow::Result<Vec<(&'static str, Usage)>> {
        let mut by_role = Vec::<(&'static str, Usage)>::new();
        for server in &self.servers {
            let usage = server.usage()?;
            match by_role.iter_mut().find(|(role, _)| *role == server.role) {
                Some((_, sum)) => {
                    sum.cpu += usage.cpu;
                    sum.memory_bytes = sum.memory_bytes.max(usage.memory_bytes);
                }
                None => by_role.push((server.role, usage)),
            }
        }
        Ok(by_role)
    }

    async fn answers(&self, path: &str) -> bool {
        reqwest::get(format!("{}{path}", self.url)).await.is_ok()
    }

    async fn is_healthy(&self) -> bool {
        let Ok(client) = client::Client::new(&self.url) else { return false };
        let Ok(status) = client.with_patience(Duration::ZERO).cluster_json().await else {
            return false;
        };
        // This is the only field common to all releases.
        serde_json::from_str::<Value>(&status).is_ok_and(|status| status["healthy"] == true)
    }
}

/// The result of a measurement.
pub(crate) struct Measured {
    pub(crate) seen: load::Figures,
    pub(crate) used: Vec<Used>,
}

/// The resources used by the processes of a role.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Used {
    pub(crate) role: &'static str,
    /// The processor time of all of them.
    pub(crate) cpu_us_per_request: f64,
    /// The memory of the largest one.
    pub(crate) memory_bytes: u64,
}

/// Waits until a subject is ready, and returns the value from its check.
async fn once_ready<T>(name: &str, ready: impl AsyncFn() -> Option<T>) -> anyhow::Result<T> {
    let start = Instant::now();
    loop {
        if let Some(ready) = ready().await {
            return Ok(ready);
        }
        ensure!(start.elapsed() < START, "{name} is not ready after {START:?}");
        sleep(POLL).await;
    }
}

async fn is_leader(url: &str) -> anyhow::Result<bool> {
    let status = Client::new().post(format!("{url}/v3/maintenance/status")).body("{}").send();
    let status: Value = serde_json::from_str(&status.await?.text().await?)?;
    Ok(status["leader"].is_string() && status["leader"] == status["header"]["member_id"])
}

fn ensure_built(missing: Option<&str>) -> anyhow::Result<()> {
    match missing {
        Some(program) => bail!("{program} is missing: use `make bench-rest`, which builds it"),
        None => Ok(()),
    }
}
