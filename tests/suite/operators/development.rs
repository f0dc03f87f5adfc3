//! `chainring dev`, and how its processes end.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::Duration;

use api::ClusterStatus;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use super::{SOON, Workplace};
use crate::harness::process::{Process, binary, heeding_signals, text};

const POLL: Duration = Duration::from_millis(50);

/// A running `chainring dev` with two nodes.
pub(super) struct Development {
    process: Process,
    url: String,
    http: reqwest::Client,
}

impl Development {
    /// Starts one with its data in this directory; `program` makes its command.
    pub(super) async fn start_by(data: &Path, program: fn(&Path) -> Command) -> Self {
        Self::start(&in_directory(data), program, Process::spawn).await
    }

    /// Starts one; `place` holds its arguments about the place of the data.
    async fn start(
        place: &[String],
        program: fn(&Path) -> Command,
        spawn: fn(&str, Command) -> Process,
    ) -> Self {
        let [rest, socket] = free_ports().await;
        let mut command = program(&binary("chainring"));
        command.args(["dev", "--nodes", "2"]).args(place);
        command.args(["--rest-port", &rest.to_string(), "--socket-port", &socket.to_string()]);
        let http = reqwest::Client::builder().timeout(SOON).no_proxy().build().unwrap();
        let url = format!("http://127.0.0.1:{rest}");
        Self { process: spawn("dev", command), url, http }
    }

    /// Waits until the ring can be used.
    pub(super) async fn is_ready(&self) {
        self.is_ready_with(|_| true).await;
    }

    /// Waits until the ring can be used and has the wanted status.
    async fn is_ready_with(&self, wanted: impl Fn(&ClusterStatus) -> bool) {
        let ready = async {
            while !self.status().await.is_some_and(|status| status.healthy && wanted(&status)) {
                sleep(POLL).await;
            }
        };
        let is_ready = timeout(SOON, ready).await.is_ok();
        assert!(is_ready, "it is not ready:\n{}", self.process.text());
    }

    async fn status(&self) -> Option<ClusterStatus> {
        let url = format!("{}/api/cluster", self.url);
        self.http.get(url).send().await.ok()?.json().await.ok()
    }

    pub(super) async fn create_user(&self, id: &str) {
        let user = json!({ "id": id, "name": "Ada", "email": "ada@example.org", "group": 1 });
        let created = self.http.post(format!("{}/api/user/", self.url)).json(&user).send().await;
        assert_eq!(created.unwrap().status(), 201);
    }

    pub(super) async fn stop(self) {
        self.process.stop().await;
    }

    /// The ids of its child processes.
    fn children(&self) -> Vec<u32> {
        let parent = self.process.id();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        ids.filter(|id| stat(*id).is_some_and(|stat| stat.parent == parent)).collect()
    }
}

fn in_directory(data: &Path) -> [String; 2] {
    ["--data".to_owned(), text(data)]
}

/// The state and the parent of a process (`proc_pid_stat(5)`).
struct Stat {
    state: char,
    parent: u32,
}

fn stat(id: u32) -> Option<Stat> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut words = rest.split(' ');
    Some(Stat { state: words.next()?.chars().next()?, parent: words.next()?.parse().ok()? })
}

/// Waits until the processes have ended.
async fn have_ended(ids: &[u32]) {
    let lives = |id: &u32| stat(*id).is_some_and(|stat| stat.state != 'Z');
    let ended = async {
        while ids.iter().any(lives) {
            sleep(POLL).await;
        }
    };
    assert!(timeout(SOON, ended).await.is_ok(), "its processes go on without it");
}

/// Two free ports of 127.0.0.1.
async fn free_ports() -> [u16; 2] {
    let bind = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listeners = [bind().await.unwrap(), bind().await.unwrap()];
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// Its standard output goes to its standard error, where this process reads.
fn to_stderr(program: &Path) -> Command {
    let mut command = heeding_signals("sh");
    command.args(["-c", r#"exec "$0" "$@" >&2"#]).arg(program);
    command
}

/// It prints many lines for each request.
fn verbose(program: &Path) -> Command {
    let mut command = to_stderr(program);
    command.env("RUST_LOG", "trace");
    command
}

/// Its standard output goes to a program that reads one line.
fn to_head(program: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args(["-c", r#"exec "$0" "$@" > >(head -n 1 >&2)"#]).arg(program);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn its_processes_end_in_order_with_it_on_every_signal_that_ends_it() {
    let place = Workplace::new();
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGINT, Signal::SIGTERM] {
        let ring = Development::start_by(&place.path("data"), to_stderr).await;
        ring.is_ready().await;
        let children = ring.children();
        assert_eq!(children.len(), 3);
        ring.process.signal(signal);
        if signal == Signal::SIGHUP {
            // Both the shell and the kernel send the signal when a terminal is closed.
            ring.process.says("stopping").await;
            ring.process.signal(signal);
        }
        let (status, said) = ring.process.ended().await;
        assert!(status.success(), "{signal}: {status}\n{said}");
        assert!(said.contains("chainring | stopped; the data is in"), "{signal}: {said}");
        have_ended(&children).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_processes_end_with_it_when_it_is_killed() {
    let place = Workplace::new();
    let ring = Development::start_by(&place.path("data"), to_stderr).await;
    ring.is_ready().await;
    let children = ring.children();
    assert_eq!(children.len(), 3);
    ring.process.kill().await;
    have_ended(&children).await;

    let ring = Development::start_by(&place.path("data"), to_stderr).await;
    ring.is_ready().await;
    ring.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_quietly_and_in_order_when_nobody_reads_any_more() {
    let place = Workplace::new();
    let ring = Development::start_by(&place.path("data"), to_head).await;
    let (status, said) = ring.process.ended().await;
    assert!(status.success(), "{status}\n{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    // No process holds the data any more.
    let ring = Development::start_by(&place.path("data"), to_stderr).await;
    ring.is_ready().await;
    ring.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_stands_still_stops_nothing() {
    let place = Workplace::new();
    let ring =
        Development::start(&in_directory(&place.path("data")), verbose, Process::spawn_unread)
            .await;
    ring.is_ready().await;
    for user in 0..200 {
        ring.create_user(&format!("user-{user}")).await;
    }
    ring.process.read();
    ring.process.says("lines were dropped here, as nobody read them in time").await;
    ring.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_ends_when_it_is_told_to_though_nobody_reads_what_it_prints() {
    let place = Workplace::new();
    let ring =
        Development::start(&in_directory(&place.path("data")), verbose, Process::spawn_unread)
            .await;
    ring.is_ready().await;
    for user in 0..200 {
        ring.create_user(&format!("user-{user}")).await;
    }
    let children = ring.children();
    ring.stop().await;
    have_ended(&children).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_memory_a_node_that_is_killed_returns_empty_and_is_restored() {
    let memory = ["--memory".to_owned()];
    let ring = Development::start(&memory, to_stderr, Process::spawn).await;
    ring.is_ready().await;
    ring.process.says("in memory").await;
    ring.create_user("ada").await;
    for (place, node) in ["db-0", "db-1"].into_iter().enumerate() {
        let before = ring.status().await.unwrap().nodes[place].incarnation;
        let id = ring.children().into_iter().find(|id| is_node(*id, node)).expect("it runs");
        kill(Pid::from_raw(id.try_into().unwrap()), Signal::SIGKILL).unwrap();
        ring.is_ready_with(|status| status.nodes[place].incarnation != before).await;
    }
    let read = ring.http.get(format!("{}/api/user/ada", ring.url)).send().await.unwrap();
    assert_eq!(read.status(), 200);
    let (status, said) = {
        ring.process.terminate();
        ring.process.ended().await
    };
    assert!(status.success() && said.contains("the users were in memory"), "{status}\n{said}");
}

/// Whether a process is the node with this id.
fn is_node(process: u32, id: &str) -> bool {
    let arguments = fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default();
    arguments.contains(&format!("--node-id\0{id}\0"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_ring_on_the_ports_of_the_first_is_told_so_at_once() {
    let place = Workplace::new();
    let first = Development::start_by(&place.path("data"), to_stderr).await;
    first.is_ready().await;
    let port = first.url.rsplit(':').next().unwrap().to_owned();
    let mut command = to_stderr(&binary("chainring"));
    command.args(["dev", "--memory", "--rest-port", &port]);
    let (status, said) = Process::spawn("second", command).ended().await;
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("is another ring running?") && !said.contains("is ready"), "{said}");
    first.stop().await;
}
