//! The habits of seeds: sizes, times and loads beyond those of a usual day. Each can be left out of
//! all seeds, to see what is caught only because of it.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::swarm::{
    Span, Swarm, SyncCovers, usual_frame_bytes_full, usual_log_bytes_kept, usual_queue_bytes_max,
    usual_reads_of_node_max, usual_segment_bytes_max, usual_tcp_segments,
};

/// A habit of some seeds, or of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Habit {
    /// Writes take time.
    SlowWrites,
    /// A sync covers only the writes before its begin.
    EarlySyncs,
    /// The clock of a machine leaps when it stands still.
    Leaps,
    /// Names of 700 bytes.
    LongNames,
    /// All operations begin at a few moments, some by 150 clients.
    Bursts,
    /// Few reads may be under way at a node.
    FewReads,
    /// Few bytes of the log are kept.
    ShortLogs,
    /// A stream has few and short segments.
    Segments,
    /// Links have small frames and queues.
    SmallFrames,
}

impl Habit {
    /// Every habit.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// Takes the habit from a seed.
    pub(super) fn leave_out(self, swarm: &mut Swarm) {
        match self {
            Self::SlowWrites => swarm.write_ms = Span::nothing(),
            Self::EarlySyncs => swarm.sync_covers = SyncCovers::BeforeEnd,
            Self::Leaps => swarm.clocks_leap = false,
            Self::LongNames => swarm.name_padding = 0,
            Self::Bursts => swarm.bursts = None,
            Self::FewReads => swarm.reads_of_node_max = usual_reads_of_node_max(),
            Self::ShortLogs => swarm.log_bytes_kept = usual_log_bytes_kept(),
            Self::Segments => {
                swarm.tcp_segments = usual_tcp_segments();
                swarm.segment_bytes_max = usual_segment_bytes_max();
            }
            Self::SmallFrames => {
                swarm.frame_bytes_full = usual_frame_bytes_full();
                swarm.queue_bytes_max = usual_queue_bytes_max();
            }
        }
    }
}
