//! A copy of the workspace, to plant bugs into. It stays beside the target directory, so the
//! next build is quick.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tokio::process::Command;

use super::patch::Patch;

/// A copy of the files of a workspace, as listed by git.
pub(super) struct Copy {
    workspace: PathBuf,
    /// The files, relative to the workspace.
    files: BTreeSet<PathBuf>,
    /// The directory of the copied files, of cargo's target directory, and of the programs.
    home: PathBuf,
}

impl Copy {
    /// Makes the copy, or updates an existing one.
    pub(super) async fn make(workspace: &Path) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let target =
            program.parent().and_then(Path::parent).context("where is the target directory?")?;
        let files = files_of(workspace).await?;
        let copy =
            Self { workspace: workspace.to_owned(), files, home: target.join("planted-bugs") };
        fs::create_dir_all(copy.programs())?;
        copy.restore()?;
        Ok(copy)
    }

    fn sources(&self) -> PathBuf {
        self.home.join("workspace")
    }

    fn programs(&self) -> PathBuf {
        self.home.join("programs")
    }

    /// Removes the planted bug. An unchanged file is not written, so cargo does not build it
    /// again.
    pub(super) fn restore(&self) -> anyhow::Result<()> {
        for file in &self.files {
            let (from, to) = (self.workspace.join(file), self.sources().join(file));
            let wanted =
                fs::read(&from).with_context(|| format!("{} cannot be read", from.display()))?;
            if fs::read(&to).is_ok_and(|found| found == wanted) {
                continue;
            }
            if let Some(directory) = to.parent() {
                fs::create_dir_all(directory)?;
            }
            fs::write(&to, wanted)?;
        }
        Ok(())
    }

    /// Plants a bug.
    pub(super) async fn apply(&self, patch: &Patch) -> anyhow::Result<()> {
        let mut git = Command::new("git");
        git.arg("apply").arg(&patch.path).current_dir(self.sources());
        // The copy may lie inside of a repository that it is not part of.
        git.env("GIT_CEILING_DIRECTORIES", &self.home);
        let applied = git.status().await.context("git does not start")?;
        if !applied.success() {
            bail!("{} does not fit the code any more: mend the patch", patch.path.display());
        }
        Ok(())
    }

    /// Builds the program that runs a seed. Returns a copy of it that the next build leaves
    /// alone.
    pub(super) async fn build(&self, name: &str) -> anyhow::Result<PathBuf> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--locked", "--package", "sim", "--bin", "sim-seed"]);
        build.args(["--no-default-features", "--target-dir"]).arg(self.home.join("target"));
        // A bug may leave something unused.
        build.env(
            "CARGO_ENCODED_RUSTFLAGS",
            "--cfg\u{1f}tokio_unstable\u{1f}--cap-lints\u{1f}allow",
        );
        let built =
            build.current_dir(self.sources()).status().await.context("cargo does not start")?;
        if !built.success() {
            bail!("{name} does not compile: mend the patch");
        }
        let program = self.programs().join(name);
        fs::copy(self.home.join("target/debug/sim-seed"), &program)?;
        Ok(program)
    }
}

/// The files that are, or could be, committed.
async fn files_of(workspace: &Path) -> anyhow::Result<BTreeSet<PathBuf>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
    let listed = git.current_dir(workspace).output().await.context("git does not start")?;
    if !listed.status.success() {
        bail!("{} is no git repository", workspace.display());
    }
    let names = String::from_utf8(listed.stdout)?;
    let files = names.split_terminator('\0').map(PathBuf::from);
    // Git also lists a file that is deleted, if the deletion is not committed yet.
    Ok(files.filter(|file| workspace.join(file).is_file()).collect())
}
