//! The checks: the rules of the design, one file each, judged event by event.
//!
//! The first sentence of each module says what it judges. A new check is a module with a
//! [`Check`] and a line in [`Checks`].

pub mod acknowledged;
pub mod ask;
pub mod at_most_once;
pub mod availability;
mod check;
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
pub(crate) mod support;
pub mod undecodable;
pub mod waiting;
pub mod whole;

use crate::model::Model;
use crate::plan::{Options, Plan};
use crate::seen::{Moment, Seen};
use crate::violation::Violation;

pub use self::check::{Check, End};

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
            Box::<acknowledged::Acknowledged>::default(),
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
            Box::new(endings::Endings::new(&plan.swarm)),
            Box::<linearizable::Linearizable>::default(),
            Box::<outcomes::Outcomes>::default(),
            Box::<same_copies::SameCopies>::default(),
            Box::<durability::Durability>::default(),
            Box::<acknowledged::Acknowledged>::default(),
        ];
        checks.extend(always);
        Self(checks)
    }

    /// The names of all checks.
    pub fn names() -> Vec<&'static str> {
        let all = Self::new(&Plan::draw(0, &Options::default())).0;
        all.iter().map(|check| check.rule().check).collect()
    }

    /// Leaves checks out, by name.
    #[must_use]
    pub(crate) fn without(mut self, names: &[String]) -> Self {
        self.0.retain(|check| names.iter().all(|name| name != check.rule().check));
        self
    }

    /// Judges an event. `model` is the state of the cluster before it.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn see(&mut self, model: &Model, at: Moment, seen: &Seen) -> Result<(), Violation> {
        self.0.iter_mut().try_for_each(|check| {
            let judged = check.see(model, at, seen);
            judged.map_err(|finding| finding.breaks(check.rule()))
        })
    }

    /// Judges the end of a run.
    ///
    /// # Errors
    ///
    /// The first violation.
    pub fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Violation> {
        self.0.iter_mut().try_for_each(|check| {
            let judged = check.finish(model, at, end);
            judged.map_err(|finding| finding.breaks(check.rule()))
        })
    }

    /// The cost of judging the end, in evaluations of a model.
    pub(crate) fn steps(&self) -> u64 {
        self.0.iter().map(|check| check.steps()).sum()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_a_name_and_a_rule_of_its_own() {
        let checks = Checks::new(&Plan::draw(0, &Options::default())).0;
        let names = checks.iter().map(|check| check.rule().check).collect::<BTreeSet<_>>();
        let rules = checks.iter().map(|check| check.rule().says).collect::<BTreeSet<_>>();
        assert_eq!((names.len(), rules.len()), (checks.len(), checks.len()));
    }
}
