//! The role of the source: what a copy does where it sends.

use protocol::id::Seq;
use protocol::view::{Member, View};

use super::Source;
use super::joining::Donor;
use super::replication::Replication;
use crate::link::LinkId;
use crate::node::copy::context::{Context, Fault};
use crate::node::copy::peer::Peer;
use crate::node::copy::replica::Replica;
use crate::node::settings::NodeSettings;
use crate::time::Time;

/// How far the receiver is, as it says.
pub(in crate::node::copy) struct Acknowledged {
    /// As in the receiver's greeting.
    pub(in crate::node::copy) session: u64,
    /// The last entry that is durable there.
    pub(in crate::node::copy) seq: Seq,
    /// How many data of the session are.
    pub(in crate::node::copy) data: u64,
    /// The last entry that is written there.
    pub(in crate::node::copy) written: Seq,
}

/// Sends to the receiver. It owns the source, and learns from the peer. Of the replica it commits
/// entries, pins and reads rows, and trims the log.
pub(in crate::node::copy) struct Sending<'a> {
    pub(in crate::node::copy) replica: &'a mut Replica,
    pub(in crate::node::copy) peer: &'a mut Peer,
    pub(in crate::node::copy) source: &'a mut Source,
    pub(in crate::node::copy) settings: &'a NodeSettings,
}

impl Sending<'_> {
    /// The source, as far as it can go now: begins a session, sends, asks, reports, trims.
    pub(in crate::node::copy) fn proceed(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        if self.replica.is_source() {
            self.open_session(cx)?;
        } else {
            self.source.close(cx.now);
        }
        // Memory has the entries until they are committed, which is at once where this copy is
        // alone in sync.
        let sent = self.send(cx);
        self.commit(cx);
        self.pursue_joining(cx);
        // Joining may have ended in giving up, which lets the copy commit alone again.
        self.commit(cx);
        self.report_next(cx);
        let keep_from = self.replication().keep_log_from();
        self.replica.log.trim(cx, keep_from);
        sent
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        let committable = self.replication().committable();
        self.replica.commit(cx, committable);
    }

    fn pursue_joining(&mut self, cx: &mut Context<'_>) {
        let Source { session, join, .. } = &mut *self.source;
        let (replica, peer, settings) = (&*self.replica, &*self.peer, self.settings);
        join.pursue(cx, Donor { replica, peer, session: session.as_ref(), settings });
    }

    /// How far the entries have come.
    pub(in crate::node::copy) fn replication(&self) -> Replication<'_> {
        let Self { replica, peer, source, settings } = self;
        Replication { replica, peer, source, settings }
    }

    /// The receiver has made data durable.
    pub(in crate::node::copy) fn acknowledged(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        Acknowledged { session: number, seq, data, written }: Acknowledged,
    ) -> Result<(), Fault> {
        let Some(session) = self.source.session.as_mut().filter(|known| known.number == number)
        else {
            return Ok(());
        };
        // What was sent in a session before may still be made durable, so the bound is what is
        // durable here.
        let is_plain = session.snapshot.is_none();
        if !session.may_ack(data)
            || seq > self.replica.log.durable()
            || (is_plain && seq < session.acked_seq)
        {
            let (acked, sent) = (session.acked_seq, session.sent);
            let detail = format!(
                "entry {seq} and {data} data acknowledged; {acked} was acknowledged, {sent} was sent"
            );
            return Err(Fault::protocol_error(link, detail));
        }
        session.data_acknowledged(data, cx.now);
        session.pace.acked(cx.now, seq, written);
        session.acked_seq = session.acked_seq.max(seq);
        let (is_whole, is_ahead) = (session.snapshot.is_none(), seq > session.sent.seq);
        if let Some(incarnation) =
            self.peer.linked().map(|linked| linked.incarnation).filter(|_| is_whole)
        {
            self.peer.set_durable(incarnation, seq);
        }
        if is_plain
            && is_ahead
            && let Some(position) = self.replica.log.position_at_hand(seq)
        {
            // It is not sent again. Where memory does not tell its position, it is: the receiver
            // has it, and goes on behind it.
            let missing = || {
                let detail = format!("entry {seq} was acknowledged and is not there");
                Fault::protocol_error(link, detail)
            };
            session.sent = position.ok_or_else(missing)?;
        }
        Ok(())
    }

    /// Tells the gateway whether next can be reached, where the view needs it to be (it shrinks on
    /// that).
    fn report_next(&mut self, cx: &mut Context<'_>) {
        let Some(View { partition, epoch, .. }) = self.replica.view().copied() else { return };
        if cx.gateway.is_none() || self.replica.id.member != Member::Home {
            return;
        }
        let deadline = self.replication().report_deadline();
        let Source { session, downtime, .. } = &mut *self.source;
        if session.is_some() {
            downtime.end(cx, partition);
        } else if deadline.is_some_and(|deadline| deadline <= cx.now) {
            downtime.report(cx, partition, epoch);
        }
    }

    /// Closes the link if its receiver has not made data durable in time.
    pub(in crate::node::copy) fn drop_stalled(&mut self, now: Time) -> Result<(), Fault> {
        let waited = self.settings.append_deadline;
        let session = self.source.session.as_ref();
        let deadline = session.and_then(|session| session.stall_deadline(waited));
        let Some(link) = self.peer.linked().map(|linked| linked.link) else { return Ok(()) };
        if deadline.is_none_or(|deadline| deadline > now) {
            return Ok(());
        }
        // The receiver had its time: the gateway is told at once.
        self.peer.unlink();
        self.source.close(Time::ZERO);
        Err(Fault::protocol_error(link, format!("nothing was made durable for {waited:?}")))
    }
}
