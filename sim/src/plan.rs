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
//! | [`swarm`], [`habit`] | the sizes, times and habits of a seed |
//! | [`fault`], [`corruption`], [`kind`] | the faults |
//! | [`step`] | the steps of a fault |
//! | [`schedule`] | when each fault begins and ends |
//! | `simpler` | simpler plans, for a failing one |
//! | [`workload`] | the operations of clients, and their times |
//! | [`new_users`] | the users of operations beyond the plan |
//!
//! Only the latency of each message is drawn later, by turmoil, from a seed in the plan.

pub mod corruption;
pub mod fault;
pub mod habit;
pub mod host;
pub mod kind;
pub mod new_users;
pub mod schedule;
mod simpler;
pub mod step;
pub mod swarm;
pub mod workload;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use self::fault::PlannedFault;
use self::habit::Habit;
use self::kind::FaultKind;
use self::swarm::{Pace, Swarm};
use self::workload::PlannedOperation;

/// The version of the saved format.
pub const FORMAT: u32 = 1;

/// Everything random about a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format: [`FORMAT`].
    pub format: u32,
    /// The seed of the plan.
    pub seed: u64,
    /// Where nodes keep their data.
    pub storage: StorageKind,
    /// Sizes and times.
    pub swarm: Swarm,
    /// The faults, by their planned beginning.
    pub faults: Vec<PlannedFault>,
    /// The operations of clients, by their planned beginning.
    pub operations: Vec<PlannedOperation>,
}

/// Where nodes keep their data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum StorageKind {
    /// The model in memory.
    #[default]
    Memory,
    /// RocksDB, in a directory removed after the run.
    Rocksdb,
}

/// The options of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Where nodes keep their data.
    pub storage: StorageKind,
    /// The kinds of fault to draw from.
    pub kinds: Vec<FaultKind>,
    /// The habits that no seed has.
    pub left_out: Vec<Habit>,
}

impl Default for Options {
    fn default() -> Self {
        let kinds = FaultKind::ALL.to_vec();
        Self { storage: StorageKind::Memory, kinds, left_out: Vec::new() }
    }
}

impl Plan {
    /// Draws the plan of a seed.
    pub fn draw(seed: u64, options: &Options) -> Self {
        let random = &mut StdRng::seed_from_u64(seed);
        let mut swarm = Swarm::draw(random);
        if !options.kinds.iter().any(|kind| kind.spares_reads()) {
            // The pace *one at a time* is for kinds by which no read fails.
            swarm.pace = Pace::Free;
        }
        options.left_out.iter().for_each(|habit| habit.leave_out(&mut swarm));
        let faults = schedule::draw(random, &swarm, &options.kinds);
        let operations = workload::draw(random, &swarm);
        Self { format: FORMAT, seed, storage: options.storage, swarm, faults, operations }
    }

    /// Loads a saved plan.
    ///
    /// # Errors
    ///
    /// The text is not a plan, has another format, or cannot be run.
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

    /// Checks the names and sizes in a plan, because someone may have edited it.
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

    /// Whether clients may get wrong answers, because the plan is beyond the promises of the
    /// design.
    pub fn is_beyond_promises(&self) -> bool {
        self.faults.iter().any(|planned| planned.fault.kind().is_beyond_promises())
    }
}

/// The error of a text that is not a valid plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The text does not have the form of a plan.
    #[error("not a schedule: {0}")]
    Json(#[from] serde_json::Error),
    /// The plan was saved in another format.
    #[error(
        "a schedule of format {0}, and this program knows {FORMAT}: save it again from its seed"
    )]
    Format(u32),
    /// The plan cannot be run.
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
