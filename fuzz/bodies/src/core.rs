//! The core.

use ring_simulation::{plan, play};

use crate::draw::draw;

/// A schedule, with the rules of the core's own simulation as the oracle.
pub fn core(data: &[u8]) {
    if let Some(plan) = draw(&plan(), data)
        && let Err(broken) = play(&plan)
    {
        panic!("{broken}");
    }
}
