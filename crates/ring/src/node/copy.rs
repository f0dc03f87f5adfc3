//! A copy of a partition, whichever of the two it is.
//!
//! ```text
//!   gateway              home copy                               next copy
//!      | update             |                                       |
//!      |------------------->| duplicate? precondition? next seq     |
//!      |                    | write ... synced: durable at home     |
//!      |                    |-- append (durable entries only) ----->| write, sync: committed there
//!      |                    |<------------------------- durable ----|
//!      |<--- answer --------| committed: release                    |
//!      | read                                                       |
//!      |----------------------------------------------------------->| committed? else it waits
//!      |<------------------------------------------------- answer --|
//! ```
//!
//! Nothing waits for the update before it: many share one sync and one append.
//!
//! Both copies are one type, because which of them sends to the other is for the view to say, not
//! for the ring: home is the *source* wherever it is in sync, and next is where home has lost its
//! data and is restored. Only what an update does is home's alone.
//!
//! A copy's state is in parts. A *handler* borrows the parts that its matter concerns, and changes
//! no others. This file turns events into calls of handlers.
//!
//! | handler | changes | in order to |
//! |---|---|---|
//! | [`Serving`] | replica | answer reads and updates ([`serving`], [`updates`]) |
//! | [`Sending`] | source, peer, replica | send to the other copy ([`source`]) |
//! | [`Receiving`] | sink, comparison, replica | receive from the other copy ([`sink`]) |
//! | [`Comparer`](comparison::Comparer) | comparison, replica | compare both ([`comparison`]) |
//! | [`Salvager`] | salvaging, replica | drop what cannot be read ([`salvage`]) |
//!
//! | module | owns |
//! |---|---|
//! | [`replica`] | log, records, views and answers: what a copy is |
//! | [`reads`], [`returned`] | what is read of the storage, and for what; what comes of it |
//! | [`damage`], [`worth`] | damaged rows: what comes of them, what the controller hears |
//! | [`peer`], [`neighbour`] | the other copy, as this one knows it; what it says |
//! | [`tail`] | the end of the log, in memory |
//! | [`release`] | answers that wait for their position to be committed |
//! | [`applied`] | the table of applied request ids |
//! | [`durability`] | which entry a sync has covered |

pub(crate) mod applied;
mod comparison;
pub(crate) mod context;
mod damage;
pub(crate) mod durability;
pub(crate) mod event;
pub(crate) mod id;
mod neighbour;
mod peer;
pub(crate) mod reads;
pub(crate) mod release;
pub(crate) mod replica;
mod returned;
pub(crate) mod salvage;
mod serving;
mod sink;
mod source;
pub(crate) mod tail;
mod updates;
mod worth;

use protocol::id::PartitionId;
use protocol::message::{CopyReport, Progress, Request};
use protocol::view::View;

use self::comparison::Comparison;
use self::context::{Context, Fault, GatewayLink};
use self::event::CopyEvent;
use self::id::CopyId;
use self::peer::Peer;
use self::replica::{Replica, Synced};
use self::salvage::{Salvager, Salvaging};
use self::serving::Serving;
use self::sink::{Receiving, Sink};
use self::source::Source;
use self::source::replication::Replication;
use self::source::sending::Sending;
use self::worth::Worth;
use crate::node::settings::NodeSettings;
use crate::store::{Mark, RecoveredCopy};
use crate::time::Time;

/// A copy of a partition.
#[derive(Debug)]
pub struct PartitionCopy {
    replica: Replica,
    settings: NodeSettings,
    peer: Peer,
    source: Source,
    sink: Sink,
    comparison: Comparison,
    salvaging: Salvaging,
    told: Worth,
}

impl PartitionCopy {
    pub(crate) fn recovered(
        id: CopyId,
        settings: NodeSettings,
        recovered: RecoveredCopy,
        now: Time,
    ) -> Self {
        Self {
            replica: Replica::recovered(id, &settings, recovered),
            settings,
            peer: Peer::default(),
            source: Source::new(now),
            sink: Sink::default(),
            comparison: Comparison::default(),
            salvaging: Salvaging::default(),
            told: Worth::default(),
        }
    }

    /// The partition.
    pub fn partition(&self) -> PartitionId {
        self.replica.id.partition
    }

    /// The view that the copy acts on.
    pub fn view(&self) -> Option<&View> {
        self.replica.view()
    }

    /// How far the copy is.
    pub fn progress(&self) -> Progress {
        self.replica.progress()
    }

    /// What the controller is told when the node is linked.
    pub(crate) fn report(&mut self) -> CopyReport {
        self.told = Worth::of(&self.replica);
        self.replica.report()
    }

    /// When to tick at the latest.
    pub(crate) fn deadline(&self, gateway: Option<GatewayLink>) -> Option<Time> {
        let Self { replica, peer, source, settings, .. } = self;
        Replication { replica, peer, source, settings }.deadline(gateway)
    }

    /// The link to the gateway is gone: nobody waits for the answers any more.
    pub(crate) fn gateway_lost(&mut self) {
        self.replica.gateway_lost();
    }

    /// Next's node is dialled from now on.
    pub(crate) fn next_is_dialled(&mut self, now: Time) {
        self.source.dialled(now);
    }

    /// Handles an event.
    pub(crate) fn handle(&mut self, cx: &mut Context<'_>, event: CopyEvent) -> Result<(), Fault> {
        match event {
            CopyEvent::Welcomed { view } => self.welcomed(cx, view),
            CopyEvent::Offered { view } => self.replica.offer(cx, view),
            CopyEvent::JoinerMayCome => {
                self.source.joiner_may_come();
                self.proceed(cx)
            }
            CopyEvent::AskRefused { ask } => {
                self.source.ask_refused(cx.now, ask);
                self.proceed(cx)
            }
            CopyEvent::Requested { request } => self.request(cx, request),
            CopyEvent::Linked { link, incarnation } => {
                self.linked(cx, link, incarnation);
                Ok(())
            }
            CopyEvent::Said { link, message } if self.peer.is(link) => self.hear(cx, link, message),
            CopyEvent::LinkLost { link } if self.peer.is(link) => self.link_lost(cx),
            // The link was replaced, or is not one to the other copy.
            CopyEvent::Said { .. } | CopyEvent::LinkLost { .. } => Ok(()),
            CopyEvent::Synced { mark } => self.synced(cx, mark),
            CopyEvent::Read { read, result } => self.has_read(cx, read, result),
            CopyEvent::Tick => {
                let stalled = self.sending().drop_stalled(cx.now);
                self.proceed(cx)?;
                stalled
            }
        }
    }

    /// Goes on as far as the copy can go now.
    fn proceed(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        self.salvager().pursue(cx);
        let sent = self.sending().proceed(cx);
        self.handle_damage(cx, sent)
    }

    fn welcomed(&mut self, cx: &mut Context<'_>, view: Option<View>) -> Result<(), Fault> {
        self.gateway_lost();
        self.source.forget_reports();
        if view.is_some() {
            self.source.view_told();
        }
        self.replica.tell_alone(cx);
        self.told.tell(cx, &self.replica);
        self.replica.tell_salvage(cx);
        if let Some(view) = view {
            self.replica.offer(cx, view)?;
        }
        self.proceed(cx)
    }

    fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        let Synced { more_is_durable, adopted, parked, is_salvaged } =
            self.replica.synced(cx, mark);
        if adopted.is_some() {
            self.source.view_told();
            self.replica.tell_alone(cx);
            if self.replica.is_salvaging() {
                self.replica.tell_salvage(cx);
            }
            if !self.replica.is_source() && self.peer.linked().is_some() {
                // It may have been the source before, or have become damaged: whoever sends to it
                // from now on has to know how far it is, and what of that can be relied on.
                self.receiving().begin_greeting(cx);
            }
        }
        self.told.tell(cx, &self.replica);
        self.receiving().acknowledge(cx, mark);
        if more_is_durable || adopted.is_some() || is_salvaged {
            self.proceed(cx)?;
        }
        for request in parked {
            self.request(cx, request)?;
        }
        Ok(())
    }

    fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let served = Serving { replica: &mut self.replica }.request(cx, request);
        self.handle_damage(cx, served)
    }

    fn sending(&mut self) -> Sending<'_> {
        let Self { replica, peer, source, settings, .. } = self;
        Sending { replica, peer, source, settings }
    }

    fn receiving(&mut self) -> Receiving<'_> {
        let Self { replica, peer, sink, comparison, .. } = self;
        Receiving { replica, peer, sink, comparison }
    }

    fn salvager(&mut self) -> Salvager<'_> {
        let Self { replica, salvaging, .. } = self;
        Salvager { replica, salvaging }
    }
}
