//! The command that users type.
//!
//! | module | command |
//! |---|---|
//! | [`dev`] | `chainring dev`: a whole cluster on this machine |
//! | [`status`] | `chainring status`: what the gateway knows of its cluster |
//! | [`watch`] | `chainring watch`: the same, whenever it changes |
//! | [`token`] | `chainring token`: an API token for a REST client |
//! | [`accept_loss`] | `chainring accept-loss`: goes on without updates that are lost |

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "talking to people is what this is for"
)]

mod accept_loss;
mod dev;
mod rest;
mod status;
mod token;
mod trust;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A replicated store of user records that keeps serving when a machine dies.
#[derive(Debug, Parser)]
#[command(name = "chainring", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a gateway and its nodes on this machine, and keep them running until Ctrl-C
    Dev(dev::Args),
    /// Show the ring: nodes, views, positions, lag; exits with 1 if something is wrong with it
    Status(status::Args),
    /// Show the ring whenever a view or a link has changed (needs the secret)
    Watch(watch::Args),
    /// Go on without updates that are lost for good: a partition is served from the copy on one node, whatever the other had
    AcceptLoss(accept_loss::Args),
    /// Make an API token for a REST client, and its line in the gateway's file of tokens
    Token(token::Args),
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Args::parse().command {
        Command::Dev(args) => dev::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::AcceptLoss(args) => accept_loss::run(args).await,
        Command::Token(args) => token::run(&args),
    };
    match done {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
