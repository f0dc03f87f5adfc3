//! What a disk can be told to do wrong.

/// A failure that [`MemoryDisk::arm`](super::MemoryDisk::arm) prepares.
///
/// Each strikes once, whichever handle it meets, except [`Full`](Self::Full), which lasts until it is disarmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The next write fails and leaves nothing behind.
    WriteLost,
    /// The next write fails, yet its batch is found when the disk is opened again (or lost with the power, like
    /// any unsynced batch). A write that failed is not certainly undone: a real disk does this too.
    WriteFound,
    /// The next sync fails. What was unsynced stays unsynced: readable, found after a kill, lost with the power.
    Sync,
    /// The next read fails.
    Read,
    /// Every write fails for want of space.
    Full,
}
