//! Counts of the events in the runs, to prove that enough has happened.

/// Counts of the events in the runs, to prove that enough has happened.
#[derive(Debug, Default)]
pub struct Totals {
    /// The number of schedules played.
    pub schedules: u64,
    pub(crate) done: u64,
    pub(crate) not_done: u64,
    pub(crate) unknown: u64,
    pub(crate) view_changes: u64,
    pub(crate) reads_at_home: u64,
    pub(crate) reads_at_next: u64,
    pub(crate) fenced: u64,
    pub(crate) resent: u64,
    pub(crate) node_deaths: u64,
    pub(crate) gateway_deaths: u64,
    pub(crate) data_losses: u64,
    pub(crate) state_losses: u64,
    pub(crate) installs: u64,
    pub(crate) reinstated: u64,
    pub(crate) rotten: u64,
    pub(crate) damage_found: u64,
    pub(crate) salvages: u64,
    pub(crate) users_dropped: u64,
    pub(crate) reads_at_next_alone: u64,
    pub(crate) broken_links: u64,
    pub(crate) cold_reads: u64,
    pub(crate) other_reads: u64,
    pub(crate) reads_overtaken: u64,
    pub(crate) comparisons_skipped: u64,
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
