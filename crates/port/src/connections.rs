//! Connections: how many a port has, in all and of each address. Links do not count once their
//! peers are admitted.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crate::cuts::{Cut, Cuts};
use crate::limits::PortLimits;
use crate::lock::lock;

/// Counts the connections of a port.
#[derive(Debug, Default)]
pub struct Connections {
    open: Mutex<Open>,
    refused: AtomicU64,
    cuts: Cuts,
}

#[derive(Debug, Default)]
struct Open {
    in_all: usize,
    of: HashMap<Origin, usize>,
}

/// The unit of the limit by address: an IPv4 address, or the upper half of an IPv6 address. The
/// owner of one address in such an IPv6 network has all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Origin {
    V4([u8; 4]),
    V6([u16; 4]),
}

/// Why a connection is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// The port has as many connections as allowed.
    #[error("{0} connections are open, which is the limit")]
    InAll(usize),
    /// The address has as many connections as allowed.
    #[error("{0} connections are open from this address, which is the limit of one")]
    OfAddress(usize),
}

/// A counted connection. It counts for the lifetime of this value.
#[derive(Debug)]
pub(crate) struct Slot {
    connections: Arc<Connections>,
    origin: Origin,
}

impl Connections {
    /// How many are open, without the links of admitted peers.
    pub fn open(&self) -> usize {
        lock(&self.open).in_all
    }

    /// How many were refused since the start.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// How many were cut off since the start, for each reason.
    pub fn cuts(&self) -> impl Iterator<Item = (Cut, u64)> {
        self.cuts.all()
    }

    /// Counts a connection as cut off.
    pub fn cut_off(&self, cut: Cut) {
        self.cuts.add(cut);
    }

    /// Counts one more connection, if the limits allow it.
    pub(crate) fn take(
        self: &Arc<Self>,
        address: IpAddr,
        limits: &PortLimits,
    ) -> Result<Slot, NoRoom> {
        let origin = Origin::of(address);
        let taken = lock(&self.open).take(origin, limits);
        match taken {
            Ok(()) => Ok(Slot { connections: Arc::clone(self), origin }),
            Err(no_room) => {
                self.refused.fetch_add(1, Ordering::Relaxed);
                Err(no_room)
            }
        }
    }
}

impl Slot {
    /// The counter of this place.
    pub(crate) fn connections(&self) -> &Arc<Connections> {
        &self.connections
    }
}

impl Open {
    fn take(&mut self, origin: Origin, limits: &PortLimits) -> Result<(), NoRoom> {
        if self.in_all >= limits.connections_max {
            return Err(NoRoom::InAll(self.in_all));
        }
        let of_origin = self.of.get(&origin).copied().unwrap_or_default();
        if of_origin >= limits.connections_of_address_max {
            return Err(NoRoom::OfAddress(of_origin));
        }
        self.of.insert(origin, of_origin.saturating_add(1));
        self.in_all = self.in_all.saturating_add(1);
        Ok(())
    }

    #[expect(
        clippy::arithmetic_side_effects,
        reason = "each place was counted, and is dropped once"
    )]
    fn give_back(&mut self, origin: Origin) {
        self.in_all -= 1;
        if let Some(of_origin) = self.of.get_mut(&origin) {
            *of_origin -= 1;
            if *of_origin == 0 {
                self.of.remove(&origin);
            }
        }
    }
}

impl Origin {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.octets()),
            IpAddr::V6(address) => Self::V6(network(address)),
        }
    }
}

fn network(address: Ipv6Addr) -> [u16; 4] {
    let [a, b, c, d, ..] = address.segments();
    [a, b, c, d]
}

impl Drop for Slot {
    fn drop(&mut self) {
        lock(&self.connections.open).give_back(self.origin);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> PortLimits {
        PortLimits { connections_max: 3, connections_of_address_max: 2, ..PortLimits::default() }
    }

    fn take(connections: &Arc<Connections>, address: &str) -> Result<Slot, NoRoom> {
        connections.take(address.parse().unwrap(), &limits())
    }

    #[test]
    fn who_has_many_is_refused_and_others_are_not() {
        let connections = Arc::default();
        let _first = take(&connections, "192.0.2.1").unwrap();
        let second = take(&connections, "::ffff:192.0.2.1").unwrap();
        assert_eq!(take(&connections, "192.0.2.1").unwrap_err(), NoRoom::OfAddress(2));
        let _other = take(&connections, "192.0.2.2").unwrap();
        assert_eq!(take(&connections, "192.0.2.3").unwrap_err(), NoRoom::InAll(3));
        drop(second);
        let _again = take(&connections, "192.0.2.1").unwrap();
        assert_eq!((connections.open(), connections.refused()), (3, 2));
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one() {
        let connections = Arc::default();
        let _first = take(&connections, "2001:db8::1").unwrap();
        let _second = take(&connections, "2001:db8::2").unwrap();
        assert_eq!(take(&connections, "2001:db8::3").unwrap_err(), NoRoom::OfAddress(2));
        assert!(take(&connections, "2001:db8:0:1::3").is_ok());
    }

    #[test]
    fn nothing_stays_of_connections_that_are_gone() {
        let connections = Arc::<Connections>::default();
        drop(take(&connections, "192.0.2.1").unwrap());
        assert_eq!(connections.open(), 0);
        assert!(lock(&connections.open).of.is_empty());
    }
}
