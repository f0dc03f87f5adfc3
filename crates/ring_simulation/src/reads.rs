//! Reads of the disks. They take time and return in any order.

use protocol::view::Member;
use ring_core::node::NodeEvent;
use ring_core::store::{ReadError, ReadId, ReadRows, ReadWhat, StoredRows};

use crate::world::World;

/// A read under way.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) read: ReadId,
    pub(crate) member: Member,
    pub(crate) what: ReadWhat,
    /// The result, after the read was carried out and before it returns.
    pub(crate) was_read: Option<Result<ReadRows, ReadError>>,
}

impl World {
    /// Carries out one of a node's reads, or returns the result of a read carried out before.
    pub(crate) fn read(&mut self, i: usize, nth: usize) {
        let host = &mut self.nodes[i];
        let Some(at) = nth.checked_rem(host.reads.len()) else { return };
        let Read { read, member, what, was_read } = &mut host.reads[at];
        let now = host.disk.read(*member, what);
        let Some(result) = was_read.take() else {
            *was_read = Some(now);
            return;
        };
        let (read, member) = (*read, *member);
        match what {
            ReadWhat::Record(_) => self.totals.cold_reads += 1,
            _ => self.totals.other_reads += 1,
        }
        self.totals.reads_overtaken += u64::from(result != now);
        host.reads.remove(at);
        self.node_event(i, NodeEvent::Read { read, member, result });
    }

    /// Returns all reads of a node, and the reads caused by their results.
    pub(crate) fn read_all(&mut self, i: usize) {
        for _ in 0..10_000 {
            if self.nodes[i].reads.is_empty() {
                return;
            }
            self.read(i, 0);
        }
        panic!("db-{i} reads without end");
    }
}
