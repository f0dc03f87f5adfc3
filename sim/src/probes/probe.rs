//! The situations worth reaching, by name.

macro_rules! probes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)+) => {
        /// A situation worth reaching.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Probe {
            $($(#[$doc])* $name,)+
        }

        impl Probe {
            /// Every probe.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// The name in reports.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)+
                }
            }
        }
    };
}

probes! {
    /// A view shrank to home: next was lost.
    ViewShrinks = "view shrinks",
    /// Next was reinstated: home lost its data before it went on alone.
    NextReinstated = "next reinstated",
    /// A view expanded after an ask.
    ViewExpands = "view expands",
    /// The controller refused an ask.
    AskRefused = "ask refused",
    /// A donor died, or lost its gateway, while its ask was open.
    AskInterrupted = "ask interrupted",
    /// A donor logged more entries between its ask and the view.
    WriteDuringAsk = "write during an ask",
    /// A copy turned away a read of another epoch.
    ReadFenced = "read fenced",
    /// A copy turned away an update of another epoch.
    UpdateFenced = "update fenced",
    /// The gateway sent an update again.
    UpdateResent = "update sent again",
    /// Home answered an update that it had carried out before.
    DuplicateSuppressed = "duplicate suppressed",
    /// A node started again without some of its entries: they were lost with the power.
    UnsyncedLost = "unsynced entries lost",
    /// A node started again with unsynced entries.
    UnsyncedFound = "unsynced entries found",
    /// A node started with a trimmed log.
    LogTrimmed = "log trimmed",
    /// The gateway died while it was saving a view.
    GatewayDiedSaving = "gateway died while saving",
    /// A gateway found the views of the gateway before it.
    GatewayGoesOn = "gateway goes on from its file",
    /// A save of the cluster's state failed.
    SaveFailed = "save failed",
    /// The lock turned a second gateway away.
    SecondGatewayLocked = "second gateway locked out",
    /// A disk was full, and its node ended.
    DiskFull = "disk full",
    /// A write or a sync failed, and its node ended.
    DiskFailed = "disk failed",
    /// One sync made several entries durable.
    GroupCommit = "group commit",
    /// A copy sent several entries in one append.
    AppendOfMany = "append of many",
    /// A copy stored a view learned from home, before the gateway told it.
    ViewFromHome = "view learned from home",
    /// A copy stored a view learned from next.
    ViewFromNext = "view learned from next",
    /// The replica answered a read while home had no link to the gateway.
    ReadWithoutHome = "read while home is down",
    /// Home, the primary alone, answered a read.
    ReadAtPrimary = "read at the primary",
    /// Home, the primary alone, answered an update.
    UpdateAlone = "update at the primary alone",
    /// The gateway turned an update away with 503.
    UpdateUnavailable = "update unavailable",
    /// The gateway turned an update away because its node had enough to do.
    UpdateTurnedAway = "update turned away from a busy node",
    /// An update ended with 504.
    UpdateUnknown = "update of unknown outcome",
    /// A precondition was not met.
    PreconditionFailed = "precondition failed",
    /// A node linked a second time before its first link was lost.
    LinkReplaced = "link replaced",
    /// A node's process died before a gateway welcomed it.
    DiedInRecovery = "died in recovery",
    /// A node served on through a restart of the gateway.
    NodeOutlivesGateway = "node outlives gateway",
    /// A read waited until the entry it shows was committed.
    ReadWaits = "read waits for a commit",
    /// A copy was sent some entries a second time.
    EntriesSentAgain = "entries sent again",
    /// A view shrank although next was linked and not damaged, for example because home could
    /// not reach it.
    NeighboursCut = "neighbours cut off from each other",
    /// The gateway lost the link of a node while its process went on.
    CutFromGateway = "node cut off from the gateway",
    /// A read was turned away because the only linked copy was out of sync.
    StaleAlone = "only a stale copy is there",
    /// A client found no gateway.
    GatewayGone = "no gateway there",
    /// A client gave up, and does not know the outcome of its update.
    ClientGaveUp = "client gave up",
    /// Home was dropped: it had lost its data, or was damaged.
    HomeDropped = "home dropped",
    /// A dropped home was restored.
    HomeRestored = "home restored",
    /// Next, alone in sync, answered a read.
    ReadAtNextAlone = "read at next alone",
    /// A snapshot began.
    SnapshotBegins = "snapshot begins",
    /// A snapshot came to its end.
    SnapshotCompletes = "snapshot completes",
    /// A copy died in the middle of a snapshot, and went on with it later.
    SnapshotResumed = "snapshot resumed",
    /// An entry was applied in the middle of a snapshot.
    UpdateDuringSnapshot = "update during a snapshot",
    /// A view lost with the controller's file was rebuilt.
    ViewRebuilt = "view rebuilt",
    /// A controller heard of a view newer than its own.
    ViewForgotten = "view forgotten",
    /// A node found a copy damaged.
    DamageFound = "damage found",
    /// A node found at its start that a copy was unreadable.
    Unreadable = "copy unreadable at the start",
    /// A snapshot began to replace a damaged copy.
    DamageRepaired = "damage repaired",
    /// A node read a record that was not at hand.
    ColdRead = "cold read",
    /// An entry changed a record during its read.
    ReadOvertaken = "read overtaken",
    /// A read failed, and its node ended.
    ReadFailed = "read failed",
    /// Entries changed the rows of a stretch while they were read for a comparison.
    ComparisonSkipped = "comparison skipped",
    /// A node with a slow disk came back into a view while clients asked for updates.
    SlowJoinerBack = "slow joiner came back under load",
    /// The copies of a partition were compared, to the end or to the first difference.
    CopiesCompared = "copies compared",
    /// A node answered a probe message.
    ProbeAnswered = "probe answered",
    /// A node lost its link before it answered a probe message.
    ProbeUnanswered = "probe never answered",
    /// The gateway lost its last link.
    AllLinksLost = "all links lost",
    /// A node told the gateway that its disk does not answer.
    DiskSilent = "disk silent",
    /// The disk of a linked node answered again.
    DiskAnswers = "disk answers again",
    /// A node ended because its disk did not answer.
    DiskDeadline = "disk given up",
    /// A node could not decode a frame.
    FrameUndecodable = "frame not decoded",
    /// A request from such a frame, or from behind it, was sent again alone.
    SentAlone = "request sent alone",
    /// A node could not decode a frame with only one request.
    CulpritFound = "request not decoded alone",
    /// A node was welcomed without a published view, because that view names its lost data.
    WelcomedWithoutView = "welcomed without a view of lost data",
    /// A snapshot began to replace a copy with later durable entries.
    RestoredToLess = "snapshot of less than there was",
}
