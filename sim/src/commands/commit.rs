//! The commit of the workspace: a seed means the same only beside its commit.

use tokio::process::Command;

use super::package::package;

/// The commit of this workspace, with a mark if files differ from it; *unknown* without git.
pub(super) async fn commit() -> String {
    let mut git = Command::new("git");
    git.args(["describe", "--always", "--dirty", "--abbrev=12"]);
    git.current_dir(package());
    let said = git.output().await.ok().filter(|output| output.status.success());
    let commit = said.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    commit.filter(|commit| !commit.is_empty()).unwrap_or_else(|| "unknown".to_owned())
}
