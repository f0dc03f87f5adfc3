//! `chainring accept-loss`: an operator goes on without what is lost.

use std::process::ExitCode;

use api::AcceptLoss;
use protocol::id::{NodeId, PartitionId};
use protocol::salvage::Salvage;

use crate::out;
use crate::rest::Rest;

/// Arguments of `chainring accept-loss`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The partition, by its number: `chainring status` says which are lost
    #[arg(long, value_name = "NUMBER")]
    partition: u16,

    /// The node whose copy the partition goes on with
    #[arg(long, value_name = "NODE")]
    from: NodeId,

    /// The gateway.
    #[command(flatten)]
    rest: Rest,
}

/// Tells the gateway; whatever it says against it is the error.
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
