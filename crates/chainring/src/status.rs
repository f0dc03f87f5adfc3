//! `chainring status`: what the gateway knows of its cluster.

mod table;

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use ring::gateway::ClusterStatus;

pub(crate) use table::print;

/// How long the gateway may take to answer.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// Arguments of `chainring status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Where the gateway serves REST
    #[arg(
        long,
        value_name = "URL",
        env = "CHAINRING_URL",
        default_value = "http://127.0.0.1:3001"
    )]
    url: String,

    /// Print the gateway's JSON as it is
    #[arg(long)]
    json: bool,
}

/// Asks the gateway and shows the answer; the exit code says whether the cluster is healthy.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = fetch(&args.url).await?;
    let status: ClusterStatus = serde_json::from_str(&text).with_context(|| {
        format!("what answers at {} is not a gateway of this release", args.url)
    })?;
    if args.json {
        println!("{text}");
    } else {
        print(&status);
    }
    Ok(if status.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The gateway's JSON.
pub(crate) async fn fetch(url: &str) -> anyhow::Result<String> {
    let client = reqwest::Client::builder().timeout(TIMEOUT).build()?;
    let address = format!("{}/api/cluster", url.trim_end_matches('/'));
    let response = client.get(&address).send().await;
    let response =
        response.with_context(|| format!("no gateway answers at {url}: is it running? (--url)"))?;
    Ok(response.error_for_status()?.text().await?)
}
