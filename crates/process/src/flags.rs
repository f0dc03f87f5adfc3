//! Flags, and the environment variables for them.
//!
//! Each flag has a variable with the prefix `CHAINRING_`. Earlier releases had variables without
//! the prefix. Such a former variable still counts if the new one is not set, but only with a
//! valid value for the flag: Kubernetes sets `REST_PORT=tcp://10.96.0.5:3001` for a service
//! named `rest`, and that value is not for us.
//!
//! | variable | with a valid value | with an invalid value |
//! |---|---|---|
//! | the new one | counts | is an error; the error names the variable and the flag |
//! | the former one | counts if the new one is not set | is ignored, with a warning |
//!
//! A flag on the command line has priority over both.

use std::env;
use std::ffi::OsString;

use anyhow::anyhow;
use clap::error::ErrorKind;
use clap::{Arg, Command, Error, Parser};
use tracing::warn;

/// The prefix of every variable.
const PREFIX: &str = "CHAINRING_";

/// The beginnings of the values set by container runtimes for a service, in a variable ending in
/// `_PORT`.
const OF_SERVICES: [&str; 2] = ["tcp://", "udp://"];

/// The variables of a gateway and a db_process from the time before the prefix.
pub const FORMER_NAMES: &[&str] = &[
    "API_TOKENS_FILE",
    "BLOCK_CACHE_MIB",
    "BODY_BYTES_MAX",
    "CONNECTIONS_MAX",
    "CONNECTIONS_OF_ADDRESS_MAX",
    "CONNECT_DEADLINE_MS",
    "DATA_DIR",
    "DB_ADVERTISE",
    "DB_INSTANCE_ID",
    "DB_LISTEN",
    "EXPOSE_SERVED_BY",
    "GATEWAY_THREADS",
    "GRACE_MS",
    "HEAD_BYTES_MAX",
    "HEARTBEAT_INTERVAL_MS",
    "HEARTBEAT_TIMEOUT_MS",
    "IN_FLIGHT_MAX",
    "LISTEN_ADDRESS",
    "LOG_ENTRIES_KEPT",
    "LOG_FORMAT",
    "LOG_MIB_KEPT",
    "OBSERVER_PACKETS_MAX",
    "QUEUE_BYTES_MAX",
    "READS_OF_NODE_MAX",
    "RECEIVE_DEADLINE_MS",
    "RECORD_CACHE_MIB",
    "REQUEST_DEADLINE_MS",
    "REST_PORT",
    "RING_NODES",
    "SCRUB_PAUSE_MS",
    "SOCKET_PORT",
    "SOCKET_SERVER_URL",
    "STATE_DIR",
    "TLS_CA",
    "TLS_CERT",
    "TLS_KEY",
    "TLS_MUTUAL",
    "UPDATES_OF_NODE_MAX",
    "WRITE_BUFFERS_MIB",
    "WRITE_DEADLINE_MS",
];

/// The flags set by variables, and the ignored variables.
#[derive(Debug, Default)]
pub struct Origins {
    set: Vec<Origin>,
    ignored: Vec<String>,
}

#[derive(Debug)]
struct Origin {
    flag: String,
    variable: String,
    value: String,
}

/// The arguments of this process, from its command line and its environment. `former` lists the
/// variables without the prefix that count too; `version` is the answer to `--version`.
///
/// Ends the process if the user asks for `--help` or `--version`, and if the arguments are invalid.
pub fn parse<A: Parser>(former: &'static [&'static str], version: &'static str) -> (A, Origins) {
    let given = env::args_os().collect::<Vec<_>>();
    let mut reading = Reading { given: &given, former, origins: Origins::default(), bad: None };
    match reading.parse::<A>(version) {
        Ok(args) => (args, reading.origins),
        Err(error) => end(&error),
    }
}

/// Prints clap's message and ends the process. An invalid value is reported in one line, as
/// every other error is.
fn end(error: &Error) -> ! {
    if matches!(error.kind(), ErrorKind::ValueValidation | ErrorKind::InvalidValue) {
        crate::log::last_words(&format_args!("error: {}", reason(error)));
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// The reason why a value is invalid, without the usage.
fn reason(error: &Error) -> String {
    let text = error.to_string();
    let paragraph = text.split("\n\n").next().unwrap_or_default();
    let lines = paragraph.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    lines.trim_start_matches("error: ").to_owned()
}

struct Reading<'a> {
    given: &'a [OsString],
    former: &'static [&'static str],
    origins: Origins,
    /// The error about the first variable with an invalid value.
    bad: Option<String>,
}

impl Reading<'_> {
    fn parse<A: Parser>(&mut self, version: &'static str) -> Result<A, Error> {
        // A request for help is always answered, whatever the environment holds, and with the
        // new names.
        if let Err(error) = A::command().version(version).try_get_matches_from(self.given)
            && !error.use_stderr()
        {
            return Err(error);
        }
        let mut command = self.resolve(A::command().version(version));
        if let Some(bad) = self.bad.take() {
            return Err(command.error(ErrorKind::ValueValidation, bad));
        }
        let matches = command.try_get_matches_from(self.given)?;
        A::from_arg_matches(&matches)
    }

    /// The command, with the variables that count.
    fn resolve(&mut self, command: Command) -> Command {
        let chosen = self.given.get(1);
        command.mut_args(|arg| self.resolve_argument(arg)).mut_subcommands(|subcommand| {
            let is_chosen = chosen.is_some_and(|name| name == subcommand.get_name());
            if is_chosen { self.resolve(subcommand) } else { subcommand }
        })
    }

    fn resolve_argument(&mut self, arg: Arg) -> Arg {
        let (Some(flag), Some(variable)) = (arg.get_long(), arg.get_env()) else { return arg };
        let (flag, variable) = (format!("--{flag}"), variable.display().to_string());
        if self.is_given(&flag) {
            return arg;
        }
        if let Some(value) = env::var_os(&variable) {
            match check(&arg) {
                Ok(()) => self.origins.add(flag, variable, value),
                Err(error) => {
                    let bad = format!("the variable {variable}: {}", reason(&error));
                    self.bad.get_or_insert(bad + advice(&value));
                }
            }
            return arg;
        }
        let Some(former) = self.former_of(&variable) else { return arg };
        let Some(value) = env::var_os(former).filter(|value| !value.is_empty()) else { return arg };
        let with_former = arg.clone().env(former);
        match check(&with_former) {
            Ok(()) => {
                self.origins.add(flag, former.to_owned(), value);
                with_former
            }
            Err(error) => {
                let reason = reason(&error);
                self.origins.ignored.push(format!(
                    "the variable {former} is ignored, as it is no value of {flag} ({reason}); {variable} sets that flag"
                ));
                arg
            }
        }
    }

    fn is_given(&self, flag: &str) -> bool {
        self.given.iter().any(|given| {
            let given = given.to_string_lossy();
            given.split('=').next() == Some(flag)
        })
    }

    fn former_of(&self, variable: &str) -> Option<&'static str> {
        let bare = variable.strip_prefix(PREFIX)?;
        self.former.iter().find(|former| **former == bare).copied()
    }
}

/// Checks that the value of a flag's variable is valid for the flag.
fn check(arg: &Arg) -> Result<(), Error> {
    use clap::builder::Resettable;
    let alone = arg.clone().required(false).requires(Resettable::Reset);
    Command::new("check").arg(alone).try_get_matches_from(["check"]).map(drop)
}

/// The advice for a value set by a container runtime for a service.
fn advice(value: &OsString) -> &'static str {
    let value = value.to_string_lossy();
    if OF_SERVICES.iter().any(|scheme| value.starts_with(scheme)) {
        "; Kubernetes sets such a variable for a service of that name: rename the service, or set enableServiceLinks: false"
    } else {
        ""
    }
}

impl Origins {
    fn add(&mut self, flag: String, variable: String, value: OsString) {
        self.set.push(Origin { flag, variable, value: value.to_string_lossy().into_owned() });
    }

    /// Warns of ignored variables in the log.
    pub fn warn(&self) {
        for ignored in &self.ignored {
            warn!("{ignored}");
        }
    }

    /// The messages about ignored variables, for a caller without a log.
    pub fn ignored(&self) -> &[String] {
        &self.ignored
    }

    /// Adds to an error the variables behind the flags and values named in it.
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("{error:#}");
        self.explain_by(error, self.set.iter().filter(|origin| origin.is_named_in(&text)))
    }

    /// The same for arguments that do not fit together. If the error names no flag or value,
    /// this adds every variable.
    pub fn explain_arguments(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("{error:#}");
        if self.set.iter().any(|origin| origin.is_named_in(&text)) {
            self.explain(error)
        } else {
            self.explain_by(error, self.set.iter())
        }
    }

    fn explain_by<'a>(
        &self,
        error: anyhow::Error,
        origins: impl Iterator<Item = &'a Origin>,
    ) -> anyhow::Error {
        let variables =
            origins.map(|Origin { flag, variable, .. }| format!("{flag} by {variable}"));
        let variables = variables.collect::<Vec<_>>().join(", ");
        if variables.is_empty() {
            error
        } else {
            anyhow!("{error:#} (set by variables: {variables})")
        }
    }
}

impl Origin {
    /// The shortest value searched for in an error's text, in bytes. A shorter one could be
    /// there by chance.
    const VALUE_LENGTH_MIN: usize = 5;

    fn is_named_in(&self, text: &str) -> bool {
        let names_flag = text.match_indices(&self.flag).any(|(at, flag)| {
            let next = text[at + flag.len()..].chars().next();
            !next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '-')
        });
        names_flag || self.value.len() >= Self::VALUE_LENGTH_MIN && text.contains(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origins(set: &[(&str, &str, &str)]) -> Origins {
        let mut origins = Origins::default();
        for (flag, variable, value) in set {
            origins.add((*flag).to_owned(), (*variable).to_owned(), value.into());
        }
        origins
    }

    #[test]
    fn an_error_names_the_variables_behind_what_it_names() {
        let origins = origins(&[
            ("--listen", "CHAINRING_DB_LISTEN", "10.0.0.1:1"),
            ("--data", "DATA_DIR", "/var/data"),
            ("--grace-ms", "GRACE_MS", "7"),
        ]);
        let explain = |text: &str| origins.explain(anyhow!("{text}")).to_string();
        let explained = explain("the directory /var/data is full, 7 times");
        assert!(explained.ends_with("(set by variables: --data by DATA_DIR)"), "{explained}");
        let explained = explain("choose another --listen");
        assert!(explained.ends_with("--listen by CHAINRING_DB_LISTEN)"), "{explained}");
        assert_eq!(explain("choose another --listen-address"), "choose another --listen-address");
        let explained = origins.explain_arguments(anyhow!("no sense")).to_string();
        assert!(explained.contains("GRACE_MS") && explained.contains("DATA_DIR"), "{explained}");
    }

    #[test]
    fn former_names_are_in_order_and_have_no_prefix() {
        assert!(FORMER_NAMES.is_sorted());
        assert!(FORMER_NAMES.iter().all(|name| !name.starts_with(PREFIX)));
    }
}
