//! Counts of the events in the runs, to prove that enough has happened.

/// Counts of the events in the runs, to prove that enough has happened.
#[derive(Debug, Default)]
pub struct Totals {
    /// The number of schedules played.
    pub schedules: u64,
    /// Requests done.
    pub(crate) done: u64,
    /// Requests certainly not done.
    pub(crate) not_done: u64,
    /// Requests without a known outcome.
    pub(crate) unknown: u64,
    /// Changes of a view, decided and not always saved.
    pub(crate) view_changes: u64,
    /// Reads answered by home.
    pub(crate) reads_at_home: u64,
    /// Reads answered by next in the view *both*.
    pub(crate) reads_at_next: u64,
    /// Requests not carried out by a node.
    pub(crate) fenced: u64,
    /// Updates sent more than once.
    pub(crate) resent: u64,
    /// Nodes killed.
    pub(crate) node_deaths: u64,
    /// Gateways killed.
    pub(crate) gateway_deaths: u64,
    /// Disks lost.
    pub(crate) data_losses: u64,
    /// Losses of the controller's file.
    pub(crate) state_losses: u64,
    /// Snapshots completed.
    pub(crate) installs: u64,
    /// Next copies in the place of a home without its data.
    pub(crate) reinstated: u64,
    /// Records made unreadable.
    pub(crate) rotten: u64,
    /// Copies marked as damaged.
    pub(crate) damage_found: u64,
    /// Salvages completed.
    pub(crate) salvages: u64,
    /// Records dropped by a salvage.
    pub(crate) users_dropped: u64,
    /// Reads answered by next in the view *next only*.
    pub(crate) reads_at_next_alone: u64,
    /// Links broken by an action.
    pub(crate) broken_links: u64,
    /// Reads of a record not at hand.
    pub(crate) cold_reads: u64,
    /// All other reads of a disk.
    pub(crate) other_reads: u64,
    /// Reads with another result when they returned than when they were carried out.
    pub(crate) reads_overtaken: u64,
    /// Stretches of a comparison skipped because entries touched them.
    pub(crate) comparisons_skipped: u64,
    /// Steps of the checker of histories.
    pub(crate) checker_steps: u64,
}

impl Totals {
    #[cfg(test)]
    pub(crate) fn add(&mut self, other: &Self) {
        self.schedules += other.schedules;
        self.done += other.done;
        self.not_done += other.not_done;
        self.unknown += other.unknown;
        self.view_changes += other.view_changes;
        self.reads_at_home += other.reads_at_home;
        self.reads_at_next += other.reads_at_next;
        self.fenced += other.fenced;
        self.resent += other.resent;
        self.node_deaths += other.node_deaths;
        self.gateway_deaths += other.gateway_deaths;
        self.data_losses += other.data_losses;
        self.state_losses += other.state_losses;
        self.installs += other.installs;
        self.reinstated += other.reinstated;
        self.rotten += other.rotten;
        self.damage_found += other.damage_found;
        self.salvages += other.salvages;
        self.users_dropped += other.users_dropped;
        self.reads_at_next_alone += other.reads_at_next_alone;
        self.broken_links += other.broken_links;
        self.cold_reads += other.cold_reads;
        self.other_reads += other.other_reads;
        self.reads_overtaken += other.reads_overtaken;
        self.comparisons_skipped += other.comparisons_skipped;
        self.checker_steps += other.checker_steps;
    }

    /// Fails if little happened: such a run proves little.
    #[cfg(test)]
    pub(crate) fn assert_much_happened(&self) {
        let operations = self.done + self.not_done + self.unknown;
        assert!(self.done * 2 > operations, "fewer than half of the operations have been done");
        assert!(self.view_changes >= self.schedules, "fewer than one view change a schedule");
        for (what, count) in [
            ("reads at home", self.reads_at_home),
            ("reads at next", self.reads_at_next),
            ("fenced requests", self.fenced),
            ("updates sent again", self.resent),
            ("gateway deaths", self.gateway_deaths),
            ("losses of data", self.data_losses),
            ("losses of the state", self.state_losses),
            ("snapshots", self.installs),
            ("next copies reinstated", self.reinstated),
            ("records rotten", self.rotten),
            ("damage found", self.damage_found),
            ("salvages", self.salvages),
            ("users dropped", self.users_dropped),
            ("reads at next alone", self.reads_at_next_alone),
            ("cold reads", self.cold_reads),
            ("other reads of the disk", self.other_reads),
            ("reads overtaken", self.reads_overtaken),
            ("comparisons skipped", self.comparisons_skipped),
        ] {
            assert!(count * 1_000 >= self.schedules, "too few {what}: {count}");
        }
    }
}
