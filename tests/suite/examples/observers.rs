//! The observers in JavaScript and Python. Their READMEs show the same session with a ring of
//! three nodes, as of `make run`.

use std::fs;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::tokens::{Role, line};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::timeout;

use super::{SOON, folder, promised, readme};
use crate::harness::cluster::Cluster;
use crate::harness::process::{heeding_signals, text};

/// An observer among the examples.
struct Example {
    folder: &'static str,
    program: &'static str,
    script: &'static str,
    /// What `make deps` installs in the folder.
    installed: &'static str,
}

const JAVASCRIPT: Example = Example {
    folder: "observer-js",
    program: "node",
    script: "observer.js",
    installed: "node_modules/socket.io-client",
};

const PYTHON: Example = Example {
    folder: "observer-python",
    program: ".venv/bin/python",
    script: "observer.py",
    installed: ".venv/installed",
};

#[tokio::test(flavor = "multi_thread")]
async fn the_observer_in_javascript_prints_what_its_readme_promises() {
    prints_its_session(&JAVASCRIPT).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_observer_in_python_prints_what_its_readme_promises() {
    prints_its_session(&PYTHON).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_observer_shows_its_token_and_says_why_it_is_refused() {
    let mut cluster = Cluster::new(2);
    let file = |name: &str| text(&cluster.directory.path().join(name));
    let (tokens, token, wrong) = (file("tokens"), file("token"), file("wrong"));
    for (path, content) in [
        (&tokens, line(Role::Read, "a token")),
        (&token, "a token\n".to_owned()),
        (&wrong, "a guess\n".to_owned()),
    ] {
        fs::write(path, content).expect("it is ours");
    }
    cluster = cluster.with_gateway_flags(&["--tokens-file", &tokens]);
    cluster.start_gateway();
    cluster.gateway().says("listening").await;
    for example in [JAVASCRIPT, PYTHON] {
        let mut observer = Observer::start(example.command(&cluster, &["--token-file", &token]));
        observer.prints(&[&format!("connected to {}", url(&cluster))]).await;
        observer.interrupt();
        assert_eq!(observer.ended().await, Some(0));

        let refused = example.command(&cluster, &["--token-file", &wrong]).output();
        let output = timeout(SOON, refused).await.expect("it ends in time").expect("it starts");
        let said = String::from_utf8(output.stderr).expect("text");
        assert!(said.starts_with("refused: unauthorized: "), "{}: {said}", example.folder);
        assert_eq!(output.status.code(), Some(1), "{}: {said}", example.folder);
    }
}

/// Plays the session of the README. Each part of it follows an action.
async fn prints_its_session(example: &Example) {
    let mut cluster = Cluster::start(3).await;
    let readme = readme(example.folder).replace("http://127.0.0.1:3002", &url(&cluster));
    let parts = promised(&readme);
    let [started, node_dies, node_returns, gateway_ends, gateway_returns, stopped] = &parts[..]
    else {
        panic!("another session: {parts:#?}")
    };
    let mut observer = Observer::start(example.command(&cluster, &[]));
    observer.prints(started).await;
    cluster.kill_node(1).await;
    observer.prints(node_dies).await;
    cluster.start_node(1);
    observer.prints(node_returns).await;
    cluster.stop_gateway().await;
    observer.prints(gateway_ends).await;
    cluster.start_gateway();
    observer.prints(gateway_returns).await;
    observer.interrupt();
    observer.prints(stopped).await;
    assert_eq!(observer.ended().await, Some(0));
}

/// The address of the gateway's socket.io port.
fn url(cluster: &Cluster) -> String {
    format!("http://{}", cluster.socket_address())
}

impl Example {
    /// Observes the cluster, with further arguments.
    fn command(&self, cluster: &Cluster, arguments: &[&str]) -> Command {
        let folder = folder(self.folder);
        let is_installed = folder.join(self.installed).exists();
        assert!(is_installed, "{} is not installed: run make deps", self.folder);
        let mut command = heeding_signals(self.program);
        command
            .arg(self.script)
            .args(["--url", &url(cluster)])
            .args(arguments)
            // It would hide lines that the program holds back.
            .env_remove("PYTHONUNBUFFERED")
            .current_dir(folder)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }
}

/// A running observer.
struct Observer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Observer {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Waits for these lines, in this order. States in between may come before each of them.
    async fn prints(&mut self, promised: &[&str]) {
        let mut missing = promised.iter().peekable();
        let prints = async {
            while let Some(wanted) = missing.peek() {
                let line = self.lines.next_line().await.expect("text").expect("it goes on");
                println!("observer | {line}");
                if line == **wanted {
                    missing.next();
                }
            }
        };
        let is_in_time = timeout(SOON, prints).await.is_ok();
        assert!(is_in_time, "not printed: {:?}", missing.collect::<Vec<_>>());
    }

    /// Presses Ctrl-C.
    fn interrupt(&self) {
        let id = self.child.id().and_then(|id| id.try_into().ok()).expect("it runs");
        kill(Pid::from_raw(id), Signal::SIGINT).expect("it can be signalled");
    }

    /// Waits for the end; returns the exit code.
    async fn ended(mut self) -> Option<i32> {
        let status = timeout(SOON, self.child.wait()).await.expect("it ends in time");
        status.expect("it can be waited for").code()
    }
}
