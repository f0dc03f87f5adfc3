//! A cluster of real processes, and its tools.

pub(crate) mod address;
pub(crate) mod audit;
pub(crate) mod cluster;
pub(crate) mod crowd;
pub(crate) mod in_process;
pub(crate) mod load;
pub(crate) mod process;
pub(crate) mod promises;
pub(crate) mod random;
pub(crate) mod slow_disk;
pub(crate) mod small_disk;
pub(crate) mod users;
pub(crate) mod ways;
pub(crate) mod wire;
