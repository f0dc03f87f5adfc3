//! `chainring token`: an API token for a REST client.

use std::process::ExitCode;

use anyhow::Context;
use process::tokens::{self, Role};

use crate::out;

/// The purpose of the token.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The role of the token's holder: each role has the rights of the roles before it
    #[arg(long, value_enum)]
    role: Role,
}

/// Makes a token, and prints it with instructions.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut random = [0; 32];
    getrandom::fill(&mut random).context("the operating system gives no random bytes")?;
    let token = tokens::from_random(&random);
    out::remark("For the client, which sends it in the header Authorization: Bearer TOKEN:");
    out::print(&token)?;
    out::remark("For the gateway, a line in the file of --tokens-file:");
    out::remark(tokens::line(args.role, &token));
    Ok(ExitCode::SUCCESS)
}
