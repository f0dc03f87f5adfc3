//! Plays the stored corpora once more.

use std::fs;
use std::path::Path;

use fuzz_bodies::TARGETS;

#[test]
fn nothing_that_was_found_before_is_found_again() {
    for (name, target) in TARGETS {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
        let entries =
            fs::read_dir(&corpus).unwrap_or_else(|error| panic!("{}: {error}", corpus.display()));
        let mut played = 0;
        for entry in entries {
            let path = entry.expect("it is there").path();
            println!("{}", path.display());
            target(&fs::read(&path).expect("it is readable"));
            played += 1;
        }
        assert!(played > 0, "{} is empty", corpus.display());
    }
}
