//! What a copy does with its link to the other one, and with the messages that come over it.

use protocol::id::{Incarnation, PartitionId};
use protocol::message::CopyMessage;
use protocol::refusal::{Refusal, RefusalCode};
use protocol::view::{Member, View};

use super::PartitionCopy;
use super::context::{Context, Fault};
use super::sink::{Received, Use};
use super::source::sending::Acknowledged;
use crate::link::LinkId;
use crate::node::effect::NodeEffect;

impl PartitionCopy {
    /// A new link to the other copy's node is up. It takes the place of one before, which is
    /// dropped.
    pub(super) fn linked(&mut self, cx: &mut Context<'_>, link: LinkId, incarnation: Incarnation) {
        let before = self.peer.link(link, incarnation);
        self.source.close(cx.now);
        self.receiving().begin_greeting(cx);
        if let Some(link) = before {
            let detail = match self.replica.id.member {
                Member::Home => "next was dialled again",
                Member::Next => "home has connected again",
            };
            let refusal = Refusal::new(RefusalCode::Replaced, detail);
            cx.effects.push(NodeEffect::Drop { link, refusal });
        }
    }

    /// A message from the other copy.
    pub(super) fn hear(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        message: CopyMessage,
    ) -> Result<(), Fault> {
        match message {
            CopyMessage::Greeting(greeting) => {
                if let Some(view) = greeting.view {
                    check_partition(link, self.partition(), &view)?;
                    self.replica.offer(cx, view)?;
                }
                self.peer.greeted(greeting);
                self.source.close(cx.now);
            }
            CopyMessage::Data { session, view, data } => {
                return self.receive(cx, link, Received { session, view, data });
            }
            CopyMessage::Durable { session, seq, data, written } => {
                let acknowledged = Acknowledged { session, seq, data, written };
                let heard = self.sending().acknowledged(cx, link, acknowledged);
                self.handle_damage(cx, heard)?;
            }
            CopyMessage::Compared { session } => self.source.has_compared(link, session)?,
            CopyMessage::Goodbye(refusal) => return Err(Fault::Drop(link, refusal)),
        }
        self.proceed(cx)
    }

    fn receive(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        received: Received,
    ) -> Result<(), Fault> {
        let used = match self.receiving().receive(cx, link, received) {
            Ok(Use::Dropped) => return Ok(()),
            Ok(Use::Used) => Ok(()),
            Err(fault) => Err(fault),
        };
        self.handle_damage(cx, used)?;
        self.receiving().count(cx);
        Ok(())
    }

    /// The link to the other copy's node is gone.
    pub(super) fn link_lost(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        self.peer.unlink();
        self.source.close(cx.now);
        self.proceed(cx)
    }
}

/// A view from the other copy is one of the same partition.
fn check_partition(link: LinkId, partition: PartitionId, view: &View) -> Result<(), Fault> {
    if view.partition == partition {
        return Ok(());
    }
    let detail = format!("the other copy of {partition} acts on {view}");
    Err(Fault::protocol_error(link, detail))
}
