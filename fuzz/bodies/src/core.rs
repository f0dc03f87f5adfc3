//! Schedules for the core.

use arbitrary::{Arbitrary, Unstructured};
use ring_simulation::{Plan, play};

/// Plays a schedule. The rules of the core's own simulation are the oracle.
pub fn core(data: &[u8]) {
    if let Ok(plan) = Plan::arbitrary(&mut Unstructured::new(data))
        && let Err(broken) = play(&plan)
    {
        panic!("{broken}");
    }
}
