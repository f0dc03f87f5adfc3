//! Fresh operations: once everything is back, operations on users unknown to all clients
//! before.

use history::users::{Fields, Input, Patch};

use super::course::{CONVERGENCE_MAX, Course};
use crate::plan::new_users::NewUsers;
use crate::plan::swarm::Core;
use crate::report::Failure;
use crate::seen::Phase;

/// Asks for fresh operations on each partition, and waits for the answers. All of them must
/// succeed. Without a live primary, a partition gets only reads.
///
/// # Errors
///
/// The first violation.
pub(super) fn ask_fresh(course: &mut Course<'_>, core: Core) -> Result<(), Failure> {
    course.begin(Phase::Fresh);
    for place in course.model.ring.places().collect::<Vec<_>>() {
        let (ring, partition) = (&course.model.ring, place.partition());
        let Some(id) = NewUsers::Fresh.of_partition(ring, partition).next() else {
            panic!("no id falls into {partition}");
        };
        let is_left_out = matches!(core, Core::AllBut { node } if node == place.index());
        let has_primary = !is_left_out && !course.model.has_no_primary(partition);
        let inputs = if has_primary { operations(id) } else { vec![Input::Read { id }] };
        // One client for each partition keeps the order of its operations.
        let client = place.index() % course.plan.swarm.clients;
        for input in inputs {
            course.ask(client, input);
        }
    }
    let deadline = course.world.now() + CONVERGENCE_MAX;
    while !course.unanswered.are_all_idle(NewUsers::Fresh) {
        course.step()?;
        course.be_in_time(deadline, "the fresh operations have no answer")?;
    }
    Ok(())
}

/// Two updates, each with a read.
fn operations(id: String) -> Vec<Input> {
    let name = format!("fresh {id}");
    let fields = Fields { name, email: format!("{id}@example.org"), group: 0 };
    let patch = Patch { name: Some(format!("changed {id}")), ..Patch::default() };
    vec![
        Input::Create { id: id.clone(), fields },
        Input::Read { id: id.clone() },
        Input::Change { id: id.clone(), patch, if_match: None, if_none_match: None },
        Input::Read { id },
    ]
}
