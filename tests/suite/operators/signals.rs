//! Signals that end a process, and those that do not.

use nix::sys::signal::Signal;
use tokio::process::Command;

use super::Workplace;
use crate::harness::process::{Process, heeding_signals};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_ends_in_order_on_every_signal_that_asks_it_to() {
    let place = Workplace::new();
    for signal in [Signal::SIGHUP, Signal::SIGQUIT, Signal::SIGINT, Signal::SIGTERM] {
        let commands = [("gateway", place.gateway()), ("db-0", place.node())];
        let [gateway, node] = commands.map(|(name, command)| {
            let command = command.into_std();
            let mut heeding = heeding_signals(command.get_program());
            heeding.args(command.get_args());
            Process::spawn(name, heeding)
        });
        gateway.says("listening").await;
        node.says("no link to the gateway").await;
        for process in [gateway, node] {
            process.signal(signal);
            let (status, said) = process.ended().await;
            assert!(status.success(), "{signal}: {status}\n{said}");
            assert!(said.contains(&format!("{signal}: shutting down")), "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_was_started_to_ignore_the_end_of_its_terminal_does_so() {
    let place = Workplace::new();
    for command in [place.gateway(), place.node()] {
        // As `nohup` does.
        let mut ignoring = Command::new("sh");
        ignoring.args(["-c", r#"trap "" HUP; exec "$0" "$@""#]);
        let command = command.into_std();
        ignoring.arg(command.get_program()).args(command.get_args());
        let process = Process::spawn("ignoring", ignoring);
        process.says("starts").await;
        process.signal(Signal::SIGHUP);
        process.signal(Signal::SIGTERM);
        let (status, said) = process.ended().await;
        assert!(status.success() && said.contains("SIGTERM: shutting down"), "{status}\n{said}");
        assert!(!said.contains("SIGHUP"), "{said}");
    }
}
