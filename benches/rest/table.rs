//! The table: a line for each subject of a comparison.

use std::time::Duration;

use crate::overload::{Fates, percentile};
use crate::server::Usage;
use crate::subject::{Measured, Used};

/// A comparison of two subjects.
pub(crate) struct Row<'a> {
    pub(crate) workload: &'static str,
    pub(crate) storage: &'static str,
    pub(crate) left: &'a str,
    pub(crate) right: &'a str,
    pub(crate) pairs: &'a [(Measured, Measured)],
}

/// Begins the table. Its lines are printed as they come.
pub(crate) fn begin() {
    println!(
        "| workload | data on | subject | requests/s | p50 ms | p99 ms | p99.9 ms | ratio (least, most) | µs of CPU a request | MiB |"
    );
    println!("|---|---|---|---:|---:|---:|---:|---:|---|---|");
}

/// Adds a comparison, with medians. The ratio is a median too: of the ratios of the pairs. The
/// two of a pair were measured one right after the other.
pub(crate) fn add(row: &Row<'_>) {
    let ratios = sorted(
        row.pairs.iter().map(|(left, right)| left.seen.per_second() / right.seen.per_second()),
    );
    let ratio = match (ratios.first(), ratios.last()) {
        (Some(least), Some(most)) => {
            format!("**{:.2}** ({least:.2}, {most:.2})", middle(&ratios))
        }
        _ => String::new(),
    };
    let left = row.pairs.iter().map(|(left, _)| left).collect::<Vec<_>>();
    let right = row.pairs.iter().map(|(_, right)| right).collect::<Vec<_>>();
    line(row, row.left, &left, &ratio);
    line(row, row.right, &right, "1");
}

/// Begins the table of a ring under more load than it can bear.
pub(crate) fn begin_overload() {
    println!(
        "| workload | load | due/s | done/s | of capacity | 503/s | not sent/s | p50 ms | p99 ms | p99 ms of 503 | MiB |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|---|");
}

/// A load, and the fates of its requests.
pub(crate) struct OverloadRow<'a> {
    pub(crate) workload: &'static str,
    /// The name of the load.
    pub(crate) load: &'a str,
    /// The number of requests due in each second, if the load has a rate.
    pub(crate) due: Option<f64>,
    /// The number of requests done in each second by the ring when it is always busy.
    pub(crate) capacity: f64,
    pub(crate) time: Duration,
    pub(crate) fates: &'a Fates,
    pub(crate) usage: &'a [(&'static str, Usage)],
}

/// Adds a line to the table of overload.
pub(crate) fn add_overload(row: &OverloadRow<'_>) {
    let OverloadRow { workload, load, due, capacity, time, fates, usage } = row;
    let per_second = |count: usize| count as f64 / time.as_secs_f64();
    let ms = |ordered: &[u64], of_hundred| {
        percentile(ordered, of_hundred)
            .map_or_else(String::new, |us| format!("{:.2}", us as f64 / 1e3))
    };
    let memory = usage.iter().map(|(role, used)| format!("{role} {}", used.memory_bytes >> 20));
    let done = per_second(fates.done_us.len());
    println!(
        "| {workload} | {load} | {} | {done:.0} | **{:.2}** | {:.0} | {} | {} | {} | {} | {} |",
        due.map_or_else(String::new, |due| format!("{due:.0}")),
        done / capacity,
        per_second(fates.shed_us.len()),
        due.map_or_else(String::new, |_| format!(
            "{:.0}",
            fates.unsent as f64 / time.as_secs_f64()
        )),
        ms(&fates.done_us, 50),
        ms(&fates.done_us, 99),
        ms(&fates.shed_us, 99),
        memory.collect::<Vec<_>>().join(", "),
    );
}

fn line(row: &Row<'_>, subject: &str, measured: &[&Measured], ratio: &str) {
    let median = |of: fn(&Measured) -> f64| middle(&sorted(measured.iter().map(|one| of(one))));
    let roles = measured.first().map(|one| one.used.len()).unwrap_or_default();
    let used = |of: fn(&Used) -> f64, digits: usize| {
        let of_role = |role: usize| {
            let values = measured.iter().filter_map(|one| Some(of(one.used.get(role)?)));
            let name = measured.first().and_then(|one| one.used.get(role)).map(|used| used.role);
            format!("{} {:.digits$}", name.unwrap_or_default(), middle(&sorted(values)))
        };
        (0..roles).map(of_role).collect::<Vec<_>>().join(", ")
    };
    println!(
        "| {} | {} | {subject} | {:.0} | {:.2} | {:.2} | {:.2} | {ratio} | {} | {} |",
        row.workload,
        row.storage,
        median(|one| one.seen.per_second()),
        median(|one| one.seen.p50_us as f64 / 1e3),
        median(|one| one.seen.p99_us as f64 / 1e3),
        median(|one| one.seen.p999_us as f64 / 1e3),
        used(|used| used.cpu_us_per_request, 1),
        used(|used| used.memory_bytes as f64 / f64::from(1 << 20), 0),
    );
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values = values.collect::<Vec<_>>();
    values.sort_by(f64::total_cmp);
    values
}

/// The median of sorted values. For an even number of values it is the mean of the two in the
/// middle.
fn middle(sorted: &[f64]) -> f64 {
    let half = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => sorted[half],
        _ => f64::midpoint(sorted[half - 1], sorted[half]),
    }
}
