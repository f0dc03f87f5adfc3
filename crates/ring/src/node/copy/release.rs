//! Answers that wait until what they were computed from is committed (rule 3, *release*).

use std::collections::BTreeMap;

use protocol::entry::Answer;
use protocol::id::Seq;
use protocol::message::CallId;

/// Who waits for an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// A read: under another view it must be read again.
    Read(CallId, Answer),
    /// An update: it stays the answer as long as the copy is the primary.
    Update(CallId, Answer),
}

/// The answers that a copy has computed and not released, by the entry that has to be committed
/// first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Releases {
    waiting: BTreeMap<Seq, Vec<Waiting>>,
}

impl Releases {
    /// Keeps an answer until `seq` is committed.
    pub(crate) fn wait(&mut self, seq: Seq, waiting: Waiting) {
        self.waiting.entry(seq).or_default().push(waiting);
    }

    /// Takes the answers whose entry is committed, in the entries' order.
    pub(crate) fn release(
        &mut self,
        committed: Seq,
    ) -> impl Iterator<Item = (CallId, Answer)> + use<> {
        let still_waiting = self.waiting.split_off(&committed.next());
        let released = std::mem::replace(&mut self.waiting, still_waiting);
        released.into_values().flatten().map(|waiting| match waiting {
            Waiting::Read(call, answer) | Waiting::Update(call, answer) => (call, answer),
        })
    }

    /// Takes the reads, to be fenced: the view under which they were computed is over.
    pub(crate) fn fence_reads(&mut self) -> Vec<CallId> {
        let mut fenced = Vec::new();
        for waiting in self.waiting.values_mut() {
            waiting.retain(|waiting| match waiting {
                Waiting::Read(call, _) => {
                    fenced.push(*call);
                    false
                }
                Waiting::Update(..) => true,
            });
        }
        self.waiting.retain(|_, waiting| !waiting.is_empty());
        fenced
    }

    /// Forgets all of them: the link over which they would go is gone.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}
