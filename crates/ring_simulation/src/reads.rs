//! Reads of a disk. They take time and return in any order.

use protocol::view::Member;
use ring_core::node::NodeEvent;
use ring_core::store::{ReadError, ReadId, ReadRows, ReadWhat, StoredRows};

use crate::disk::Disk;
use crate::totals::Totals;

/// A read under way.
#[derive(Debug)]
struct Read {
    /// The number given by the node.
    read: ReadId,
    /// The copy to read from.
    member: Member,
    /// The rows to read.
    what: ReadWhat,
    /// The result, after the read was carried out and before it returns.
    was_read: Option<Result<ReadRows, ReadError>>,
}

/// The reads of a node under way.
#[derive(Debug, Default)]
pub(crate) struct Reads(Vec<Read>);

impl Reads {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn begin(&mut self, read: ReadId, member: Member, what: ReadWhat) {
        self.0.push(Read { read, member, what, was_read: None });
    }

    /// Carries out one of the reads, or returns the result of a read carried out before.
    pub(crate) fn advance(
        &mut self,
        nth: usize,
        disk: &Disk,
        totals: &mut Totals,
    ) -> Option<NodeEvent> {
        let at = nth.checked_rem(self.0.len())?;
        let Read { read, member, what, was_read } = &mut self.0[at];
        let now = disk.read(*member, what);
        let Some(result) = was_read.take() else {
            *was_read = Some(now);
            return None;
        };
        let (read, member) = (*read, *member);
        match what {
            ReadWhat::Record(_) => totals.cold_reads += 1,
            _ => totals.other_reads += 1,
        }
        totals.reads_overtaken += u64::from(result != now);
        self.0.remove(at);
        Some(NodeEvent::Read { read, member, result })
    }
}
