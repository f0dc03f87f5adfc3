//! The rules for a reply of a node.

use protocol::entry::Answer;
use protocol::id::Position;
use protocol::message::{Operation, Reply, Request};
use protocol::view::{InSync, Member, View};
use ring_core::placement::Place;

use crate::machines::Machines;
use crate::totals::Totals;

/// Checks a reply when a node releases it.
pub(crate) struct OnReply<'a> {
    pub(crate) machines: &'a Machines,
    pub(crate) totals: &'a mut Totals,
}

impl OnReply<'_> {
    pub(crate) fn check(&mut self, place: Place, request: &Request, reply: &Reply) {
        let Reply::Done(answer) = reply else {
            self.totals.fenced += 1;
            return;
        };
        let machine = self.machines.at(place);
        let view = machine.acting_view(request.member).expect("a reply without a view");
        assert_eq!(
            view.in_sync.incarnation(request.member),
            Some(machine.incarnation),
            "rule 8: out of sync and serving"
        );
        check_fencing(&view, request);
        if let Some(position) = answer.position() {
            self.check_durable(&view, position);
        }
        if let Answer::Found { .. } | Answer::NotFound = answer {
            self.count_read(&view, request.member);
        }
    }

    /// Rule 3: the entry of the answer is durable at every copy in sync. A copy that has lost its
    /// disk since then is not checked. The history judges the answers without an entry.
    fn check_durable(&self, view: &View, position: Position) {
        for member in Member::ALL {
            let incarnation = self.machines.incarnation(view.partition, member);
            let in_sync = view.in_sync.incarnation(member) == Some(incarnation);
            let durable = self.machines.durable_copy(view.partition, member).last().seq;
            assert!(
                !in_sync || durable >= position.seq,
                "rule 3: released before it is durable at {member}"
            );
        }
    }

    fn count_read(&mut self, view: &View, member: Member) {
        match (member, view.in_sync) {
            (Member::Home, _) => self.totals.reads_at_home += 1,
            (Member::Next, InSync::Both { .. }) => self.totals.reads_at_next += 1,
            (Member::Next, _) => self.totals.reads_at_next_alone += 1,
        }
    }
}

/// Rule 2: a copy serves only its own epoch. Rule 7: reads are served by the reader.
fn check_fencing(view: &View, request: &Request) {
    match request.operation {
        Operation::Read(_) => {
            assert_eq!(view.epoch, request.epoch, "rule 2: a read under another view");
            assert_eq!(view.in_sync.reader(), request.member, "rule 7: not the reader");
        }
        Operation::Update(_) => assert!(view.epoch >= request.epoch, "rule 2: a higher epoch"),
    }
}
