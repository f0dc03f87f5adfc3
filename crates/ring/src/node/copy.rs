//! A copy of a partition, whichever of the two it is.
//!
//! ```text
//!   gateway              home copy                               next copy
//!      | update             |                                       |
//!      |------------------->| duplicate? precondition? next seq     |
//!      |                    | write ... synced: durable at home     |
//!      |                    |-- append (durable entries only) ----->| write ... synced: committed there
//!      |                    |<------------------------- durable ----|
//!      |<--- answer --------| committed: release                    |
//!      | read                                                       |
//!      |----------------------------------------------------------->| committed? else it waits
//!      |<------------------------------------------------- answer --|
//! ```
//!
//! Nothing waits for the update before it: many share one sync and one append.
//!
//! Both copies are one type, because which of them sends to the other is for the view to say, not for the ring: home is the
//! *source* wherever it is in sync, and next is where home has lost its data and is restored. Only what an update does is
//! home's alone.
//!
//! | module | owns |
//! |---|---|
//! | [`replica`] | log, records, views and answers: what a copy is |
//! | [`source`] | what a copy does that sends: sessions, snapshots, asks |
//! | [`sink`] | what a copy does that receives |
//! | [`comparison`] | how the receiver compares its rows with the source's |
//! | [`reads`] | what is read of the storage, and for what |
//! | [`damage`] | what a copy does where its data is not what was written |
//! | [`salvage`] | how a copy drops what it cannot read, once an operator has accepted that |
//! | [`peer`] | the other copy, as this one knows it |
//! | [`updates`] | what an update does |
//! | [`acting`] | the view that a copy acts on, and the one it is storing |
//! | [`tail`] | the end of the log, in memory |
//! | [`release`] | answers that wait for their position to be committed |
//! | [`applied`] | the table of applied request ids |
//! | [`durability`] | which entry a sync has covered |

pub(crate) mod acting;
pub(crate) mod applied;
mod comparison;
pub(crate) mod context;
mod damage;
pub(crate) mod durability;
mod peer;
pub(crate) mod reads;
pub(crate) mod release;
pub(crate) mod replica;
mod salvage;
mod sink;
mod source;
pub(crate) mod tail;
mod updates;

use protocol::id::{Epoch, Incarnation, PartitionId};
use protocol::message::{
    Condition, CopyMessage, CopyReport, FromNode, Operation, Progress, Reply, Request, Update,
};
use protocol::view::{InSync, Member, View};

use self::comparison::Comparison;
use self::context::{Context, Fault};
use self::peer::Peer;
use self::replica::{Replica, Synced};
use self::salvage::Salvaging;
use self::sink::Sink;
use self::source::Source;
use crate::link::LinkId;
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
    /// What the controller was told last of what the copy is worth, and under which view.
    told: (Epoch, Condition),
}

impl PartitionCopy {
    pub(crate) fn recovered(
        of: (PartitionId, Member),
        me: Incarnation,
        settings: NodeSettings,
        recovered: RecoveredCopy,
        now: Time,
    ) -> Self {
        Self {
            replica: Replica::recovered(of, me, &settings, recovered),
            settings,
            peer: Peer::default(),
            source: Source::new(now),
            sink: Sink::default(),
            comparison: Comparison::default(),
            salvaging: Salvaging::default(),
            told: (Epoch::default(), Condition::default()),
        }
    }

    /// The partition.
    pub fn partition(&self) -> PartitionId {
        self.replica.partition()
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
        self.told = self.worth();
        self.replica.report()
    }

    /// Whether it is this copy that sends to the other one, by the view that it acts on.
    fn is_source(&self) -> bool {
        let member = self.replica.member();
        self.replica.is_named() && self.view().is_some_and(|view| view.in_sync.source() == member)
    }

    /// The gateway's welcome on a new link, with the partition's view where the controller knows it.
    pub(crate) fn welcomed(
        &mut self,
        cx: &mut Context<'_>,
        view: Option<View>,
    ) -> Result<(), Fault> {
        self.gateway_lost();
        self.source.forget_reports();
        if view.is_some() {
            self.source.view_told();
        }
        self.tell_alone(cx);
        self.tell_condition(cx);
        self.tell_salvage(cx);
        if let Some(view) = view {
            self.offer(cx, view)?;
        }
        self.proceed(cx)
    }

    /// Home serves alone: the controller hears of it before anyone hears of anything else.
    fn tell_alone(&self, cx: &mut Context<'_>) {
        let Some(View { partition, epoch, in_sync, .. }) = self.view().copied() else { return };
        if self.is_source() && matches!(in_sync, InSync::HomeOnly { .. }) {
            cx.tell_gateway(FromNode::ServesAlone { partition, epoch });
        }
    }

    /// The link to the gateway is gone: nobody waits for the answers any more.
    pub(crate) fn gateway_lost(&mut self) {
        self.replica.gateway_lost();
    }

    /// A view from the controller, or from the other copy.
    pub(crate) fn offer(&mut self, cx: &mut Context<'_>, view: View) -> Result<(), Fault> {
        self.replica.offer(cx, view)
    }

    /// The mutations up to `mark` are durable.
    pub(crate) fn synced(&mut self, cx: &mut Context<'_>, mark: Mark) -> Result<(), Fault> {
        let Synced { more_is_durable, adopted, parked, is_salvaged } =
            self.replica.synced(cx, mark);
        if adopted.is_some() {
            self.source.view_told();
            self.tell_alone(cx);
            if self.replica.is_salvaging() {
                self.tell_salvage(cx);
            }
            if !self.is_source() && self.peer.linked().is_some() {
                // It may have been the source before, or have become damaged: whoever sends to it from now on has to know
                // how far it is, and what of that can be relied on.
                self.begin_greeting(cx);
            }
        }
        self.tell_condition(cx);
        self.acknowledge(cx, mark);
        if more_is_durable || adopted.is_some() || is_salvaged {
            self.proceed(cx)?;
        }
        for request in parked {
            self.request(cx, request)?;
        }
        Ok(())
    }

    /// A read or an update.
    pub(crate) fn request(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let call = request.call;
        let served = self.serve(cx, request);
        if matches!(served, Err(Fault::Damaged(_))) {
            cx.reply(call, Reply::Fenced);
        }
        self.bear_damage(cx, served)
    }

    fn serve(&mut self, cx: &mut Context<'_>, request: Request) -> Result<(), Fault> {
        let Some(request) = self.replica.admit(cx, request)? else { return Ok(()) };
        let view = self.view().unwrap_or_else(|| unreachable!("admitted under a view"));
        let member = self.replica.member();
        match &request.operation {
            Operation::Read(_) if view.in_sync.reader() != member => {
                return Err(cx.gateway_fault(format!("a read at {member} under {view}")));
            }
            Operation::Update(_) if view.in_sync.primary() != Some(member) => {
                return Err(cx.gateway_fault(format!("an update at {member} under {view}")));
            }
            Operation::Read(_) | Operation::Update(_) => {}
        }
        let Some(request) = self.replica.queue(request) else { return Ok(()) };
        match request.operation {
            Operation::Read(_) => self.replica.read(cx, request),
            Operation::Update(Update { request: id, unsettled_from, .. }) => {
                self.update(cx, request, (id, unsettled_from))
            }
        }
    }

    fn commit(&mut self, cx: &mut Context<'_>) {
        self.replica.commit(cx, self.committable());
    }

    /// Next's node is dialled from now on.
    pub(crate) fn next_is_dialled(&mut self, now: Time) {
        self.source.dialled(now);
    }

    /// A new link to the other copy's node is up. It takes the place of one before, which is returned.
    pub(crate) fn neighbour_linked(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        incarnation: Incarnation,
    ) -> Option<LinkId> {
        let before = self.peer.link(link, incarnation);
        self.source.close(cx.now);
        self.begin_greeting(cx);
        before
    }

    /// The link to the other copy's node is gone.
    pub(crate) fn neighbour_lost(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
    ) -> Result<(), Fault> {
        if self.peer.is(link) {
            self.peer.unlink();
            self.source.close(cx.now);
            self.proceed(cx)?;
        }
        Ok(())
    }

    /// A message from the other copy.
    pub(crate) fn neighbour_says(
        &mut self,
        cx: &mut Context<'_>,
        link: LinkId,
        message: CopyMessage,
    ) -> Result<(), Fault> {
        if !self.peer.is(link) {
            return Ok(());
        }
        match message {
            CopyMessage::Greeting(greeting) => {
                if let Some(view) = greeting.view {
                    self.check_partition(link, &view)?;
                    self.offer(cx, view)?;
                }
                self.peer.greeted(greeting);
                self.source.close(cx.now);
            }
            CopyMessage::Data { session, view, data } => {
                return self.receive(cx, link, (session, view, data));
            }
            CopyMessage::Durable { session, seq, data, written } => {
                let made_durable = self.made_durable(cx, (link, session), (seq, data, written));
                self.bear_damage(cx, made_durable)?;
            }
            CopyMessage::Compared { session } => self.has_compared(link, session)?,
            CopyMessage::Goodbye(refusal) => return Err(Fault::Drop(link, refusal)),
        }
        self.proceed(cx)
    }

    /// A view from the other copy is one of this partition.
    fn check_partition(&self, link: LinkId, view: &View) -> Result<(), Fault> {
        if view.partition == self.partition() {
            return Ok(());
        }
        let detail = format!("the other copy of {} acts on {view}", self.partition());
        Err(Fault::protocol_error(link, detail))
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, cx: &mut Context<'_>) -> Result<(), Fault> {
        let stalled = self.drop_stalled(cx.now);
        self.proceed(cx)?;
        stalled
    }

    /// When to tick at the latest.
    pub(crate) fn deadline(&self, has_gateway: bool) -> Option<Time> {
        self.source_deadline(has_gateway)
    }
}
