//! The faults end: all of them, or all but the part that the rest can do without.

use super::borne::Limits;
use super::course::Course;
use crate::model::{copies_of, named};
use crate::plan::host::Host;
use crate::plan::step::{Condition, Death, Step};
use crate::plan::swarm::Core;
use crate::report::Failure;
use crate::seen::Phase;

/// Ends the faults. Returns the core: the part healed.
///
/// # Errors
///
/// The first violation.
pub(super) fn heal(course: &mut Course<'_>) -> Result<Core, Failure> {
    course.begin(Phase::Liveness);
    let wanted = course.plan.swarm.core;
    let core = match wanted {
        // The part left broken may be needed to repair the damaged row.
        _ if course.limits().is_anything_rotten() => Core::All,
        Core::AllBut { node } if !can_lose(course, node)? => Core::All,
        core => core,
    };
    let world = &mut course.world;
    match core {
        Core::All => world.heal(None),
        Core::AllBut { node } => world.heal(Some(Host::Node(node))),
        Core::AllButLinkAfter { node } => {
            world.heal(None);
            let next = Host::Node((node + 1) % course.plan.swarm.nodes);
            world.carry_out(Step::Begin(Condition::Cut(Host::Node(node), next)));
        }
    }
    Ok(core)
}

/// Takes a node down. Returns whether each partition has a copy in sync without it, once the
/// gateway has noticed.
fn can_lose(course: &mut Course<'_>, node: usize) -> Result<bool, Failure> {
    let is_noticed =
        |course: &Course<'_>| !course.model.is_linked_now(node) && course.model.deciding.is_empty();
    course.world.carry_out(Step::Down { host: Host::Node(node), how: Death::Killed });
    let noticed_by = course.world.now() + course.plan.swarm.calm();
    while course.world.now() < noticed_by && !is_noticed(course) {
        course.step()?;
    }
    Ok(is_noticed(course) && is_enough_without(&course.limits(), node))
}

/// Whether each partition has a copy in sync without a node, by the views saved by the
/// controller.
fn is_enough_without(limits: &Limits<'_>, node: usize) -> bool {
    let model = limits.model;
    model.partitions().all(|partition| {
        let mut others = copies_of(partition).filter(|copy| model.place_of(*copy) != node);
        model.saved.get(&partition).is_some_and(|view| {
            others.any(|copy| {
                let named = named(view.in_sync, copy.member);
                named.is_some() && named == limits.data_of(copy)
            })
        })
    })
}
