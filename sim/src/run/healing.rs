//! The faults end: all of them, or all but the part that the rest can do without.

use super::borne::Limits;
use super::watched::Watched;
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
pub(super) fn heal(watched: &mut Watched<'_>) -> Result<Core, Failure> {
    watched.begin(Phase::Liveness);
    let wanted = watched.plan.swarm.core;
    let core = match wanted {
        // The part left broken may be needed to repair the damaged row.
        _ if watched.limits().is_anything_rotten() => Core::All,
        Core::AllBut { node } if !can_lose(watched, node)? => Core::All,
        core => core,
    };
    let world = &mut watched.world;
    match core {
        Core::All => world.heal(None),
        Core::AllBut { node } => world.heal(Some(Host::Node(node))),
        Core::AllButLinkAfter { node } => {
            world.heal(None);
            let next = Host::Node((node + 1) % watched.plan.swarm.nodes);
            world.carry_out(Step::Begin(Condition::Cut(Host::Node(node), next)));
        }
    }
    Ok(core)
}

/// Takes a node down. Returns whether each partition has a copy in sync without it, once the
/// gateway has noticed.
fn can_lose(watched: &mut Watched<'_>, node: usize) -> Result<bool, Failure> {
    let is_noticed = |watched: &Watched<'_>| {
        !watched.model.is_linked_now(node) && watched.model.deciding.is_empty()
    };
    watched.world.carry_out(Step::Down { host: Host::Node(node), how: Death::Killed });
    let noticed_by = watched.world.now() + watched.plan.swarm.calm();
    while watched.world.now() < noticed_by && !is_noticed(watched) {
        watched.step()?;
    }
    Ok(is_noticed(watched) && is_enough_without(&watched.limits(), node))
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
