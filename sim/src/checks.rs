//! The checks: the rules of the design, one file each, judged event by event.
//!
//! | module | rule | judges |
//! |---|---|---|
//! | [`one_view`] | 1 | one view for each partition and epoch; a change is allowed and one epoch |
//! | [`durable_views`] | 1 | a view is durable before it is told, and before a copy acts on it |
//! | [`fencing`] | 2 | a copy serves its own epoch only; no epoch goes back |
//! | [`release`] | 3 | an answer shows only entries durable on every copy in sync |
//! | [`prefix`] | 4 | next holds home's durable entries, in home's order, without gaps |
//! | [`shrink`] | 5 | a view drops a member only in favour of one linked and alive now |
//! | [`ask`] | 6 | a donor commits nothing that its joiner lacks while it asks |
//! | [`reads_move`] | 7 | requests go to the copy named by the published view |
//! | [`out_of_sync`] | 8 | a copy out of sync answers nothing |
//! | [`whole`] | 8 | a copy says that it is whole only once this is durable |
//! | [`lost_data`] | 9 | a node is welcomed under views that name the data it has |
//! | [`controller_file`] | 10 | a gateway goes on from the durable views |
//! | [`recovered`] | 11 | recovered data is synced before use; a failed sync ends the process |
//! | [`at_most_once`] | 12 | a request is applied at most once |
//! | [`outcomes`] | 13 | an update *not done* or turned down never took effect |
//! | [`undecodable`] | 13 | an undecodable request is sent again alone, and not a third time |
//! | [`one_gateway`] | 14 | a second gateway does nothing; no copy has two views of one epoch |
//! | [`linearizable`] | | the clients' history, user by user |
//! | [`roles`] | | the view's reader answers reads, its primary answers updates |
//! | [`durability`] | | both copies hold every acknowledged update after a total power loss |
//! | [`same_copies`] | | both copies are the same in the end |
//! | [`deadline`] | | every request has an answer in time |
//! | [`waiting`] | | a request is turned away only after it has waited at a busy node |
//! | [`silent_disk`] | | a node tells the gateway when its disk does not answer |
//! | [`availability`] | | no read fails while one node is in trouble |
//! | [`convergence`] | | fresh operations succeed once everything is back |
//! | [`documented`] | | every answer is a documented one |
//! | [`endings`] | | no process ends by itself without a reason |

pub mod ask;
pub mod at_most_once;
pub mod availability;
pub mod controller_file;
pub mod convergence;
pub mod deadline;
pub mod documented;
pub mod durability;
pub mod durable_views;
pub mod endings;
pub mod fencing;
pub mod linearizable;
pub mod lost_data;
pub mod one_gateway;
pub mod one_view;
pub mod out_of_sync;
pub mod outcomes;
pub mod prefix;
pub mod reads_move;
pub mod recovered;
pub mod release;
pub mod roles;
pub mod same_copies;
pub mod shrink;
pub mod silent_disk;
#[cfg(test)]
mod support;
pub mod undecodable;
pub mod waiting;
pub mod whole;

use std::collections::BTreeMap;

use db_process::store::StoreError;
use db_process::store::audit::{Audit, CopyAudit};
use history::users::UserHistory;
use protocol::id::PartitionId;
use protocol::view::Member;

use crate::model::Model;
use crate::plan::Plan;
use crate::plan::swarm::Core;
use crate::seen::{Moment, Seen};

pub use crate::report::Violation;

/// A rule, and the state to judge it by.
pub trait Check {
    /// Judges an event. `model` is the state of the cluster before it.
    fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        let _ = (model, at, seen);
        Ok(())
    }

    /// Judges the end of a run.
    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Violation> {
        let _ = (model, at, end);
        Ok(())
    }

    /// The cost of judging the end, in evaluations of a model.
    fn steps(&self) -> u64 {
        0
    }
}

/// The rule of a check in one sentence, for the reader of a failure.
pub fn rule(check: &str) -> &'static str {
    match check {
        "one-view" => {
            "rule 1: one view for each partition and epoch, changed by the controller alone, one epoch at a time"
        }
        "durable-views" => {
            "rule 1: a view is durable before anyone hears of it, and before a copy acts on it"
        }
        "fencing" => "rule 2: a copy serves its own epoch only, and no epoch goes back",
        "release" => "rule 3: what an answer shows is durable on every copy in sync",
        "prefix" => "rule 4: next holds a beginning of home's durable log, without gaps",
        "shrink" => {
            "rule 5: a view drops a member only in favour of one that is linked and alive now"
        }
        "ask" => "rule 6: a donor that asks commits nothing that the joiner has not made durable",
        "reads-move" => "rule 7: requests go to whom the published view says, under its epoch",
        "out-of-sync" => "rule 8: a copy that is out of sync never serves",
        "whole" => "rule 8: a copy says that it is whole only once that is durable",
        "lost-data" => "rule 9: a node is welcomed only under views that name the data it has",
        "controller-file" => "rule 10: a gateway goes on from the views that were durable",
        "recovered" => {
            "rule 11: what was recovered is synced before it is used, and nothing goes on after a failed sync"
        }
        "at-most-once" => "rule 12: a request is carried out at most once",
        "outcomes" => "rule 13: what was not done never took effect",
        "undecodable" => {
            "rule 13: what a node cannot decode is sent again alone, and not a third time"
        }
        "one-gateway" => {
            "rule 14: there is one gateway, and a copy never has two views of one epoch"
        }
        "linearizable" => "what clients see of each user is linearizable",
        "roles" => {
            "reads are answered by the replica or the primary of the epoch, updates by the primary"
        }
        "durability" => {
            "an acknowledged update is in both copies, also after a loss of power everywhere"
        }
        "same-copies" => "when all has come back, both copies are the same",
        "deadline" => "a request has its answer by its deadline, and is not given up before",
        "waiting" => "503 `overloaded` comes only after 250 ms in which the node answered others",
        "silent-disk" => "a node tells the gateway when no sync has returned for a second",
        "availability" => "with one node in trouble no read fails",
        "convergence" => "when the faults have ended, all that can be served comes back by itself",
        "documented" => "there are no answers but those that are documented",
        "endings" => "no process ends by itself without a reason",
        "panics" => "no process panics",
        _ => "see sim/src/checks",
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct End {
    /// The core: the part healed when the faults ended; none if nothing had to come back.
    pub core: Option<Core>,
    /// The data of each node after a loss of power everywhere, by place.
    pub audits: BTreeMap<usize, Result<Audit, StoreError>>,
    /// The history of the clients' operations.
    pub history: UserHistory,
}

impl End {
    /// The data of the nodes that were not left broken. A node left broken may still hold
    /// rotten rows.
    pub fn judged(&self) -> impl Iterator<Item = (usize, &Result<Audit, StoreError>)> {
        let is_broken = |place| matches!(self.core, Some(Core::AllBut { node }) if node == place);
        let audits = self.audits.iter().map(|(place, audit)| (*place, audit));
        audits.filter(move |(place, _)| !is_broken(*place))
    }

    /// The data of a copy; none if it could not be read, or if its node was left broken.
    pub fn copy(
        &self,
        model: &Model,
        partition: PartitionId,
        member: Member,
    ) -> Option<&CopyAudit> {
        let place = model.ring.holder(partition, member).index();
        let (_, audit) = self.judged().find(|(judged, _)| *judged == place)?;
        let audit = audit.as_ref().ok()?;
        Some(match member {
            Member::Home => &audit.home,
            Member::Next => &audit.next,
        })
    }
}

/// The checks of a run.
pub struct Checks(Vec<Box<dyn Check>>);

impl Checks {
    /// The checks that need only the clients' history and the nodes' data at the end. They are
    /// for runs of real processes.
    pub fn from_outside() -> Self {
        Self(vec![
            Box::<documented::Documented>::default(),
            Box::<linearizable::Linearizable>::default(),
            Box::<outcomes::Outcomes>::default(),
            Box::<same_copies::SameCopies>::default(),
            Box::<durability::Durability>::default(),
        ])
    }

    pub(crate) fn new(plan: &Plan) -> Self {
        let always: Vec<Box<dyn Check>> = vec![
            Box::<one_gateway::OneGateway>::default(),
            Box::<documented::Documented>::default(),
        ];
        if plan.is_beyond_promises() {
            // Two gateways are at work, so their events about views are not reliable.
            return Self(always);
        }
        let mut checks: Vec<Box<dyn Check>> = vec![
            Box::<one_view::OneView>::default(),
            Box::<durable_views::DurableViews>::default(),
            Box::<fencing::Fencing>::default(),
            Box::<out_of_sync::OutOfSync>::default(),
            Box::<whole::Whole>::default(),
            Box::<reads_move::ReadsMove>::default(),
            Box::<release::Release>::default(),
            Box::<prefix::Prefix>::default(),
            Box::new(shrink::Shrink::new(&plan.swarm)),
            Box::<ask::AskHolds>::default(),
            Box::<lost_data::LostData>::default(),
            Box::<controller_file::ControllerFile>::default(),
            Box::<recovered::Recovered>::default(),
            Box::<at_most_once::AtMostOnce>::default(),
            Box::<roles::Roles>::default(),
            Box::<undecodable::Undecodable>::default(),
            Box::new(waiting::Waiting::new(&plan.swarm)),
            Box::<silent_disk::SilentDisk>::default(),
            Box::new(deadline::Deadline::new(&plan.swarm)),
            Box::new(availability::Availability::new(&plan.swarm)),
            Box::<convergence::Convergence>::default(),
            Box::<endings::Endings>::default(),
            Box::<linearizable::Linearizable>::default(),
            Box::<outcomes::Outcomes>::default(),
            Box::<same_copies::SameCopies>::default(),
            Box::<durability::Durability>::default(),
        ];
        checks.extend(always);
        Self(checks)
    }

    /// Judges an event. `model` is the state of the cluster before it.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        self.0.iter_mut().try_for_each(|check| check.see(model, at, seen))
    }

    /// Judges the end of a run.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Violation> {
        self.0.iter_mut().try_for_each(|check| check.finish(model, at, end))
    }

    /// The cost of judging the end, in evaluations of a model.
    pub(crate) fn steps(&self) -> u64 {
        self.0.iter().map(|check| check.steps()).sum()
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_check_says_what_it_judges() {
        let sources = std::fs::read_dir("src/checks").unwrap();
        for source in sources.map(|entry| entry.unwrap().path()) {
            let name = source.file_stem().unwrap().to_string_lossy().replace('_', "-");
            if name != "support" {
                assert!(!super::rule(&name).starts_with("see "), "{name}");
            }
        }
    }
}
