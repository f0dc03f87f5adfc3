//! Valid and invalid hellos of observers.

use protocol::hello::{GatewayPeer, Hello, Secret};
use protocol::refusal::RefusalCode;
use protocol::version::Versions;
use serde_json::{Value, json};

use crate::harness::cluster::SECRET;

/// The hello of an observer with the right secret.
pub(crate) fn good() -> Value {
    let secret = Secret::new(SECRET).expect("long enough");
    serde_json::to_value(Hello::new(secret, GatewayPeer::Observer)).expect("it serialises")
}

/// Invalid hellos, each with the code of its refusal and some words of the reason.
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
    // A hello of one protocol version only, unknown to this release.
    let of_version = |version: Value| {
        let mut auth = good();
        (auth["protocol"], auth["protocol_lowest"]) = (version.clone(), version);
        Some(auth)
    };
    let wrong_version = "run releases that have a version in common";
    vec![
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
        (
            Some(json!({ "token": "a token", "role": "node" })),
            RefusalCode::Unauthorized,
            "a node shows the secret",
        ),
    ]
}
