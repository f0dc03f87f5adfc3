//! The core.

use arbitrary::{Arbitrary, Unstructured};
use ring_simulation::{Plan, play};

/// A schedule, with the rules of the core's own simulation as the oracle.
pub fn core(data: &[u8]) {
    if let Ok(plan) = Plan::arbitrary(&mut Unstructured::new(data))
        && let Err(broken) = play(&plan)
    {
        panic!("{broken}");
    }
}
