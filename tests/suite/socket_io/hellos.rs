//! What observers say of themselves, well and badly.

use protocol::hello::{GatewayPeer, Hello, Secret};
use protocol::refusal::RefusalCode;
use protocol::version::Versions;
use serde_json::{Value, json};

use crate::harness::cluster::SECRET;

/// What an observer with the right secret says.
pub(crate) fn good() -> Value {
    let secret = Secret::new(SECRET).expect("long enough");
    serde_json::to_value(Hello::new(secret, GatewayPeer::Observer)).expect("it serialises")
}

/// What is refused, with the code and some words that say why.
pub(super) fn bad() -> Vec<(Option<Value>, RefusalCode, &'static str)> {
    let with = |field: &str, value: Value| {
        let mut auth = good();
        auth[field] = value;
        Some(auth)
    };
    let without = |field: &str| {
        let mut auth = good();
        auth.as_object_mut().expect("an object").remove(field);
        Some(auth)
    };
    let wrong_secret = "the cluster secret is missing or wrong";
    // Of a version that this release does not speak, and no other.
    let of_version = |version: Value| {
        let mut auth = good();
        (auth["protocol"], auth["protocol_lowest"]) = (version.clone(), version);
        Some(auth)
    };
    let wrong_version = "run releases that have a version in common";
    vec![
        (None, RefusalCode::Unauthorized, "connect with an auth object"),
        (with("secret", json!("another secret")), RefusalCode::Unauthorized, wrong_secret),
        (with("secret", json!("")), RefusalCode::Unauthorized, wrong_secret),
        (without("secret"), RefusalCode::Unauthorized, wrong_secret),
        (of_version(json!(99)), RefusalCode::ProtocolVersion, wrong_version),
        (
            of_version(json!(Versions::SPOKEN.highest.0 + 1)),
            RefusalCode::ProtocolVersion,
            wrong_version,
        ),
        (without("protocol"), RefusalCode::ProtocolVersion, "auth has no protocol version"),
        (with("role", json!("king")), RefusalCode::Malformed, "auth is not understood"),
        (with("role", json!("node")), RefusalCode::Malformed, "auth is not understood"),
        (without("role"), RefusalCode::Malformed, "auth is not understood"),
    ]
}
