//! The table of bugs, seeds and checks, for people and for `docs/testing.md`.

use std::fs;
use std::ops::Range;
use std::path::Path;

use anyhow::Context;

use super::patch::Patch;

/// The markers around the table in the document.
const BEGIN: &str = "<!-- table of bugs: written by `cargo run -p sim -- bugs --write` -->";
const END: &str = "<!-- end of the table of bugs -->";

/// The result for a bug.
pub(super) struct Row {
    pub(super) patch: Patch,
    pub(super) caught: Option<Caught>,
}

/// How a bug was caught.
pub(super) struct Caught {
    /// The number of seeds until then.
    pub(super) after: u64,
    /// The check that caught the bug, or the failure of the harness.
    pub(super) by: Result<String, String>,
}

/// The same seeds without any bug: the number played, and the number failed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clean {
    pub(super) played: u64,
    pub(super) failed: usize,
}

impl Row {
    /// Whether one of the checks named by the patch caught the bug.
    pub(super) fn is_caught_as_expected(&self) -> bool {
        let by = self.caught.as_ref().and_then(|caught| caught.by.as_ref().ok());
        by.is_some_and(|by| self.patch.caught_by.contains(by))
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let name = &self.patch.name;
        match &self.caught {
            None => format!("{name}: not caught"),
            Some(Caught { after, by: Err(detail) }) => {
                format!("{name}: the harness failed at seed {after}: {detail}")
            }
            Some(Caught { after, by: Ok(by) }) if self.is_caught_as_expected() => {
                format!("{name}: caught after {after} seeds by {by}")
            }
            Some(Caught { after, by: Ok(by) }) => {
                let wanted = self.patch.caught_by.join(", ");
                format!(
                    "{name}: caught after {after} seeds by {by}, which is not about it ({wanted})"
                )
            }
        }
    }
}

/// The table, in Markdown.
pub(super) fn render(rows: &[Row], seeds: &Range<u64>, clean: Clean) -> String {
    let mut lines = vec![
        "| bug | what is wrong | seeds until caught | by |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for Row { patch, caught } in rows {
        let (after, by) = match caught {
            None => (format!("not in {}", seeds.end - seeds.start), String::new()),
            Some(Caught { after, by: Ok(by) }) => (after.to_string(), format!("`{by}`")),
            Some(Caught { after, by: Err(_) }) => (after.to_string(), "a crash".to_owned()),
        };
        let with = patch.faults.as_ref().map_or_else(String::new, |kinds| {
            let kinds = kinds.iter().map(|kind| format!("`{}`", kind.name()));
            format!(" of {}", kinds.collect::<Vec<_>>().join(", "))
        });
        lines.push(format!("| `{}` | {} | {after}{with} | {by} |", patch.name, patch.bug));
    }
    let mut all = rows
        .iter()
        .filter_map(|row| row.caught.as_ref())
        .map(|caught| caught.after)
        .collect::<Vec<_>>();
    all.sort_unstable();
    let median = all.get(all.len() / 2).copied().unwrap_or(0);
    lines.push(String::new());
    lines.push(format!(
        "{} of {} bugs caught, in the median after {median} seeds.\nThe same seeds without a bug: {} played, {} failed.",
        all.len(),
        rows.len(),
        clean.played,
        clean.failed,
    ));
    lines.join("\n")
}

/// Puts the table into the document.
pub(super) fn write(document: &Path, table: &str) -> anyhow::Result<()> {
    let text = fs::read_to_string(document)?;
    let marks = text.find(BEGIN).zip(text.find(END)).filter(|(begin, end)| begin < end);
    let (begin, end) =
        marks.with_context(|| format!("{} has no place for the table", document.display()))?;
    let (before, after) = (&text[..begin + BEGIN.len()], &text[end..]);
    fs::write(document, format!("{before}\n\n{table}\n\n{after}"))?;
    Ok(())
}
