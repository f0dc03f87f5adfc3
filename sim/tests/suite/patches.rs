//! The planted bugs still fit the code: a patch that does not apply measures nothing.

use std::fs;
use std::process::Command;

use crate::support::package;

#[test]
fn every_planted_bug_fits_the_code() {
    let package = package();
    let workspace = package.parent().expect("the workspace");
    let patches = fs::read_dir(package.join("bugs")).expect("the folder of bugs");
    let patches = patches.map(|entry| entry.expect("an entry").path()).collect::<Vec<_>>();
    assert!(patches.len() >= 13, "{} patches", patches.len());
    for patch in patches {
        let text = fs::read_to_string(&patch).expect("a patch");
        assert!(text.starts_with("Bug: "), "{} does not say what is wrong", patch.display());
        let mut git = Command::new("git");
        let checked = git.args(["apply", "--check"]).arg(&patch).current_dir(workspace).output();
        let checked = checked.expect("git starts");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{}: {said}", patch.display());
    }
}
