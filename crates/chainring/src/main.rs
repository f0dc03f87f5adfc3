//! The command line for users.
//!
//! | module | command |
//! |---|---|
//! | [`dev`] | `chainring dev`: a whole cluster on this machine |
//! | [`status`] | `chainring status`: the gateway's status of its cluster |
//! | [`watch`] | `chainring watch`: the same, after each change |
//! | [`token`] | `chainring token`: an API token for a REST client |
//! | [`accept_loss`] | `chainring accept-loss`: goes on without lost updates |
//!
//! [`out`] prints the output of all of them.

mod accept_loss;
mod dev;
mod out;
mod rest;
mod status;
mod token;
mod trust;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use process::{files, flags};

/// The variables of these commands before they had the prefix `CHAINRING_`.
const FORMER_NAMES: &[&str] = &["REST_PORT", "SOCKET_PORT", "SOCKET_SERVER_URL"];

/// A replicated store of user records that keeps serving when a machine dies.
#[derive(Debug, Parser)]
#[command(name = "chainring")]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a gateway and its nodes on this machine, and keep them running until Ctrl-C
    ///
    /// REST asks for no tokens, and answers requests to localhost, to addresses and to the
    /// names in CHAINRING_HOSTS
    Dev(dev::Args),
    /// Show the ring: nodes, views, positions, lag; exits with 1 if there is a problem
    Status(status::Args),
    /// Show the ring after each change of a view or a link
    ///
    /// Shows the gateway an API token of the role read, or the cluster's secret. Needs neither
    /// if REST asks for no token
    Watch(watch::Args),
    /// Give up lost data for good: serve a partition from the copy on one node, whatever the
    /// other copy had
    ///
    /// Users whose records that node cannot read are dropped. `chainring status` and the node's
    /// log then name them
    AcceptLoss(accept_loss::Args),
    /// Make an API token for a REST client, and its line for the gateway's file of tokens
    Token(token::Args),
}

fn main() -> ExitCode {
    files::keep_private();
    let (args, origins) = flags::parse::<Args>(FORMER_NAMES, version::VERSION);
    for ignored in origins.ignored() {
        out::remark(format_args!("warning: {ignored}"));
    }
    match run(args).map_err(|error| origins.explain(error)) {
        Ok(code) => code,
        Err(error) => {
            out::remark(format_args!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.command {
        Command::Dev(args) => dev::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::AcceptLoss(args) => accept_loss::run(args).await,
        Command::Token(args) => token::run(&args),
    }
}
