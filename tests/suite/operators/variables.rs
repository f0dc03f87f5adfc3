//! Flags set by environment variables, with new and former names.

use std::collections::BTreeSet;
use std::process::Stdio;

use process::flags::FORMER_NAMES;
use tokio::process::Command;

use super::Workplace;
use crate::harness::process::{Process, binary, text};

/// The variable's value for a service in Kubernetes.
const OF_A_SERVICE: &str = "tcp://10.96.0.5:3001";

fn gateway(place: &Workplace, variables: &[(&str, &str)]) -> Process {
    let mut command = place.gateway();
    command.envs(variables.iter().copied());
    Process::spawn("gateway", command)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_sets_its_flag_and_the_new_name_goes_before_the_former_one() {
    let place = Workplace::new();
    for (variables, port) in [
        (&[("CHAINRING_REST_PORT", "3011")][..], 3011),
        (&[("REST_PORT", "3012")], 3012),
        (&[("REST_PORT", "3012"), ("CHAINRING_REST_PORT", "3011")], 3011),
        (&[("REST_PORT", OF_A_SERVICE), ("CHAINRING_REST_PORT", "3011")], 3011),
        (&[("REST_PORT", "")], 3001),
        (&[], 3001),
    ] {
        let gateway = gateway(&place, variables);
        gateway.says("listening").await;
        assert!(gateway.text().contains(&format!(":{port} socket=")), "{variables:?}");
        assert!(!gateway.text().contains("is ignored"), "{variables:?}");
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_former_name_that_means_something_else_is_ignored_and_that_is_told() {
    let place = Workplace::new();
    for (variable, value, flag) in [
        ("REST_PORT", OF_A_SERVICE, "--rest-port"),
        ("SOCKET_PORT", "udp://10.96.0.5:3002", "--socket-port"),
        ("GATEWAY_THREADS", "many", "--threads"),
        ("LOG_FORMAT", "logfmt", "--log-format"),
        ("TLS_MUTUAL", "perhaps", "--tls-mutual"),
    ] {
        let gateway = gateway(&place, &[(variable, value)]);
        gateway.says(&format!("the variable {variable} is ignored")).await;
        gateway.says(&format!("CHAINRING_{variable} sets that flag")).await;
        assert!(gateway.text().contains(flag), "{flag}");
        gateway.says(":3001 socket=").await;
        gateway.stop().await;
    }
    let mut node = place.node();
    node.env("SOCKET_SERVER_URL", "wss://chat.example/socket");
    // The flag takes precedence, so the variable is not even read.
    let node = Process::spawn("db-0", node);
    node.says("no link to the gateway").await;
    assert!(!node.text().contains("is ignored"));
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_cannot_be_used_is_an_error_that_names_variable_and_flag() {
    let place = Workplace::new();
    let nowhere = text(&place.path("nowhere"));
    for (variable, value, words) in [
        ("CHAINRING_REST_PORT", OF_A_SERVICE, &["--rest-port", "enableServiceLinks"][..]),
        ("CHAINRING_REST_PORT", "", &["--rest-port"]),
        ("CHAINRING_REST_PORT", "65536", &["--rest-port", "65536"]),
        ("CHAINRING_LOG_FORMAT", "xml", &["--log-format", "possible values: text, json"]),
        ("CHAINRING_EXPOSE_SERVED_BY", "perhaps", &["--expose-served-by"]),
        ("CHAINRING_HEARTBEAT_INTERVAL_MS", "0", &["--heartbeat-interval-ms", "millisecond"]),
        ("HEARTBEAT_INTERVAL_MS", "0", &["--heartbeat-interval-ms", "millisecond"]),
        ("CHAINRING_REQUEST_DEADLINE_MS", "2500", &["--request-deadline-ms", "too short"]),
        ("CHAINRING_API_TOKENS_FILE", &nowhere, &["--tokens-file", &nowhere]),
        ("TLS_CA", &nowhere, &["--tls-ca", "dials nobody"]),
    ] {
        let (status, said) = gateway(&place, &[(variable, value)]).ended().await;
        assert!(!status.success(), "{variable}={value}");
        let last = said.lines().next_back().filter(|line| line.starts_with("error: "));
        let last = last.unwrap_or_else(|| panic!("the last line is no error:\n{said}"));
        for words in words.iter().chain(&[variable]) {
            assert!(last.contains(words), "{words:?} is not in: {last}");
        }
    }
    let mut node = place.node();
    node.env("CHAINRING_DB_ADVERTISE", "0.0.0.0:4000");
    let (status, said) = Process::spawn("db-0", node).ended().await;
    assert!(!status.success());
    assert!(said.contains("the variable CHAINRING_DB_ADVERTISE: "), "{said}");

    let mut node = Command::new(binary("db_process"));
    node.args(["--node-id", "db-0", "--data", &nowhere]).env("CHAINRING_SECRET", "short");
    let (status, said) = Process::spawn("db-0", node).ended().await;
    assert!(!status.success() && said.contains("the variable CHAINRING_SECRET"), "{said}");

    // A flag takes precedence over its variable.
    let mut command = place.gateway();
    command.args(["--rest-port", "3011"]).env("CHAINRING_REST_PORT", OF_A_SERVICE);
    let gateway = Process::spawn("gateway", command);
    gateway.says(":3011 socket=").await;
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn switches_take_the_words_that_people_use() {
    let place = Workplace::new();
    for (value, words) in [("1", "takes certificates"), ("true", "takes certificates")] {
        let (status, said) = gateway(&place, &[("CHAINRING_TLS_MUTUAL", value)]).ended().await;
        assert!(!status.success() && said.contains(words), "{said}");
    }
    for value in ["0", "false", "no"] {
        let gateway = gateway(&place, &[("CHAINRING_TLS_MUTUAL", value)]);
        gateway.says("listening").await;
        gateway.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_help_names_every_variable_by_its_new_name_whatever_is_set() {
    let mut known = BTreeSet::new();
    for (program, arguments) in [
        ("gateway", &["--help"][..]),
        ("db_process", &["--help"]),
        ("chainring", &["dev", "--help"]),
        ("chainring", &["status", "--help"]),
        ("chainring", &["watch", "--help"]),
    ] {
        let mut command = Command::new(binary(program));
        command.args(arguments).env_clear().stdin(Stdio::null());
        command.env("REST_PORT", "3012").env("CHAINRING_SOCKET_PORT", OF_A_SERVICE);
        let output = command.output().await.expect("it starts");
        assert!(output.status.success(), "{program}");
        let help = String::from_utf8(output.stdout).expect("text");
        let names = help.split("[env: ").skip(1).filter_map(|rest| rest.split(['=', ']']).next());
        let names = names.map(str::to_owned).collect::<Vec<_>>();
        assert!(!names.is_empty() && !help.contains("3012"), "{help}");
        for name in names {
            assert!(name.starts_with("CHAINRING_"), "{name}");
            known.insert(name);
        }
    }
    for former in FORMER_NAMES {
        assert!(known.contains(&format!("CHAINRING_{former}")), "{former} is the name of nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_of_operators_warns_of_a_former_name_that_it_ignores() {
    let mut command = Command::new(binary("chainring"));
    command.args(["dev", "--nodes", "1"]).env("REST_PORT", OF_A_SERVICE);
    let (status, said) = Process::spawn("dev", command).ended().await;
    assert!(!status.success());
    assert!(said.starts_with("warning: the variable REST_PORT is ignored"), "{said}");
    // A command without this flag does not read the variable.
    let mut command = Command::new(binary("chainring"));
    command.args(["token", "--role", "read"]).env("REST_PORT", OF_A_SERVICE);
    let (status, said) = Process::spawn("token", command).ended().await;
    assert!(status.success() && !said.contains("REST_PORT"), "{said}");
}
