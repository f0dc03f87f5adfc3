//! Hello: a peer's description of itself in the `auth` of its socket.io CONNECT packet, as JSON.

use std::fmt;

use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use crate::id::{Boot, ClusterId, Incarnation, NodeId, PartitionId};
use crate::refusal::{Refusal, RefusalCode};
use crate::version::{Version, Versions};

/// The secret shared by the processes of a cluster.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The shortest accepted secret, in bytes.
    pub const LENGTH_MIN: usize = 8;

    /// A secret, without the white space around it (files end in a line feed).
    ///
    /// # Errors
    ///
    /// When the secret is shorter than [`LENGTH_MIN`](Self::LENGTH_MIN).
    pub fn new(text: &str) -> Result<Self, SecretTooShort> {
        let text = text.trim();
        if text.len() < Self::LENGTH_MIN { Err(SecretTooShort) } else { Ok(Self(text.to_owned())) }
    }

    /// Whether both secrets are the same. The time it takes depends on their lengths only.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// A secret short enough to be guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cluster secret is shorter than {} characters: use a longer one", Secret::LENGTH_MIN)]
pub struct SecretTooShort;

/// The proof of a connecting peer's rights, in the `auth` of its CONNECT packet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Credential<'auth> {
    /// A [`Hello`] with the cluster's secret, or the attempt of one.
    Secret,
    /// An API token: `{"token": "…"}`. Its holder is an observer.
    Token(&'auth str),
    /// Nothing: no `auth`, or an empty object. Such a peer can only be an observer.
    Nothing,
}

impl<'auth> Credential<'auth> {
    /// The credential in an `auth`. Checks nothing.
    pub fn of(auth: &'auth serde_json::Value) -> Self {
        match auth.get("token") {
            Some(token) => Self::Token(token.as_str().unwrap_or_default()),
            None if auth.is_null() => Self::Nothing,
            None if auth.as_object().is_some_and(serde_json::Map::is_empty) => Self::Nothing,
            None => Self::Secret,
        }
    }
}

impl fmt::Debug for Credential<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "Secret",
            Self::Token(_) => "Token(…)",
            Self::Nothing => "Nothing",
        })
    }
}

/// The first words of every peer with the cluster's secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Hello<Role> {
    /// The highest version of the protocol that the peer speaks.
    pub protocol: Version,
    /// The lowest version of the protocol that the peer speaks.
    pub protocol_lowest: Version,
    /// The cluster's secret.
    pub secret: Secret,
    /// The peer's role.
    #[serde(flatten)]
    pub role: Role,
}

/// A peer that connects to a gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum GatewayPeer {
    /// A node of the ring.
    Node(NodeHello),
    /// A program that receives the ring and its views.
    Observer,
}

/// A peer that connects to a node.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum NodePeer {
    /// The node before it in the ring. That node has the home copy of the partition; the next
    /// copy is here.
    Home(HomeHello),
}

/// A node's description of itself to the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeHello {
    /// The id of the node.
    pub node: NodeId,
    /// The incarnation of the node's data.
    pub incarnation: Incarnation,
    /// The boot of the node.
    pub boot: Boot,
    /// `host:port` where the node serves its predecessor.
    pub address: String,
    /// The cluster of the node, if it was formed into one.
    pub membership: Option<Membership>,
}

/// The cluster of a formed node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The id of the cluster.
    pub cluster: ClusterId,
    /// The nodes of the cluster, in the ring's order.
    pub ring: Vec<NodeId>,
}

/// A node's description of itself to the node after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HomeHello {
    /// The id of the dialling node.
    pub node: NodeId,
    /// The incarnation of the dialling node.
    pub incarnation: Incarnation,
    /// The boot of the dialling node.
    pub boot: Boot,
    /// The cluster of the dialling node.
    pub cluster: ClusterId,
    /// The partition for which it dials.
    pub partition: PartitionId,
    /// The node it wants to reach, and the incarnation of that node.
    pub to: (NodeId, Incarnation),
}

impl<Role> Hello<Role> {
    /// A hello with this role, and with the versions of the protocol spoken by this process.
    pub fn new(secret: Secret, role: Role) -> Self {
        let Versions { lowest, highest } = Versions::SPOKEN;
        Self { protocol: highest, protocol_lowest: lowest, secret, role }
    }
}

impl<Role: serde::de::DeserializeOwned> Hello<Role> {
    /// Reads the `auth` of a CONNECT packet. When versions and secret are right, it returns the
    /// peer's role and the version of the protocol to use with the peer.
    ///
    /// It checks the versions first, because the rest may look different in another version.
    ///
    /// # Errors
    ///
    /// A refusal for the peer. It does not reveal the right secret.
    pub fn authenticate(
        auth: &serde_json::Value,
        secret: &Secret,
    ) -> Result<Authenticated<Role>, Refusal> {
        let refuse = |code, detail: String| Err(Refusal::new(code, detail));
        if auth.is_null() {
            let detail = "connect with an auth object: protocol, secret and role".to_owned();
            return refuse(RefusalCode::Unauthorized, detail);
        }
        let version = common_version(auth)?;
        let given = auth.get("secret").and_then(serde_json::Value::as_str).unwrap_or_default();
        if !Secret(given.to_owned()).matches(secret) {
            let detail = "the cluster secret is missing or wrong: give every process the same one"
                .to_owned();
            return refuse(RefusalCode::Unauthorized, detail);
        }
        match Role::deserialize(auth) {
            Ok(role) => Ok(Authenticated { role, version }),
            Err(error) => {
                refuse(RefusalCode::Malformed, format!("auth is not understood: {error}"))
            }
        }
    }
}

/// A peer with the right secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Authenticated<Role> {
    /// The peer's role.
    pub role: Role,
    /// The version of the protocol that both speak.
    pub version: Version,
}

/// The version to use with a peer. A peer that names no lowest version speaks only its highest one.
fn common_version(auth: &serde_json::Value) -> Result<Version, Refusal> {
    let spoken = Versions::SPOKEN;
    let named = |key| {
        let number = auth.get(key).and_then(serde_json::Value::as_u64);
        number.and_then(|number| u16::try_from(number).ok()).map(Version)
    };
    let refuse = |detail| Err(Refusal::new(RefusalCode::ProtocolVersion, detail));
    let Some(highest) = named("protocol") else {
        return refuse(format!("auth has no protocol version; this process speaks {spoken}"));
    };
    let lowest = named("protocol_lowest").unwrap_or(highest);
    let peers = Versions { lowest, highest };
    match spoken.common(peers) {
        Some(version) => Ok(version),
        None => refuse(format!(
            "the peer speaks protocol version {peers}, this process {spoken}: run releases that have a version in common"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SPOKEN: Version = Versions::SPOKEN.highest;

    fn secret() -> Secret {
        Secret::new("correct horse\n").expect("long enough")
    }

    fn refused(auth: serde_json::Value) -> RefusalCode {
        Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect_err("refused").code
    }

    #[test]
    fn the_right_secret_and_version_let_an_observer_in() {
        let auth = json!({"protocol": SPOKEN, "secret": "correct horse", "role": "observer"});
        let peer = Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect("let in");
        assert!(matches!(peer.role, GatewayPeer::Observer));
        assert_eq!(peer.version, SPOKEN);
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
        let peer = Hello::<GatewayPeer>::authenticate(&auth, &secret()).expect("let in");
        assert!(matches!(peer.role, GatewayPeer::Node(understood) if understood == node));
    }

    #[test]
    fn everyone_else_is_told_why_not() {
        let good = json!({"protocol": SPOKEN, "secret": "correct horse", "role": "observer"});
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
    fn a_newer_peer_that_speaks_an_older_version_too_is_met_in_that_one() {
        let auth = |lowest: u16, highest: u16| {
            json!({
                "protocol": highest, "protocol_lowest": lowest, "secret": "correct horse", "role": "observer",
            })
        };
        let (lowest, highest) = (Versions::SPOKEN.lowest.0, Versions::SPOKEN.highest.0);
        for (lowest, highest, used) in [
            (lowest, highest, Some(highest)),
            (highest, highest + 3, Some(highest)),
            (lowest - 1, lowest, Some(lowest)),
            (highest + 1, highest + 3, None),
            (lowest - 2, lowest - 1, None),
        ] {
            let met = Hello::<GatewayPeer>::authenticate(&auth(lowest, highest), &secret());
            match used {
                Some(used) => assert_eq!(met.expect("let in").version, Version(used)),
                None => {
                    let refusal = met.expect_err("refused");
                    assert_eq!(refusal.code, RefusalCode::ProtocolVersion);
                    assert!(refusal.detail.contains(&Versions::SPOKEN.to_string()), "{refusal}");
                }
            }
        }
    }

    #[test]
    fn a_credential_is_a_token_or_a_hello_or_nothing() {
        let hello = json!({"protocol": SPOKEN, "secret": "correct horse", "role": "observer"});
        let both = json!({"protocol": SPOKEN, "token": "t", "secret": "correct horse"});
        for (auth, credential) in [
            (json!({"token": "t"}), Credential::Token("t")),
            (both, Credential::Token("t")),
            (json!({"token": 5}), Credential::Token("")),
            (json!(null), Credential::Nothing),
            (json!({}), Credential::Nothing),
            (hello, Credential::Secret),
            (json!({"role": "observer"}), Credential::Secret),
            (json!("t"), Credential::Secret),
        ] {
            assert_eq!(Credential::of(&auth), credential, "{auth}");
        }
    }

    #[test]
    fn a_secret_is_never_shown() {
        assert_eq!(format!("{:?}", Credential::Token("horse")), "Token(…)");
        let hello = Hello::new(secret(), GatewayPeer::Observer);
        assert!(!format!("{hello:?}").contains("horse"));
    }
}
