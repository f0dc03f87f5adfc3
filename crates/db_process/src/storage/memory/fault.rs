//! The faults of a disk in memory.

/// A failure armed by [`MemoryDisk::arm`](super::MemoryDisk::arm).
///
/// A fault strikes once, whichever handle it meets. Only [`Full`](Self::Full) lasts until it is
/// disarmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The next write fails and leaves nothing behind.
    WriteLost,
    /// The next write fails, yet the next opening of the disk finds its batch (unless a power
    /// loss takes it, like any unsynced batch). Real disks do this too: a failed write is not
    /// certainly undone.
    WriteFound,
    /// The next sync fails. Unsynced batches stay unsynced: readable, kept by a kill, lost with
    /// the power.
    Sync,
    /// The next read fails.
    Read,
    /// Every write fails for lack of space.
    Full,
}
