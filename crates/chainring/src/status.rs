//! `chainring status`: the gateway's status of its cluster.

mod table;

use std::process::ExitCode;

use anyhow::Context;
use api::ClusterStatus;

use crate::out;
use crate::rest::Rest;

pub(crate) use table::table;

/// Arguments of `chainring status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The gateway.
    #[command(flatten)]
    rest: Rest,

    /// Print the gateway's JSON unchanged
    #[arg(long)]
    json: bool,
}

/// Asks the gateway and prints the answer. The exit code is 0 if the cluster is healthy.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (status, text) = fetch(&args.rest).await?;
    out::print(if args.json { text } else { table(&status) })?;
    Ok(if status.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The gateway's status, and its JSON.
pub(crate) async fn fetch(rest: &Rest) -> anyhow::Result<(ClusterStatus, String)> {
    let text = rest.client()?.cluster_json().await.map_err(|error| rest.explain(error))?;
    let status = serde_json::from_str(&text).with_context(|| {
        format!("what answers at {} is not a gateway of this release", rest.url)
    })?;
    Ok((status, text))
}
