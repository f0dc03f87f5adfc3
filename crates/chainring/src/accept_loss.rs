//! `chainring accept-loss`: an operator accepts a loss, and the partition goes on.

use std::process::ExitCode;

use api::AcceptLoss;
use protocol::id::{NodeId, PartitionId};
use protocol::salvage::Salvage;

use crate::out;
use crate::rest::Rest;

/// Arguments of `chainring accept-loss`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The number of the partition: `chainring status` names the lost partitions
    #[arg(long, value_name = "NUMBER")]
    partition: u16,

    /// The node whose copy serves the partition from now on
    #[arg(long, value_name = "NODE")]
    from: NodeId,

    /// The gateway.
    #[command(flatten)]
    rest: Rest,
}

/// Sends the request to the gateway. A refusal of the gateway is the error.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let Args { partition, from, rest } = args;
    let body = AcceptLoss { partition: PartitionId(partition), from: from.clone() };
    rest.client()?.accept_loss(&body).await.map_err(|error| rest.explain(error))?;
    out::print(format_args!(
        "P{partition} goes on with the copy on {from}; `chainring status` shows how. Users whose records cannot be read there \
         are dropped: it names the first {}, and the log of {from} does too",
        Salvage::IDS_MAX,
    ))?;
    Ok(ExitCode::SUCCESS)
}
