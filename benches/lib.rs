//! Common code of the benches: users by their numbers. All records have the same length if the
//! names have.

/// A user's id.
pub fn id(number: u64) -> String {
    format!("user-{number:07}")
}

/// A user's record, with the given name.
pub fn record(number: u64, name: &str) -> String {
    let (id, group) = (id(number), number % 9);
    format!(r#"{{"id":"{id}","name":"{name}","email":"{id}@example.org","group":{group}}}"#)
}
