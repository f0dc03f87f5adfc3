//! Bodies of REST requests.

use protocol::id::Position;
use protocol::user::{NewUser, User, UserPatch};

/// Parses the bytes as the body of each request with a body, as a stored record, and as an
/// entity tag.
///
/// An accepted record must survive a round trip through JSON. An accepted tag must be written
/// as it was read.
pub fn bodies(data: &[u8]) {
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(position) = text.parse::<Position>()
    {
        assert_eq!(position.to_string(), text);
    }
    if let Ok(user) = NewUser::from_body(data) {
        survives(&user.with_id(|| "made".parse().expect("an id")));
    }
    let stored = User::from_json(data);
    if let Ok(user) = &stored {
        survives(user);
    }
    if let Ok(patch) = UserPatch::from_body(data) {
        let user = User {
            id: patch.id.clone(),
            name: "Ada".to_owned().try_into().expect("a name"),
            email: "ada@example.org".to_owned().try_into().expect("an address"),
            group: 0,
        };
        survives(&user.patched(&patch));
    }
}

fn survives(user: &User) {
    assert_eq!(User::from_json(&user.to_json()).expect("canonical"), *user);
}
