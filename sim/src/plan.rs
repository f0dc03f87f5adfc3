//! A plan: everything random about a run, drawn before it begins.
//!
//! ```text
//!   seed, options --- draw ---> Plan ----------> run ----------> verdict
//!                                |  ^
//!                                v  |
//!                            schedule.json (print, save, edit, load)
//! ```
//!
//! | module | owns |
//! |---|---|
//! | [`swarm`] | which sizes, times and kinds of fault a seed has |
//! | [`fault`], [`kind`] | the faults |
//! | [`step`] | what faults are made of |
//! | [`schedule`] | when which fault begins and ends |
//! | [`workload`] | what clients ask for, and when |
//!
//! The one thing that is drawn later is the latency of each message, by turmoil, from a seed in the plan.

pub mod fault;
pub mod host;
pub mod kind;
pub mod schedule;
pub mod step;
pub mod swarm;
pub mod workload;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use self::fault::PlannedFault;
use self::kind::FaultKind;
use self::swarm::{Pace, Swarm};
use self::workload::PlannedOperation;

/// The version of what is saved.
pub const FORMAT: u32 = 1;

/// Everything random about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// What it was drawn from.
    pub seed: u64,
    /// Where nodes keep their data.
    pub storage: StorageKind,
    /// Sizes and times.
    pub swarm: Swarm,
    /// The faults, in the order in which they begin.
    pub faults: Vec<PlannedFault>,
    /// What clients ask for, in the order in which they are to begin.
    pub operations: Vec<PlannedOperation>,
}

/// Where nodes keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// The model in memory.
    Memory,
    /// RocksDB, in a directory that is lost with the run.
    Rocksdb,
}

/// What can be asked of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where nodes keep their data.
    pub storage: StorageKind,
    /// The kinds of fault to draw from.
    pub kinds: Vec<FaultKind>,
}

impl Default for Options {
    fn default() -> Self {
        Self { storage: StorageKind::Memory, kinds: FaultKind::ALL.to_vec() }
    }
}

impl Plan {
    /// The plan of a seed.
    pub fn draw(seed: u64, options: &Options) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let mut swarm = Swarm::draw(random);
        if !options.kinds.iter().any(|kind| kind.spares_reads()) {
            // One at a time is for kinds that no read fails by.
            swarm.pace = Pace::Free;
        }
        let faults = schedule::draw(random, &swarm, &options.kinds);
        let operations = workload::draw(random, &swarm);
        Self { format: FORMAT, seed, storage: options.storage, swarm, faults, operations }
    }

    /// Loads a plan that was saved.
    ///
    /// # Errors
    ///
    /// When it is no plan, or one of another format.
    pub fn from_json(json: &str) -> Result<Self, PlanError> {
        let plan: Self = serde_json::from_str(json)?;
        if plan.format != FORMAT {
            return Err(PlanError::Format(plan.format));
        }
        plan.check()?;
        Ok(plan)
    }

    /// The plan as text, to save, edit and load again.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self)
            .unwrap_or_else(|error| unreachable!("a plan always serialises: {error}"))
    }

    /// Someone may have edited it: what it names must be there.
    fn check(&self) -> Result<(), PlanError> {
        let invalid = |what: String| Err(PlanError::Invalid(what));
        if !(2..=16).contains(&self.swarm.nodes) {
            return invalid(format!("a ring has 2 to 16 nodes, not {}", self.swarm.nodes));
        }
        if self.swarm.slow_disk.is_some_and(|place| place >= self.swarm.nodes) {
            return invalid("the slow disk is of a node that is not there".to_owned());
        }
        for planned in &self.faults {
            if let Some(host) =
                planned.fault.hosts().into_iter().find(|host| !host.is_in(&self.swarm))
            {
                return invalid(format!("{planned:?}: there is no {host}"));
            }
        }
        let stranger = |operation: &&PlannedOperation| operation.client >= self.swarm.clients;
        match self.operations.iter().find(stranger) {
            Some(operation) => invalid(format!("there is no client {}", operation.client)),
            None => Ok(()),
        }
    }

    /// Whether clients may be told what is not so, because the plan is beyond what the design promises.
    pub fn is_beyond_promises(&self) -> bool {
        self.faults.iter().any(|planned| planned.fault.kind().is_beyond_promises())
    }
}

/// Why something is no plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It is not of the form of one.
    #[error("not a schedule: {0}")]
    Json(#[from] serde_json::Error),
    /// Another release made it.
    #[error(
        "a schedule of format {0}, and this program knows {FORMAT}: save it again from its seed"
    )]
    Format(u32),
    /// It cannot be run.
    #[error("the schedule cannot be run: {0}")]
    Invalid(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_one_plan_and_it_survives_being_saved() {
        for seed in 0..50 {
            let plan = Plan::draw(seed, &Options::default());
            assert_eq!(plan, Plan::draw(seed, &Options::default()));
            assert_eq!(plan, Plan::from_json(&plan.to_json()).unwrap());
            assert!(plan.operations.len() >= 200, "seed {seed}: {}", plan.operations.len());
        }
        let other = Plan::draw(1, &Options::default());
        assert_ne!(other.operations, Plan::draw(0, &Options::default()).operations);
    }

    #[test]
    fn kinds_that_reads_fail_by_are_not_played_one_at_a_time() {
        let pace = |kinds: &[FaultKind]| {
            let options = Options { kinds: kinds.to_vec(), ..Options::default() };
            (0..50)
                .filter(|seed| Plan::draw(*seed, &options).swarm.pace == Pace::OneAtATime)
                .count()
        };
        assert_eq!(pace(&[FaultKind::Blackout]), 0);
        assert!(pace(&[FaultKind::Blackout, FaultKind::Kill]) > 0);
    }

    #[test]
    fn a_schedule_that_cannot_be_run_says_why() {
        let plan = Plan::draw(1, &Options::default());
        let edited = plan.to_json().replacen("\"format\": 1", "\"format\": 9", 1);
        assert!(matches!(Plan::from_json(&edited), Err(PlanError::Format(9))));
        let mut stranger = plan.clone();
        stranger.operations[0].client = plan.swarm.clients;
        assert!(Plan::from_json(&stranger.to_json()).unwrap_err().to_string().contains("client"));
        let mut lone = plan;
        lone.swarm.nodes = 1;
        assert!(Plan::from_json(&lone.to_json()).unwrap_err().to_string().contains("2 to 16"));
    }
}
