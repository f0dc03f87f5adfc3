//! Hosts: the names under which a port answers.
//!
//! *DNS rebinding*: an attacker lets the name of his site resolve to 127.0.0.1. For the browser
//! of his visitor, his page and the ports of the visitor's machine are then one origin, so the
//! page may send any request and read the answer. These requests still carry the name of the
//! attacker's site as `Host`. An IP address cannot be rebound, so a request to an address is
//! safe.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderValue, Request};

/// The name that always means this machine.
const LOCALHOST: &str = "localhost";

/// The hosts that requests to a port may name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Hosts {
    /// Any at all.
    #[default]
    Any,
    /// Addresses, `localhost`, and these names.
    Named(Vec<HostName>),
}

/// The name of a host, in lower case, without a trailing dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostName(String);

/// A text that is not the name of a host.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a host name: give one such as gateway.example, without scheme and port")]
pub struct InvalidHostName(String);

/// Why a request is not for this port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misdirected {
    /// Its `Host`, or the authority of its target, names another host.
    Host,
    /// Its `Origin` is a page of another host.
    Origin,
}

impl Hosts {
    /// Checks the host named by a request. A request without a host passes: browsers always
    /// name one.
    ///
    /// # Errors
    ///
    /// [`Misdirected::Host`].
    pub fn check_host<B>(&self, request: &Request<B>) -> Result<(), Misdirected> {
        let Self::Named(names) = self else { return Ok(()) };
        // The target's authority replaces the header (RFC 9112, section 3.2.2).
        let allowed = match request.uri().authority() {
            Some(authority) => is_allowed(names, authority.as_str()),
            None => request.headers().get_all(HOST).iter().all(|host| is_text(names, host)),
        };
        if allowed { Ok(()) } else { Err(Misdirected::Host) }
    }

    /// Checks `Origin` and host of a request from a browser. A request without an `Origin`
    /// passes: browsers send one with every websocket handshake.
    ///
    /// The page must be of this machine, of one of the names, or of the request's own host if
    /// that is allowed. An address alone is no proof: any site may be served at an address.
    ///
    /// # Errors
    ///
    /// [`Misdirected::Origin`], or [`Misdirected::Host`].
    pub fn check_page<B>(&self, request: &Request<B>) -> Result<(), Misdirected> {
        let Self::Named(names) = self else { return Ok(()) };
        let mut origins = request.headers().get_all(ORIGIN).iter().peekable();
        if origins.peek().is_none() {
            return Ok(());
        }
        let mut hosts = hosts_of(request);
        hosts.retain(|host| is_allowed(names, host));
        let is_trusted = |origin: &HeaderValue| {
            let page = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
            let page = page.map(|(_scheme, page)| without_port(page)).unwrap_or_default();
            is_here(page) || is_named(names, page) || hosts.iter().any(|host| is_same(host, page))
        };
        if !origins.all(is_trusted) {
            return Err(Misdirected::Origin);
        }
        self.check_host(request)
    }
}

/// The hosts named by a request, without ports.
fn hosts_of<B>(request: &Request<B>) -> Vec<&str> {
    match request.uri().authority() {
        Some(authority) => vec![without_port(authority.as_str())],
        None => {
            let hosts = request.headers().get_all(HOST).iter();
            hosts.filter_map(|host| host.to_str().ok()).map(without_port).collect()
        }
    }
}

/// A host without its port, and without a dot at its end.
fn without_port(host: &str) -> &str {
    let end = match host.rfind(']') {
        Some(bracket) => bracket.saturating_add(1),
        None => host.find(':').unwrap_or(host.len()),
    };
    let host = host.get(..end).unwrap_or_default();
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether two hosts are the same one, and are one at all.
fn is_same(one: &str, other: &str) -> bool {
    !one.is_empty() && one.eq_ignore_ascii_case(other)
}

/// Whether a host is this machine.
fn is_here(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case(LOCALHOST)
        || address.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_named(names: &[HostName], host: &str) -> bool {
    names.iter().any(|known| host.eq_ignore_ascii_case(&known.0))
}

fn is_text(names: &[HostName], host: &HeaderValue) -> bool {
    host.to_str().is_ok_and(|host| is_allowed(names, host))
}

/// Whether a host is `localhost`, an address, empty, or one of the names. It may carry a port.
fn is_allowed(names: &[HostName], host: &str) -> bool {
    if host.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    if let Some(address) = host.strip_prefix('[') {
        return address.split_once(']').is_some_and(|(address, port)| {
            // A link-local address may carry its interface: fe80::1%eth0.
            let address = address.split_once('%').map_or(address, |(address, _interface)| address);
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || is_port(port))
        });
    }
    let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
    if !(port.is_empty() || is_port(port)) {
        return false;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    name.is_empty()
        || is_ipv4(name)
        || name.eq_ignore_ascii_case(LOCALHOST)
        || is_named(names, name)
}

/// A colon and a number.
fn is_port(text: &str) -> bool {
    text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a host is an IPv4 address in any notation: its last label is a number. No top-level
/// domain is a number (the URL standard, *ends in a number*).
fn is_ipv4(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit())
}

impl FromStr for HostName {
    type Err = InvalidHostName;

    fn from_str(text: &str) -> Result<Self, InvalidHostName> {
        let name = text.strip_suffix('.').unwrap_or(text);
        let is_label = |label: &str| {
            let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            !label.is_empty() && label.bytes().all(is_known)
        };
        if name.split('.').all(is_label) {
            Ok(Self(name.to_ascii_lowercase()))
        } else {
            Err(InvalidHostName(text.to_owned()))
        }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts() -> Hosts {
        Hosts::Named(vec!["Gateway.example".parse().unwrap()])
    }

    fn check(hosts: &Hosts, target: &str, headers: &[(&str, &str)]) -> Result<(), Misdirected> {
        let builder = Request::builder().uri(target);
        let builder =
            headers.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let request = builder.body(()).unwrap();
        hosts.check_page(&request).and_then(|()| hosts.check_host(&request))
    }

    fn with_host(host: &str) -> Result<(), Misdirected> {
        check(&hosts(), "/", &[("host", host)])
    }

    #[test]
    fn a_request_may_name_localhost_an_address_a_name_of_the_port_or_nothing() {
        for host in [
            "",
            ":3001",
            "localhost",
            "LocalHost:3001",
            "localhost.",
            "localhost.:3001",
            "localhost:",
            "127.0.0.1",
            "127.0.0.1:3001",
            "127.1",
            "2130706433",
            "10.1.2.3:80",
            "[::1]",
            "[::1]:3001",
            "::1",
            "[fe80::1%eth0]:3001",
            "[::ffff:127.0.0.1]",
            "gateway.example",
            "GATEWAY.EXAMPLE.:3001",
        ] {
            assert_eq!(with_host(host), Ok(()), "{host}");
        }
        assert_eq!(check(&hosts(), "/", &[]), Ok(()));
        assert_eq!(check(&hosts(), "http://localhost/", &[("host", "a.example")]), Ok(()));
    }

    #[test]
    fn a_request_that_names_another_host_is_misdirected() {
        for host in [
            "rebound.attacker.example",
            "rebound.attacker.example:3001",
            "localhost.attacker.example",
            "attacker.localhost",
            "x",
            "127.0.0.1.attacker.example",
            "127.0.0.1@attacker.example",
            "localhost:3001:x",
            "localhost:x",
            "localhost..",
            "[::1].attacker.example",
            "[::1",
            "[attacker.example]",
            "1.attacker",
            "other.gateway.example",
            "gateway.example.attacker.example",
            "localhost, attacker.example",
        ] {
            assert_eq!(with_host(host), Err(Misdirected::Host), "{host}");
        }
        let twice = [("host", "localhost"), ("host", "attacker.example")];
        assert_eq!(check(&hosts(), "/", &twice), Err(Misdirected::Host));
        let target = check(&hosts(), "http://attacker.example/", &[("host", "localhost")]);
        assert_eq!(target, Err(Misdirected::Host));
        assert_eq!(check(&Hosts::Any, "http://attacker.example/", &twice), Ok(()));
    }

    #[test]
    fn a_page_is_of_this_machine_of_a_name_of_the_port_or_of_the_host_of_its_request() {
        let with_origin =
            |origin: &str, host: &str| check(&hosts(), "/", &[("origin", origin), ("host", host)]);
        for origin in [
            "http://localhost:8080",
            "https://gateway.example",
            "http://[::1]:1",
            "http://127.0.0.1:80",
        ] {
            assert_eq!(with_origin(origin, "localhost"), Ok(()), "{origin}");
            assert_eq!(with_origin(origin, "10.0.0.1:3002"), Ok(()), "{origin}");
        }
        for (page, host) in
            [("http://10.0.0.1", "10.0.0.1:3002"), ("https://[fd00::1]:1", "[fd00::1]")]
        {
            assert_eq!(with_origin(page, host), Ok(()), "{page}");
        }
        for origin in [
            "http://attacker.example",
            "null",
            "",
            "file://",
            "https://localhost.attacker.example:1",
            "http://203.0.113.9",
            "http://2130706433",
            "http://[2001:db8::1]",
        ] {
            assert_eq!(with_origin(origin, "localhost"), Err(Misdirected::Origin), "{origin}");
        }
        let rebound = with_origin("http://localhost", "attacker.example");
        assert_eq!(rebound, Err(Misdirected::Host));
    }

    #[test]
    fn a_program_that_is_no_browser_may_name_any_host_at_a_port_of_links() {
        let request = Request::builder().header(HOST, "elsewhere.example").body(()).unwrap();
        assert_eq!(hosts().check_page(&request), Ok(()));
    }

    #[test]
    fn a_name_of_a_host_has_neither_scheme_nor_port() {
        for text in ["", ".", "a..b", "http://a", "a:1", "a b", "*.a", "münchen.example"] {
            assert!(text.parse::<HostName>().is_err(), "{text}");
        }
        assert_eq!("A-1.b_c.".parse::<HostName>().unwrap().to_string(), "a-1.b_c");
    }
}
