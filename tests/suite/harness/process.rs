//! A process of the cluster, and its output.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long a process may take to end.
const END: Duration = Duration::from_secs(15);

/// How long a process may take to print the expected words.
const SAY: Duration = Duration::from_secs(15);

const POLL: Duration = Duration::from_millis(1);

/// The variables that the processes inherit. They take their configuration from the test, not
/// from the environment of the test.
const ENVIRONMENT: [&str; 2] = ["RUST_LOG", "LLVM_PROFILE_FILE"];

/// A process of the cluster.
pub(crate) struct Process {
    process: launch::Process,
    output: Arc<Output>,
    /// Cancelled when the output is to be read.
    reader: CancellationToken,
    reading: JoinHandle<()>,
}

/// The output lines of a process.
#[derive(Default)]
struct Output {
    lines: Mutex<Vec<String>>,
    more: Notify,
}

/// The path of a program.
pub(crate) fn binary(name: &str) -> PathBuf {
    programs().join(name)
}

/// The directory of the programs. They are built with the tests, so they are never older.
pub(crate) fn programs() -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let built = std::process::Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--workspace", "--bins"])
            .current_dir("..")
            .status()
            .expect("cargo starts");
        assert!(built.success(), "the programs do not build");
        let test = std::env::current_exe().expect("this test has a path");
        test.ancestors().nth(2).expect("the test is in target/PROFILE/deps").to_owned()
    });
    directory.clone()
}

impl Process {
    /// Starts a program. Its standard error is kept, and shown when a test fails.
    pub(crate) fn start(name: &str, program: &str, arguments: &[String]) -> Self {
        let mut command = Command::new(binary(program));
        command.args(arguments);
        Self::spawn(name, command)
    }

    /// Starts `chainring` as an operator does. Its standard output is kept too.
    pub(crate) fn operator(arguments: &[&str]) -> Self {
        let mut command = Command::new("sh");
        // Standard output goes to standard error, because this process reads only that.
        command.args(["-c", r#"exec "$0" "$@" >&2"#]).arg(binary("chainring")).args(arguments);
        Self::spawn("operator", command)
    }

    /// Starts a command and reads its output. The command may be a wrapper that becomes the
    /// program.
    pub(crate) fn spawn(name: &str, command: Command) -> Self {
        let process = Self::spawn_unread(name, command);
        process.read();
        process
    }

    /// Starts a command. Its output goes into a pipe without a reader, until
    /// [`read`](Self::read).
    pub(crate) fn spawn_unread(name: &str, mut command: Command) -> Self {
        let kept = ENVIRONMENT.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let own = own_environment(&command);
        command
            .env_clear()
            .envs(kept)
            .envs(own)
            // A panic shows its backtrace; an error shows only its text, as to an operator.
            .env("RUST_BACKTRACE", "1")
            .env("RUST_LIB_BACKTRACE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let started = launch::Process::start(command);
        let mut process = started.unwrap_or_else(|error| panic!("{name}: {error}"));
        let output = Arc::<Output>::default();
        let (name, kept) = (name.to_owned(), Arc::clone(&output));
        let mut lines = BufReader::new(process.stderr().expect("piped")).lines();
        let reader = CancellationToken::new();
        let read = reader.clone();
        let reading = tokio::spawn(async move {
            read.cancelled().await;
            while let Ok(Some(line)) = lines.next_line().await {
                println!("{name} | {line}");
                kept.lines.lock().expect("no panic").push(line);
                kept.more.notify_waiters();
            }
        });
        Self { process, output, reader, reading }
    }

    /// Begins to read the output.
    pub(crate) fn read(&self) {
        self.reader.cancel();
    }

    /// Ends the process as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.process.kill().await.expect("it can be killed");
    }

    /// Asks the process to end (SIGTERM). Panics if it does not end in time, or ends without
    /// success.
    pub(crate) async fn stop(self) {
        self.signal(Signal::SIGTERM);
        let (status, output) = self.ended().await;
        assert!(status.success(), "it ended with {status}:\n{output}");
    }

    /// Stops every thread of the process (SIGSTOP). The process keeps its connections and does
    /// not answer.
    pub(crate) async fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        let tasks = format!("/proc/{}/task", self.id());
        let stopped = async {
            while !fs::read_dir(&tasks).expect("it lives").flatten().all(|task| is_stopped(&task)) {
                sleep(POLL).await;
            }
        };
        timeout(SAY, stopped).await.expect("it stops in time");
    }

    /// Lets the process go on after a pause (SIGCONT).
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Asks the process to end (SIGTERM), and does not wait for its end.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Sends the process a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        self.process.signal(signal).expect("it can be signalled");
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id().expect("it lives")
    }

    /// Waits until the process has printed these words on one line. Panics if that takes too
    /// long.
    pub(crate) async fn says(&self, words: &str) {
        let said = async {
            loop {
                let more = self.output.more.notified();
                if self.text().lines().any(|line| line.contains(words)) {
                    return;
                }
                more.await;
            }
        };
        let said = timeout(SAY, said).await;
        assert!(said.is_ok(), "it does not say {words:?} but:\n{}", self.text());
    }

    /// Waits until the process ends; returns its exit status and its output. Panics if that
    /// takes too long.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = timeout(END, self.process.wait()).await;
        let Ok(status) = status else { panic!("it does not end but says:\n{}", self.text()) };
        // Another task reads the last lines.
        self.read();
        (&mut self.reading).await.expect("no panic");
        (status.expect("it can be waited for"), self.text())
    }

    /// The output so far.
    pub(crate) fn text(&self) -> String {
        self.output.lines.lock().expect("no panic").join("\n")
    }

    /// Whether the process still runs.
    pub(crate) fn is_alive(&mut self) -> bool {
        self.process.status().expect("it can be asked").is_none()
    }
}

/// A command that ignores no signal. The process of the test may ignore some, as under `nohup`
/// and in scripts, and its children would inherit that.
pub(crate) fn heeding_signals(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("env");
    command.arg("--default-signal").arg(program);
    command
}

/// The variables set by the command itself.
fn own_environment(command: &Command) -> Vec<(OsString, OsString)> {
    let set = command.as_std().get_envs();
    set.filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect()
}

/// Whether a thread is stopped: in `/proc/PID/task/TID/stat`, `T` follows the name in
/// parentheses.
fn is_stopped(task: &fs::DirEntry) -> bool {
    let stat = fs::read_to_string(task.path().join("stat"));
    stat.is_ok_and(|stat| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T')))
}

/// A path as text, for an argument.
pub(crate) fn text(path: &Path) -> String {
    path.to_str().expect("temporary paths are UTF-8").to_owned()
}
