//! Hello: what a peer says of itself in the `auth` of its socket.io CONNECT packet, as JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::PROTOCOL_VERSION;
use crate::id::{Boot, ClusterId, Incarnation, NodeId, PartitionId};
use crate::refusal::{Refusal, RefusalCode};

/// The secret that the processes of a cluster share.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The shortest that is accepted, in bytes.
    pub const LENGTH_MIN: usize = 8;

    /// A secret, without the white space around it (files end in a line feed).
    ///
    /// # Errors
    ///
    /// When it is shorter than [`LENGTH_MIN`](Self::LENGTH_MIN).
    pub fn new(text: &str) -> Result<Self, SecretTooShort> {
        let text = text.trim();
        if text.len() < Self::LENGTH_MIN { Err(SecretTooShort) } else { Ok(Self(text.to_owned())) }
    }

    /// Whether both are the same; how long it takes depends on their lengths only.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret that could be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cluster secret is shorter than {} characters: use a longer one", Secret::LENGTH_MIN)]
pub struct SecretTooShort;

/// What every peer says first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello<Role> {
    /// The version of the protocol that the peer speaks.
    pub protocol: u16,
    /// The cluster's secret.
    pub secret: Secret,
    /// Who it is.
    #[serde(flatten)]
    pub role: Role,
}

/// Who connects to a gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum GatewayPeer {
    /// A node of the ring.
    Node(NodeHello),
    /// Someone who wants to be told of the ring and its views.
    Observer,
}

/// Who connects to a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum NodePeer {
    /// The node before it in the ring, with the home copy of the partition whose next copy is here.
    Home(HomeHello),
}

/// What a node says of itself to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHello {
    /// Its id.
    pub node: NodeId,
    /// Its data.
    pub incarnation: Incarnation,
    /// Its start.
    pub boot: Boot,
    /// `host:port` where it serves its predecessor.
    pub address: String,
    /// The cluster that it was formed into, if it was.
    pub membership: Option<Membership>,
}

/// The cluster that a node was formed into.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// Its id.
    pub cluster: ClusterId,
    /// Its nodes, in the ring's order.
    pub ring: Vec<NodeId>,
}

/// What a node says of itself to the node after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeHello {
    /// Its id.
    pub node: NodeId,
    /// Its data.
    pub incarnation: Incarnation,
    /// Its start.
    pub boot: Boot,
    /// Its cluster.
    pub cluster: ClusterId,
    /// The partition on whose behalf it dials.
    pub partition: PartitionId,
    /// The node that it means to reach, and that node's data.
    pub to: (NodeId, Incarnation),
}

impl<Role> Hello<Role> {
    /// Says who one is, in this version of the protocol.
    pub fn new(secret: Secret, role: Role) -> Self {
        Self { protocol: PROTOCOL_VERSION, secret, role }
    }
}

impl<Role: serde::de::DeserializeOwned> Hello<Role> {
    /// Reads the `auth` of a CONNECT packet and returns the peer's role once version and secret are right.
    ///
    /// The version is looked at first, because the rest may look different in another version.
    ///
    /// # Errors
    ///
    /// A refusal to be sent to the peer. It does not tell what a right secret would be.
    pub fn authenticate(auth: &serde_json::Value, secret: &Secret) -> Result<Role, Refusal> {
        let refuse = |code, detail: String| Err(Refusal::new(code, detail));
        if auth.is_null() {
            let detail = "connect with an auth object: protocol, secret and role".to_owned();
            return refuse(RefusalCode::Unauthorized, detail);
        }
        match auth.get("protocol").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(PROTOCOL_VERSION) => {}
            Some(version) => {
                let detail = format!(
                    "the peer speaks protocol version {version}, this process {PROTOCOL_VERSION}: run the same release everywhere"
                );
                return refuse(RefusalCode::ProtocolVersion, detail);
            }
            None => {
                let detail =
                    format!("auth has no protocol version; this process speaks {PROTOCOL_VERSION}");
                return refuse(RefusalCode::ProtocolVersion, detail);
            }
        }
        let given = auth.get("secret").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !Secret(given.to_owned()).matches(secret) {
            let detail = "the cluster secret is missing or wrong: give every process the same one"
                .to_owned();
            return refuse(RefusalCode::Unauthorized, detail);
        }
        match Self::deserialize(auth) {
            Ok(hello) => Ok(hello.role),
            Err(error) => {
                refuse(RefusalCode::Malformed, format!("auth is not understood: {error}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn secret() -> Secret {
        Secret::new("correct horse\n").expect("long enough")
    }

    fn refused(auth: serde_json::Value) -> RefusalCode {
        Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect_err("refused").code
    }

    #[test]
    fn the_right_secret_and_version_let_an_observer_in() {
        let auth =
            json!({"protocol": PROTOCOL_VERSION, "secret": "correct horse", "role": "observer"});
        let role = Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect("let in");
        assert!(matches!(role, GatewayPeer::Observer));
    }

    #[test]
    fn a_node_is_understood_as_it_says_hello() {
        let node = NodeHello {
            node: "db-1".parse().expect("valid"),
            incarnation: Incarnation(uuid::Uuid::from_u128(1)),
            boot: Boot { count: 3, nonce: uuid::Uuid::from_u128(2) },
            address: "127.0.0.1:4000".to_owned(),
            membership: None,
        };
        let hello = Hello::new(secret(), GatewayPeer::Node(node.clone()));
        let auth = serde_json::to_value(&hello).expect("serialises");
        let role = Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect("let in");
        assert!(matches!(role, GatewayPeer::Node(understood) if understood == node));
    }

    #[test]
    fn everyone_else_is_told_why_not() {
        let good =
            json!({"protocol": PROTOCOL_VERSION, "secret": "correct horse", "role": "observer"});
        let with = |key: &str, value: serde_json::Value| {
            let mut auth = good.clone();
            auth[key] = value;
            auth
        };
        assert_eq!(refused(json!(null)), RefusalCode::Unauthorized);
        assert_eq!(refused(with("secret", json!("wrong horse"))), RefusalCode::Unauthorized);
        assert_eq!(refused(with("secret", json!(null))), RefusalCode::Unauthorized);
        assert_eq!(refused(with("protocol", json!(99))), RefusalCode::ProtocolVersion);
        assert_eq!(refused(json!({"secret": "correct horse"})), RefusalCode::ProtocolVersion);
        assert_eq!(refused(with("role", json!("king"))), RefusalCode::Malformed);
        assert_eq!(refused(with("role", json!("node"))), RefusalCode::Malformed);
        assert_eq!(refused(json!("correct horse")), RefusalCode::ProtocolVersion);
    }

    #[test]
    fn a_secret_is_never_shown() {
        let hello = Hello::new(secret(), GatewayPeer::Observer);
        assert!(!format!("{hello:?}").contains("horse"));
    }
}
