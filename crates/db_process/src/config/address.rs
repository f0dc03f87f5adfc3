//! The addresses of a node: the gateway's, and the one for other nodes to dial.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use tokio::net::lookup_host;
use tracing::warn;

use super::Config;

/// Why a text is not an address to dial.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
enum InvalidAddress {
    #[error("there is no port in it")]
    NoPort,
    #[error("{0:?} is no port: there are 1 to 65535")]
    Port(String),
    #[error("{0:?} is no host")]
    Host(String),
    #[error("an address of IPv6 stands in brackets: [::1]:4000")]
    NoBrackets,
    #[error("{0} means every address of a machine, or many machines")]
    NotOne(IpAddr),
    #[error("{0} means something else on each link of a machine")]
    LinkLocal(IpAddr),
}

/// Why a node cannot announce an address to other nodes.
#[derive(Debug, thiserror::Error)]
pub enum AnnounceError {
    /// The address of the gateway cannot be resolved.
    #[error(
        "what other nodes are to dial cannot be found out, as the gateway {gateway} cannot be resolved ({error}): give --advertise"
    )]
    Unresolved {
        /// The gateway's address, as given by the flag.
        gateway: String,
        /// The error of the resolver.
        error: io::Error,
    },
    /// No address of this machine is on a way to the gateway.
    #[error(
        "what other nodes are to dial cannot be found out, as there is no way from {listen} to the gateway {gateway}: give --advertise"
    )]
    NoWay {
        /// Where the node listens.
        listen: SocketAddr,
        /// The gateway's address, as given by the flag.
        gateway: String,
    },
}

/// `host:port` of the gateway; a URL is accepted too.
pub(super) fn of_gateway(given: &str) -> Result<String, String> {
    let is_valid = |(host, _): &(String, u16)| !is_address(host, |ip| ip.is_multicast());
    match host_and_port(given).ok().filter(is_valid) {
        Some((host, port)) => Ok(format!("{host}:{port}")),
        None => Err(format!(
            "{given:?} is not the address of a gateway: give host:port, for example 127.0.0.1:3002"
        )),
    }
}

/// `host:port` for other nodes to dial; a URL is accepted too.
pub(super) fn to_dial(given: &str) -> Result<String, String> {
    let valid = host_and_port(given).and_then(|(host, port)| {
        if let Some(ip) = ip_of(&host) {
            may_be_dialled(ip)?;
        }
        Ok(format!("{host}:{port}"))
    });
    valid.map_err(|error| {
        format!("{error}; give --advertise host:port that other nodes can dial, for example db-0.example:4000")
    })
}

fn may_be_dialled(ip: IpAddr) -> Result<(), InvalidAddress> {
    let is_broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    if ip.is_unspecified() || ip.is_multicast() || is_broadcast {
        return Err(InvalidAddress::NotOne(ip));
    }
    match ip {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Err(InvalidAddress::LinkLocal(ip)),
        _ => Ok(()),
    }
}

fn host_and_port(given: &str) -> Result<(String, u16), InvalidAddress> {
    let bare = given.strip_prefix("http://").or_else(|| given.strip_prefix("ws://"));
    let bare = bare.unwrap_or(given).trim_end_matches('/');
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Err(InvalidAddress::NoBrackets);
    }
    let (host, port) = bare.rsplit_once(':').ok_or(InvalidAddress::NoPort)?;
    if host.parse::<Ipv6Addr>().is_ok() {
        return Err(InvalidAddress::NoBrackets);
    }
    let number = port.parse::<u16>().ok().filter(|number| *number > 0);
    let number = number.ok_or_else(|| InvalidAddress::Port(port.to_owned()))?;
    if is_host(host) {
        Ok((host.to_owned(), number))
    } else {
        Err(InvalidAddress::Host(host.to_owned()))
    }
}

/// Whether a host is an address or a name. A name must not end in a number, because resolvers
/// guess: they take `0` for 0.0.0.0.
fn is_host(host: &str) -> bool {
    if ip_of(host).is_some() {
        return true;
    }
    let is_part = |part: &str| {
        let is_letter = |letter: char| letter.is_alphanumeric() || letter == '-' || letter == '_';
        !part.is_empty() && part.chars().all(is_letter)
    };
    let parts = host.strip_suffix('.').unwrap_or(host).split('.');
    let last_is_number = parts.clone().next_back().is_some_and(|part| {
        let is_hexadecimal = part.starts_with("0x") || part.starts_with("0X");
        is_hexadecimal || part.bytes().all(|digit| digit.is_ascii_digit())
    });
    parts.into_iter().all(is_part) && !last_is_number
}

/// The address, if the host is not a name.
fn ip_of(host: &str) -> Option<IpAddr> {
    let in_brackets = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let ip = match in_brackets {
        Some(v6) => IpAddr::V6(v6.parse().ok()?),
        None => IpAddr::V4(host.parse().ok()?),
    };
    Some(ip.to_canonical())
}

fn is_address(host: &str, is: impl Fn(IpAddr) -> bool) -> bool {
    ip_of(host).is_some_and(is)
}

impl Config {
    /// The address for other nodes to dial. It is the flag's value, else the listener's own
    /// address. If the listener is on every address of this machine, it is the address on the
    /// way to the gateway.
    ///
    /// # Errors
    ///
    /// When the gateway cannot be resolved, or no address of this machine is on a way to it.
    pub async fn announced_address(&self, listen: SocketAddr) -> Result<String, AnnounceError> {
        if let Some(advertise) = &self.advertise {
            let host = advertise.rsplit_once(':').map_or("", |(host, _)| host);
            if host.eq_ignore_ascii_case("localhost") || is_address(host, |ip| ip.is_loopback()) {
                self.warn_unless_here(advertise.clone());
            }
            return Ok(advertise.clone());
        }
        if listen.ip().to_canonical().is_loopback() {
            self.warn_unless_here(listen.to_string());
        }
        if !listen.ip().to_canonical().is_unspecified() {
            return Ok(listen.to_string());
        }
        let addresses = lookup_host(&self.gateway)
            .await
            .map_err(|error| AnnounceError::Unresolved { gateway: self.gateway.clone(), error })?;
        let towards = addresses.filter_map(|gateway| local_address_towards(gateway).ok());
        let address = towards.map(|ip| SocketAddr::new(ip, listen.port())).find(|address| {
            let is_served = listen.is_ipv6() || address.is_ipv4();
            is_served && may_be_dialled(address.ip()).is_ok()
        });
        let no_way = || AnnounceError::NoWay { listen, gateway: self.gateway.clone() };
        address.map(|address| address.to_string()).ok_or_else(no_way)
    }

    /// Warns if the gateway is on another machine: the announced address means a different
    /// machine at each node.
    fn warn_unless_here(&self, announced: String) {
        let gateway = self.gateway.clone();
        // Resolving a name may take long. The node need not wait for it.
        tokio::spawn(async move {
            let Ok(mut addresses) = lookup_host(&gateway).await else { return };
            if !addresses.any(is_here) {
                warn!(
                    address = announced,
                    gateway,
                    "the gateway is on another machine, and nodes on other machines cannot reach this address: give --listen \
                     an address of this machine's network, or --advertise"
                );
            }
        });
    }
}

/// Whether an address belongs to this machine.
fn is_here(address: SocketAddr) -> bool {
    let ip = address.ip().to_canonical();
    ip.is_loopback() || local_address_towards(address).is_ok_and(|local| local == ip)
}

/// The address of this machine on the way to another address. No packet is sent: connecting a
/// UDP socket only looks up the route.
fn local_address_towards(address: SocketAddr) -> io::Result<IpAddr> {
    let every: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((every, 0))?;
    socket.connect(address)?;
    Ok(socket.local_addr()?.ip().to_canonical())
}

#[cfg(test)]
mod tests {
    use protocol::hello::Secret;

    use super::*;

    #[test]
    fn a_gateway_is_given_as_an_address_or_as_a_url() {
        for given in [
            "127.0.0.1:3002",
            "http://127.0.0.1:3002",
            "http://127.0.0.1:3002/",
            "ws://127.0.0.1:3002",
        ] {
            assert_eq!(of_gateway(given).unwrap(), "127.0.0.1:3002");
        }
        assert_eq!(of_gateway("[::1]:3002").unwrap(), "[::1]:3002");
        for bad in [
            "",
            "gateway",
            ":3002",
            "gateway:port",
            "https://gateway:1/x",
            "gateway:99999",
            "gateway:0",
            "::1:3002",
            "224.0.0.1:3002",
            "tcp://10.96.0.5:3002",
            "a gateway:3002",
        ] {
            assert!(of_gateway(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_other_nodes_are_to_dial_is_one_address_with_a_port() {
        for good in ["db-0.example:4000", "10.0.0.7:1", "[2001:db8::1]:65535", "db_0:4000", "a.:1"]
        {
            assert_eq!(to_dial(good).unwrap(), good);
        }
        assert_eq!(to_dial("http://db-0:4000/").unwrap(), "db-0:4000");
        for bad in [
            "",
            "db-0",
            "10.0.0.7",
            "db-0:0",
            "db-0:",
            "db-0:65536",
            ":4000",
            "0.0.0.0:4000",
            "[::]:4000",
            "[::ffff:0.0.0.0]:4000",
            "0:4000",
            "10.1:4000",
            "0x7f000001:4000",
            "224.0.0.1:4000",
            "255.255.255.255:4000",
            "[ff02::1]:4000",
            "[fe80::1]:4000",
            "[fe80::1%2]:4000",
            "::1",
            "2001:db8::1:4000",
            "user@db-0:4000",
            "db-0/x:4000",
            "db 0:4000",
            "db..0:4000",
        ] {
            let error = to_dial(bad).unwrap_err();
            assert!(error.contains("give --advertise host:port"), "{bad}: {error}");
        }
    }

    fn config(gateway: &str) -> Config {
        Config::new("db-0".parse().unwrap(), gateway, Secret::new("correct horse").unwrap())
    }

    async fn announced(gateway: &str, listen: &str) -> Result<String, AnnounceError> {
        config(gateway).announced_address(listen.parse().unwrap()).await
    }

    #[tokio::test]
    async fn a_listener_on_every_address_is_announced_by_the_one_on_the_way_to_the_gateway() {
        let here = announced("127.0.0.1:3002", "0.0.0.0:4000").await.unwrap();
        assert_eq!(here, "127.0.0.1:4000");
        let here = announced("127.0.0.1:3002", "[::]:4000").await.unwrap();
        assert_eq!(here, "127.0.0.1:4000");
        let own = announced("gateway.example:3002", "10.0.0.7:4000").await.unwrap();
        assert_eq!(own, "10.0.0.7:4000");
    }

    #[tokio::test]
    async fn a_node_that_cannot_know_its_address_asks_for_it() {
        for (gateway, listen) in
            [("no-such-host.invalid:3002", "0.0.0.0:4000"), ("[::1]:3002", "0.0.0.0:4000")]
        {
            let error = announced(gateway, listen).await.unwrap_err().to_string();
            assert!(error.contains("give --advertise") && error.contains(gateway), "{error}");
        }
    }

    #[tokio::test]
    async fn what_the_flag_says_goes_before_what_is_found_out() {
        let config = Config { advertise: Some("db-0.example:1".to_owned()), ..config("gone:1") };
        let announced = config.announced_address("0.0.0.0:4000".parse().unwrap()).await.unwrap();
        assert_eq!(announced, "db-0.example:1");
    }

    #[test]
    fn loopback_is_here_and_a_documentation_address_is_not() {
        assert!(is_here("127.0.0.9:3002".parse().unwrap()));
        assert!(is_here("[::1]:3002".parse().unwrap()));
        assert!(!is_here("192.0.2.1:3002".parse().unwrap()));
    }
}
