//! The command for the simulation: runs seeds, each in a process of its own, and reports.

mod commands;

use std::process::ExitCode;

use clap::Parser;

use self::commands::{Command, output};

/// Chainring in a simulated network, by seed
#[derive(Debug, Parser)]
#[command(name = "sim", version, after_help = EXIT_STATUS)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

const EXIT_STATUS: &str = "\
Exit status: 0 all is well; 10 a safety violation; 11 a liveness violation; 12 the harness failed; \
13 too little happened for the sweep to prove anything; 14 two runs of a seed differ";

#[tokio::main]
async fn main() -> ExitCode {
    let Args { command } = Args::parse();
    match command.execute().await {
        Ok(code) => code,
        Err(error) => {
            output::say(&format!("error: {error:#}"));
            ExitCode::from(output::HARNESS_FAILED)
        }
    }
}
