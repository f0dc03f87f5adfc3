//! Configurations and directories with which no process starts.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use nix::unistd::geteuid;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::Command;

use super::{assert_says, complaint};
use crate::harness::address;
use crate::harness::process::{Process, binary, text};

/// A secret of sufficient length.
const SECRET: &str = "a secret of the tests";

#[tokio::test(flavor = "multi_thread")]
async fn no_process_starts_without_a_secret_that_is_hard_to_guess() {
    let place = Workplace::new();
    let short = place.file("short", "1234567\n");
    let missing = text(&place.directory.path().join("missing"));
    for (secret, words) in [
        (None, "no cluster secret: give --secret-file FILE"),
        (Some(short), "the cluster secret is shorter than 8 characters"),
        (Some(missing), "the cluster secret cannot be read from"),
    ] {
        for flags in [place.gateway(), place.node()] {
            let flags = Flags { secret: secret.clone(), ..flags };
            assert_says(&complaint(flags.start()).await, &[words]);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_does_not_start_with_times_or_nodes_that_make_no_sense() {
    let place = Workplace::new();
    for (flag, value, words) in [
        (
            "--request-deadline-ms",
            "2500",
            "a request deadline of 2.5s is too short: it takes up to 2.5s",
        ),
        (
            "--heartbeat-timeout-ms",
            "10000",
            "a request deadline of 5s is too short: it takes up to 11.5s",
        ),
        ("--heartbeat-interval-ms", "0", "the link's heartbeat interval is below a millisecond"),
        ("--heartbeat-timeout-ms", "18446744073709551615", "heartbeat timeout is above an hour"),
        (
            "--receive-deadline-ms",
            "18446744073709551615",
            "above an hour for a request has no deadline",
        ),
        ("--request-deadline-ms", "18446744073709551615", "above an hour has no use"),
        ("--grace-ms", "18446744073709551615", "above an hour has no use"),
        ("--head-bytes-max", "1", "allow 8192 at least"),
        ("--body-bytes-max", "100", "at least 8192 and at most 1048576"),
        ("--queue-bytes-max", "1", "is too small for its frames"),
        ("--observer-packets-max", "1", "allow 16 at least"),
        ("--connect-deadline-ms", "0", "the link's connect deadline is below a millisecond"),
        ("--write-deadline-ms", "0", "the link's write deadline is below a millisecond"),
        ("--connections-max", "0", "a port that may have no connection serves nobody"),
        ("--connections-max", "1000000000", "lower --connections-max"),
        ("--nodes", "db-0", "a ring has 2 to 1024 nodes, not 1"),
        ("--nodes", "db-0,db-1,db-0", "db-0"),
    ] {
        let complaint = complaint(place.gateway().with(flag, value).start()).await;
        assert_says(&complaint, &[words]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_does_not_start_with_an_address_of_a_gateway_that_is_none() {
    let place = Workplace::new();
    for address in ["gateway", "gateway:port", ":3002", "https://gateway", "gateway:70000"] {
        let complaint = complaint(place.node().with("--gateway", address).start()).await;
        let words = [address, "is not the address of a gateway", "for example 127.0.0.1:3002"];
        assert_says(&complaint, &words);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named_with_the_flag_that_chooses_another() {
    let place = Workplace::new();
    let address = address::fresh();
    let taken = TcpListener::bind((address, 3002)).await.expect("nobody else has it");
    let flags = place.gateway().with("--listen", &address.to_string());
    let words = [&format!("cannot listen on {address}:3002"), "choose another --socket-port"];
    assert_says(&complaint(flags.start()).await, &words.map(|words| words as &str));
    let flags = place.node().with("--listen", &format!("{address}:3002"));
    let words = [&format!("cannot listen on {address}:3002"), "choose another --listen"];
    assert_says(&complaint(flags.start()).await, &words.map(|words| words as &str));
    drop(taken);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_is_damaged_or_of_a_newer_release_is_not_used() {
    let place = Workplace::new();
    fs::create_dir(place.path("state")).expect("the directory is writable");
    for (state, words) in [
        ("{\"format\": 1, \"clu", "is damaged"),
        ("", "is damaged"),
        ("{\"format\": 2}", "has format 2, this release knows 1: run a newer release"),
    ] {
        let file = place.file("state/cluster.json", state);
        let complaint = complaint(place.gateway().start()).await;
        assert_says(&complaint, &[&file, words]);
        assert_eq!(fs::read_to_string(&file).expect("it is there"), state, "it was written to");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_has_one_process_and_one_node() {
    let place = Workplace::new();
    // The gateway does not run, so the node keeps trying to reach it.
    let first = place.node().start();
    first.says("no link to the gateway").await;
    let complaint_of_second = complaint(place.node().start()).await;
    let words = [&place.path("data"), "is used by another process"];
    assert_says(&complaint_of_second, &words.map(|words| words as &str));

    first.stop().await;
    let complaint_of_other = complaint(place.node().with("--node-id", "db-1").start()).await;
    let words = ["the data directory belongs to node db-0, this is node db-1"];
    assert_says(&complaint_of_other, &words);

    let again = place.node().start();
    again.says("boot=2").await;
    again.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_directory_of_something_else_is_not_touched() {
    let place = Workplace::new();
    fs::create_dir(place.path("data")).expect("the directory is writable");
    let format = Path::new(&place.path("data")).join("FORMAT");
    for (file, content, words) in [
        ("data/thesis.txt", "42", "is no storage directory of Chainring: it holds thesis.txt"),
        ("data/FORMAT", "of another program", "is no storage directory of Chainring"),
        ("data/FORMAT", "chainring-storage 99", "is of storage format 99"),
    ] {
        let file = place.file(file, content);
        let complaint = complaint(place.node().start()).await;
        assert_says(&complaint, &[&place.path("data"), words]);
        assert_eq!(fs::read_to_string(&file).expect("it is there"), content, "it was written to");
        let others = fs::read_dir(place.path("data")).expect("it is there").count();
        assert_eq!(others, if format.exists() { 2 } else { 1 }, "something was added");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_may_not_read_or_write_is_named() {
    let place = Workplace::new();
    for directory in ["state", "data"] {
        fs::create_dir(place.path(directory)).expect("the directory is writable");
        forbid(&place.path(directory));
    }
    let tokens = place.file("tokens", "");
    forbid(&tokens);
    let secret = place.file("forbidden", SECRET);
    forbid(&secret);
    for (flags, path) in [
        (place.gateway(), place.path("state")),
        (place.node(), place.path("data")),
        (place.gateway().with("--tokens-file", &tokens), tokens),
        (Flags { secret: Some(secret.clone()), ..place.node() }, secret),
    ] {
        let complaint = complaint(flags.start_without_privileges()).await;
        assert_says(
            &complaint,
            &[&path, "Permission denied", "let the user that this process runs as"],
        );
    }
    for directory in ["state", "data"] {
        let permissions = fs::Permissions::from_mode(0o700);
        fs::set_permissions(place.path(directory), permissions).expect("it is ours");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_do_not_make_sense_together_are_named() {
    let place = Workplace::new();
    let nowhere = place.path("nowhere.pem");
    for (flags, words) in [
        (place.gateway().with("--tls-ca", &nowhere), "the gateway dials nobody"),
        (place.gateway().flag("--tls-mutual"), "--tls-mutual takes certificates of both sides"),
        (
            place.node().with("--tls-ca", &nowhere),
            "a node that is linked with TLS dials and is dialled",
        ),
        (
            place
                .node()
                .with("--tls-ca", &nowhere)
                .with("--tls-cert", &nowhere)
                .with("--tls-key", &nowhere),
            "the private key cannot be read from",
        ),
    ] {
        assert_says(&complaint(flags.start()).await, &[words]);
    }
}

/// Takes away write access to a directory, and all access to a file, even from the owner.
fn forbid(path: &str) {
    let mode = if Path::new(path).is_dir() { 0o500 } else { 0 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}

/// A directory for processes. They must not start.
struct Workplace {
    directory: TempDir,
    secret: String,
}

impl Workplace {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let secret = text(&directory.path().join("secret"));
        fs::write(&secret, SECRET).expect("the directory is writable");
        Self { directory, secret }
    }

    fn path(&self, name: &str) -> String {
        text(&self.directory.path().join(name))
    }

    /// Writes a file; returns its path.
    fn file(&self, name: &str, content: &str) -> String {
        let path = self.path(name);
        fs::write(&path, content).expect("the directory is writable");
        path
    }

    /// A gateway with valid flags.
    fn gateway(&self) -> Flags {
        let address = address::fresh().to_string();
        let flags =
            [("--nodes", "db-0,db-1"), ("--state", &self.path("state")), ("--listen", &address)];
        Flags::new("gateway", &flags, &self.secret)
    }

    /// A node with valid flags, whose gateway does not run.
    fn node(&self) -> Flags {
        let flags = [
            ("--node-id", "db-0"),
            ("--data", &self.path("data")),
            ("--gateway", &format!("{}:3002", address::fresh())),
        ];
        Flags::new("db_process", &flags, &self.secret)
    }
}

/// A program and its flags.
struct Flags {
    program: &'static str,
    flags: Vec<(&'static str, String)>,
    switches: Vec<String>,
    secret: Option<String>,
}

impl Flags {
    fn new(program: &'static str, flags: &[(&'static str, &str)], secret: &str) -> Self {
        let flags = flags.iter().map(|(flag, value)| (*flag, (*value).to_owned())).collect();
        Self { program, flags, switches: Vec::new(), secret: Some(secret.to_owned()) }
    }

    /// Sets a flag, in place of an earlier value.
    fn with(mut self, flag: &'static str, value: &str) -> Self {
        self.flags.retain(|(known, _)| *known != flag);
        self.flags.push((flag, value.to_owned()));
        self
    }

    /// Adds a flag without a value.
    fn flag(mut self, flag: &'static str) -> Self {
        self.switches.push(flag.to_owned());
        self
    }

    fn arguments(&self) -> Vec<String> {
        let secret = self.secret.clone().map(|secret| ("--secret-file", secret));
        let flags = self.flags.iter().cloned().chain(secret);
        let flags = flags.flat_map(|(flag, value)| [flag.to_owned(), value]);
        flags.chain(self.switches.iter().cloned()).collect()
    }

    fn start(self) -> Process {
        Process::start(self.program, self.program, &self.arguments())
    }

    /// Starts the program with the permissions of a user, even if root runs the tests.
    fn start_without_privileges(self) -> Process {
        let program = binary(self.program);
        let mut command = if geteuid().is_root() {
            let privileges = "-dac_override,-dac_read_search";
            let mut command = Command::new("setpriv");
            command.args(["--bounding-set", privileges, "--inh-caps", privileges]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(self.arguments());
        Process::spawn(self.program, command)
    }
}
