//! What the benches have in common: users by their numbers, whose records have all the same length.

/// A user's id.
pub fn id(number: u64) -> String {
    format!("user-{number:07}")
}

/// A user's record, with a name of one's own.
pub fn record(number: u64, name: &str) -> String {
    let (id, group) = (id(number), number % 9);
    format!(r#"{{"id":"{id}","name":"{name}","email":"{id}@example.org","group":{group}}}"#)
}
