//! The interface between `sim` and `sim-seed`, the process that runs one seed.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::checks::Checks;
use crate::plan::habit::Habit;
use crate::plan::kind::FaultKind;
use crate::plan::{Options, StorageKind};

/// The prefix of the report, in the last line of standard output.
pub const REPORT: &str = "REPORT ";

/// The arguments of the process that runs one seed.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "sim-seed", about = "Runs one seed of the simulation")]
pub struct SeedArgs {
    /// The seed
    #[arg(long, default_value_t = 0)]
    pub seed: u64,

    /// The options of the plan.
    #[command(flatten)]
    pub plan: PlanArgs,

    /// A schedule to run instead of the seed's
    #[arg(long, value_name = "FILE")]
    pub schedule: Option<PathBuf>,

    /// How much to show while it runs
    #[arg(long, default_value = "nothing")]
    pub show: ShowKind,
}

/// The options of a plan, besides its seed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct PlanArgs {
    /// Where nodes keep their data
    #[arg(long, default_value = "memory")]
    pub storage: StorageKind,

    /// The kinds of fault to draw from, separated by commas; all kinds by default
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub faults: Option<Vec<FaultKind>>,

    /// Kinds of fault, checks and habits of seeds to leave out, separated by commas
    #[arg(long, value_name = "NAMES", value_delimiter = ',', value_parser = Part::parse)]
    pub without: Vec<Part>,
}

/// A part of the judge that can be left out, to see what is caught only because of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A kind of fault.
    Fault(FaultKind),
    /// A habit of seeds.
    Habit(Habit),
    /// A check, by its name.
    Check(String),
}

impl Part {
    /// Finds a part by its name.
    ///
    /// # Errors
    ///
    /// Nothing has this name.
    pub fn parse(name: &str) -> Result<Self, String> {
        if let Ok(kind) = FaultKind::from_str(name, false) {
            return Ok(Self::Fault(kind));
        }
        if let Ok(habit) = name.parse() {
            return Ok(Self::Habit(habit));
        }
        let checks = Checks::names();
        if checks.contains(&name) {
            return Ok(Self::Check(name.to_owned()));
        }
        let habits = Habit::ALL.iter().map(|habit| habit.name()).collect::<Vec<_>>();
        Err(format!(
            "it is no kind of fault, no check ({}) and no habit ({})",
            checks.join(", "),
            habits.join(", ")
        ))
    }

    fn name(&self) -> String {
        match self {
            Self::Fault(kind) => kind.name(),
            Self::Habit(habit) => habit.name().to_owned(),
            Self::Check(name) => name.clone(),
        }
    }
}

/// How much a run shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ShowKind {
    /// The report alone.
    Nothing,
    /// The events, line by line.
    Timeline,
    /// The events, with every step of each copy and each storage.
    Everything,
    /// All of this, and every trace line of any code.
    Trace,
}

impl SeedArgs {
    /// The options to draw a plan by.
    pub fn options(&self) -> Options {
        self.plan.options()
    }
}

impl PlanArgs {
    /// The options to draw a plan by.
    pub fn options(&self) -> Options {
        let mut kinds = self.faults.clone().unwrap_or_else(|| FaultKind::ALL.to_vec());
        kinds.retain(|kind| !self.without.contains(&Part::Fault(*kind)));
        let left_out = self.without.iter().filter_map(|part| match part {
            Part::Habit(habit) => Some(*habit),
            _ => None,
        });
        Options { storage: self.storage, kinds, left_out: left_out.collect() }
    }

    /// The names of the checks to leave out.
    pub fn checks_left_out(&self) -> Vec<String> {
        let checks = self.without.iter().filter_map(|part| match part {
            Part::Check(name) => Some(name.clone()),
            _ => None,
        });
        checks.collect()
    }

    /// The command-line arguments for these options.
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
        if !self.without.is_empty() {
            let names = self.without.iter().map(Part::name).collect::<Vec<_>>();
            args.extend(["--without".to_owned(), names.join(",")]);
        }
        args
    }
}
