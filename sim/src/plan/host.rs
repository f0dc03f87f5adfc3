//! The machines of a run, by their names in the simulated network.

use std::fmt;
use std::str::FromStr;

use protocol::id::NodeId;
use serde::{Deserialize, Serialize};

use super::swarm::Swarm;

/// A machine of the simulated network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Host {
    /// The host of the clients.
    Clients,
    /// The host of the gateway.
    Gateway,
    /// The host of a second gateway, started by mistake.
    SecondGateway,
    /// The host of a node, by its place in the ring.
    Node(usize),
}

impl Host {
    /// The id of the node at a place in the ring.
    ///
    /// # Panics
    ///
    /// Never: the name is an id.
    pub fn node_id(place: usize) -> NodeId {
        let name = Self::Node(place).to_string();
        name.parse().unwrap_or_else(|error| unreachable!("{name} is the id of a node: {error}"))
    }

    pub(crate) fn is_in(self, swarm: &Swarm) -> bool {
        match self {
            Self::Clients | Self::Gateway | Self::SecondGateway => true,
            Self::Node(place) => place < swarm.nodes,
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Clients => f.write_str("clients"),
            Self::Gateway => f.write_str("gateway"),
            Self::SecondGateway => f.write_str("gateway-2"),
            Self::Node(place) => write!(f, "db-{place}"),
        }
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let node = || name.strip_prefix("db-").and_then(|place| place.parse().ok()).map(Self::Node);
        match name {
            "clients" => Ok(Self::Clients),
            "gateway" => Ok(Self::Gateway),
            "gateway-2" => Ok(Self::SecondGateway),
            _ => node()
                .ok_or_else(|| format!("{name:?} is no host: clients, gateway, gateway-2 or db-0")),
        }
    }
}

impl TryFrom<String> for Host {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        name.parse()
    }
}

impl From<Host> for String {
    fn from(host: Host) -> Self {
        host.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_its_name() {
        for host in
            [Host::Clients, Host::Gateway, Host::SecondGateway, Host::Node(0), Host::Node(12)]
        {
            assert_eq!(host.to_string().parse(), Ok(host));
        }
        assert!("db-x".parse::<Host>().is_err());
    }
}
