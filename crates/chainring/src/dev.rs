//! `chainring dev`: a whole cluster on this machine, with a process for the gateway and for
//! each node.
//!
//! When `chainring dev` ends, its processes end too. It asks them to end after Ctrl-C, SIGTERM,
//! SIGHUP, SIGQUIT, or when the pipe at standard output is closed. After SIGKILL it cannot ask:
//! the processes see the end of their standard input.

mod args;
mod child;
mod console;
mod directory;

use std::env;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::bail;
use process::shutdown;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

pub(crate) use self::args::Args;
use self::child::Child;
use self::console::Console;
use self::directory::ClusterDirectory;
use crate::rest::Rest;
use crate::{out, status};

/// The maximum number of nodes: more than anyone tries on one machine, and few enough not to
/// bring it down.
const NODES_MAX: usize = 32;

/// The time between two checks whether the ring is ready.
const POLL: Duration = Duration::from_millis(200);

/// The time between two checks whether the ring is still healthy.
const WATCH: Duration = Duration::from_secs(1);

/// Runs the cluster until Ctrl-C, until the reader of standard output is gone, or until a
/// process has failed too often.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    if !(2..=NODES_MAX).contains(&args.nodes) {
        bail!("a ring on one machine has 2 to {NODES_MAX} nodes, not {}", args.nodes);
    }
    for (flag, port) in [("--rest-port", args.rest_port), ("--socket-port", args.socket_port)] {
        if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            bail!(
                "port {port} cannot be had ({error}): is another ring running? Stop it, or choose another port with {flag} \
                 and another directory with --data"
            );
        }
    }
    let shutdown = shutdown::on_signal()?;
    let console = Console::start()?;
    let directory = ClusterDirectory::prepare(&args, &console)?;
    let layout = &directory.layout;
    let mut nodes = Children::new(&console);
    let mut gateway = Children::new(&console);
    gateway.start(Child(layout.gateway()));
    for node in 0..args.nodes {
        nodes.start(Child(layout.node(node)));
    }
    let announce = announce(Announcement::new(&directory), console.clone());
    let announcing = tokio::spawn(shutdown.clone().run_until_cancelled_owned(announce));

    let failed = tokio::select! {
        biased;
        () = shutdown.cancelled() => false,
        () = out::reader_is_gone() => false,
        () = gateway.one_gives_up() => true,
        () = nodes.one_gives_up() => true,
    };
    announcing.abort();
    console.say("stopping");
    // The gateway stops first: it ends the requests under way while the nodes still run.
    gateway.stop().await;
    nodes.stop().await;
    match directory.kept() {
        Some(data) => console.say(format_args!("stopped; the data is in {}", data.display())),
        None => console.say("stopped; the users were in memory, and are gone"),
    }
    console.finish();
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// A group of processes, kept running.
struct Children {
    console: Console,
    stopping: CancellationToken,
    keepers: JoinSet<()>,
}

impl Children {
    fn new(console: &Console) -> Self {
        Self {
            console: console.clone(),
            stopping: CancellationToken::new(),
            keepers: JoinSet::new(),
        }
    }

    fn start(&mut self, child: Child) {
        self.keepers.spawn(child.keep_running(self.console.clone(), self.stopping.clone()));
    }

    /// Returns when a process has failed too often, and is not started again.
    async fn one_gives_up(&mut self) {
        if self.keepers.join_next().await.is_none() {
            std::future::pending().await
        }
    }

    async fn stop(mut self) {
        self.stopping.cancel();
        while self.keepers.join_next().await.is_some() {}
    }
}

/// The details to print when the ring is ready.
struct Announcement {
    rest: String,
    socket: String,
    data: Option<PathBuf>,
    nodes: usize,
}

impl Announcement {
    fn new(directory: &ClusterDirectory) -> Self {
        let layout = &directory.layout;
        Self {
            rest: format!("http://{}", layout.rest_address()),
            socket: format!("http://{}", layout.socket_address()),
            data: directory.kept().map(Path::to_owned),
            nodes: layout.nodes,
        }
    }
}

/// Waits until the ring is ready, and prints its addresses and some commands to try. Prints its
/// address again whenever it is healthy again: the lines before have scrolled away then.
async fn announce(announcement: Announcement, console: Console) {
    let rest = Rest::at(announcement.rest.clone());
    while !is_healthy(&rest).await {
        sleep(POLL).await;
    }
    print_ready(&announcement, &console);
    let mut was_healthy = true;
    loop {
        sleep(WATCH).await;
        let is_healthy = is_healthy(&rest).await;
        if !std::mem::replace(&mut was_healthy, is_healthy) && is_healthy {
            console.say(format_args!("the ring is healthy again: {}/api/user/", rest.url));
        }
    }
}

async fn is_healthy(rest: &Rest) -> bool {
    status::fetch(rest).await.is_ok_and(|(status, _)| status.healthy)
}

/// Prints where everything is, and what to try.
fn print_ready(announcement: &Announcement, console: &Console) {
    let Announcement { rest: url, socket, data, nodes } = announcement;
    let program = env::args().next().unwrap_or_else(|| "chainring".to_owned());
    console.say(format_args!("the ring of {nodes} nodes is ready"));
    console.say(format_args!("  REST       {url}/api/user/"));
    console.say(format_args!("  socket.io  {socket}"));
    match data {
        Some(data) => console.say(format_args!("  data       {}", data.display())),
        None => {
            console.say(
                "  data       in memory: a node that is killed returns empty, and is restored;",
            );
            console.say("             two that are dead at once lose what both had");
        }
    }
    console.say("try:");
    console.say(format_args!(
        "  curl -i {url}/api/user/ -H 'content-type: application/json' \
         -d '{{\"id\":\"ada\",\"name\":\"Ada\",\"email\":\"ada@example.org\",\"group\":1}}'"
    ));
    console.say(format_args!("  curl -i {url}/api/user/ada"));
    console.say(format_args!("  {program} status --url {url}"));
    console.say("  pkill -9 -f 'node-id [d]b-1'    # a node dies, and is started again");
}
