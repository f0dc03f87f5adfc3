//! What `sim` and the process that runs one seed have agreed on.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::plan::kind::FaultKind;
use crate::plan::{Options, StorageKind};

/// What stands before the report, in the last line of standard output.
pub const REPORT: &str = "REPORT ";

/// The arguments of the process that runs one seed.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "sim-seed", about = "Runs one seed of the simulation")]
pub struct SeedArgs {
    /// The seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// What to draw from.
    #[command(flatten)]
    pub plan: PlanArgs,

    /// A schedule to run instead of the seed's
    #[arg(long, value_name = "FILE")]
    pub schedule: Option<PathBuf>,

    /// What to show while it runs
    #[arg(long, default_value = "nothing")]
    pub show: ShowKind,
}

/// What a plan is drawn from, besides its seed.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanArgs {
    /// Where nodes keep their data
    #[arg(long, default_value = "memory")]
    pub storage: StorageKind,

    /// The kinds of fault to draw from, with commas between them; by default all
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub faults: Option<Vec<FaultKind>>,
}

/// What a run shows of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowKind {
    /// Its report alone.
    Nothing,
    /// What happened, line by line.
    Timeline,
    /// What happened, with every step of each copy and each storage.
    Everything,
    /// All that, and everything that any code traces.
    Trace,
}

impl SeedArgs {
    /// What to draw from.
    pub fn options(&self) -> Options {
        self.plan.options()
    }
}

impl PlanArgs {
    /// What to draw from.
    pub fn options(&self) -> Options {
        let kinds = self.faults.clone().unwrap_or_else(|| FaultKind::ALL.to_vec());
        Options { storage: self.storage, kinds }
    }

    /// As arguments again.
    pub fn to_args(&self) -> Vec<String> {
        let name = |value: &StorageKind| {
            value.to_possible_value().map(|value| value.get_name().to_owned())
        };
        let mut args = Vec::new();
        if self.storage != StorageKind::Memory {
            args.extend(["--storage".to_owned(), name(&self.storage).unwrap_or_default()]);
        }
        if let Some(kinds) = &self.faults {
            let names = kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>();
            args.extend(["--faults".to_owned(), names.join(",")]);
        }
        args
    }
}
