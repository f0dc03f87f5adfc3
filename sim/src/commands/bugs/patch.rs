//! The patches: a diff, with a header that describes the bug and names the checks for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::ValueEnum;
use sim::plan::kind::FaultKind;

/// A planted bug.
#[derive(Debug, Clone)]
pub(super) struct Patch {
    /// The name of the file, without its extension.
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// A sentence about the bug.
    pub(super) bug: String,
    /// The checks for the rule broken by the bug.
    pub(super) caught_by: Vec<String>,
    /// The kinds of fault that catch it, if most seeds lack a kind that it needs; else all
    /// kinds.
    pub(super) faults: Option<Vec<FaultKind>>,
}

impl Patch {
    /// The patches of a directory, sorted by name: all of them, or only those asked for.
    pub(super) fn all(directory: &Path, only: &[String]) -> anyhow::Result<Vec<Self>> {
        let mut patches = Vec::new();
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "patch") {
                patches.push(Self::read(path)?);
            }
        }
        if let Some(unknown) =
            only.iter().find(|name| patches.iter().all(|patch| patch.name != **name))
        {
            bail!("there is no bug {unknown:?} in {}", directory.display());
        }
        patches.retain(|patch| only.is_empty() || only.contains(&patch.name));
        patches.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(patches)
    }

    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let text = fs::read_to_string(&path)?;
        let find = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
        let field = |name: &str| {
            find(name).with_context(|| format!("{} has no line {name:?}", path.display()))
        };
        let bug = field("Bug: ")?.to_owned();
        let caught_by = field("Caught by: ")?.split(',').map(|check| check.trim().to_owned());
        let caught_by = caught_by.collect();
        let kind = |name: &str| {
            FaultKind::from_str(name.trim(), false)
                .map_err(|error| anyhow!("{}: {error}", path.display()))
        };
        let faults = find("Faults: ").map(|names| names.split(',').map(kind).collect());
        let faults = faults.transpose()?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Self { name, path, bug, caught_by, faults })
    }
}
