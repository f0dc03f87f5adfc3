//! The situations worth reaching, by name.

use strum::{IntoStaticStr, VariantArray};

/// A situation worth reaching.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Probe {
    /// A view shrank to home: next was lost.
    ViewShrinks,
    /// Next was reinstated: home lost its data before it went on alone.
    NextReinstated,
    /// A view expanded after an ask.
    ViewExpands,
    /// The controller refused an ask.
    AskRefused,
    /// A donor died, or lost its gateway, while its ask was open.
    AskInterrupted,
    /// A donor logged more entries between its ask and the view.
    WriteDuringAsk,
    /// A copy turned away a read of another epoch.
    ReadFenced,
    /// A copy turned away an update of another epoch.
    UpdateFenced,
    /// The gateway sent an update again.
    UpdateResent,
    /// Home answered an update that it had carried out before.
    DuplicateSuppressed,
    /// A node started again without some of its entries: they were lost with the power.
    UnsyncedLost,
    /// A node started again with unsynced entries.
    UnsyncedFound,
    /// A node started with a trimmed log.
    LogTrimmed,
    /// The gateway died while it was saving a view.
    GatewayDiedSaving,
    /// A gateway found the views of the gateway before it.
    GatewayGoesOn,
    /// A save of the cluster's state failed.
    SaveFailed,
    /// The lock turned a second gateway away.
    SecondGatewayLocked,
    /// A disk was full, and its node ended.
    DiskFull,
    /// A write or a sync failed, and its node ended.
    DiskFailed,
    /// One sync made several entries durable.
    GroupCommit,
    /// A copy sent several entries in one append.
    AppendOfMany,
    /// A copy stored a view learned from home, before the gateway told it.
    ViewFromHome,
    /// A copy stored a view learned from next.
    ViewFromNext,
    /// The replica answered a read while home had no link to the gateway.
    ReadWithoutHome,
    /// Home, the primary alone, answered a read.
    ReadAtPrimary,
    /// Home, the primary alone, answered an update.
    UpdateAlone,
    /// The gateway turned an update away with 503.
    UpdateUnavailable,
    /// The gateway turned an update away because its node had enough to do.
    UpdateTurnedAway,
    /// An update ended with 504.
    UpdateUnknown,
    /// A precondition was not met.
    PreconditionFailed,
    /// A node linked a second time before its first link was lost.
    LinkReplaced,
    /// A node's process died before a gateway welcomed it.
    DiedInRecovery,
    /// A node served on through a restart of the gateway.
    NodeOutlivesGateway,
    /// A read waited until the entry it shows was committed.
    ReadWaits,
    /// A copy was sent some entries a second time.
    EntriesSentAgain,
    /// A view shrank although next was linked and not damaged, for example because home could
    /// not reach it.
    NeighboursCut,
    /// The gateway lost the link of a node while its process went on.
    CutFromGateway,
    /// A read was turned away because the only linked copy was out of sync.
    StaleAlone,
    /// A client found no gateway.
    GatewayGone,
    /// A client gave up, and does not know the outcome of its update.
    ClientGaveUp,
    /// Home was dropped: it had lost its data, or was damaged.
    HomeDropped,
    /// A dropped home was restored.
    HomeRestored,
    /// Next, alone in sync, answered a read.
    ReadAtNextAlone,
    /// A snapshot began.
    SnapshotBegins,
    /// A snapshot came to its end.
    SnapshotCompletes,
    /// A copy died in the middle of a snapshot, and went on with it later.
    SnapshotResumed,
    /// An entry was applied in the middle of a snapshot.
    UpdateDuringSnapshot,
    /// A view lost with the controller's file was rebuilt.
    ViewRebuilt,
    /// A controller heard of a view newer than its own.
    ViewForgotten,
    /// A node found a copy damaged.
    DamageFound,
    /// A node found at its start that a copy was unreadable.
    Unreadable,
    /// A snapshot began to replace a damaged copy.
    DamageRepaired,
    /// A node read a record that was not at hand.
    ColdRead,
    /// An entry changed a record during its read.
    ReadOvertaken,
    /// A read failed, and its node ended.
    ReadFailed,
    /// Entries changed the rows of a stretch while they were read for a comparison.
    ComparisonSkipped,
    /// A node with a slow disk came back into a view while clients asked for updates.
    SlowJoinerBack,
    /// The copies of a partition were compared, to the end or to the first difference.
    CopiesCompared,
    /// A node answered a probe message.
    ProbeAnswered,
    /// A node lost its link before it answered a probe message.
    ProbeUnanswered,
    /// The gateway lost its last link.
    AllLinksLost,
    /// A node told the gateway that its disk does not answer.
    DiskSilent,
    /// The disk of a linked node answered again.
    DiskAnswers,
    /// A node ended because its disk did not answer.
    DiskDeadline,
    /// A node could not decode a frame.
    FrameUndecodable,
    /// A request from such a frame, or from behind it, was sent again alone.
    SentAlone,
    /// A node could not decode a frame with only one request.
    CulpritFound,
    /// A node was welcomed without a published view, because that view names its lost data.
    WelcomedWithoutView,
    /// A snapshot began to replace a copy with later durable entries.
    RestoredToLess,
}

impl Probe {
    /// Every probe.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name in reports: the name of the variant in kebab case.
    pub fn name(self) -> &'static str {
        self.into()
    }
}
