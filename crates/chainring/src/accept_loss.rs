//! `chainring accept-loss`: an operator goes on without updates that are lost.

use std::process::ExitCode;

use anyhow::{Context, bail};
use protocol::id::NodeId;
use serde_json::{Value, json};

use crate::status::TIMEOUT;

/// Arguments of `chainring accept-loss`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The partition, by its number: `chainring status` says which are lost
    #[arg(long, value_name = "NUMBER")]
    partition: u16,

    /// The node whose copy the partition goes on with
    #[arg(long, value_name = "NODE")]
    from: NodeId,

    /// Where the gateway serves REST
    #[arg(
        long,
        value_name = "URL",
        env = "CHAINRING_URL",
        default_value = "http://127.0.0.1:3001"
    )]
    url: String,
}

/// Tells the gateway; whatever it says against it is the error.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { partition, from, url } = args;
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let address = format!("{}/api/cluster/accept-loss", url.trim_end_matches('/'));
    let body = json!({ "partition": partition, "from": from });
    let response = client.post(&address).json(&body).send().await;
    let response =
        response.with_context(|| format!("no gateway answers at {url}: is it running? (--url)"))?;
    let status = response.status();
    if !status.is_success() {
        let problem: Value = response.json().await.unwrap_or_default();
        bail!("{}", problem["detail"].as_str().unwrap_or(status.as_str()));
    }
    println!("P{partition} goes on with the copy on {from}; `chainring status` shows how");
    Ok(ExitCode::SUCCESS)
}
