//! Limits: how much of a port its peers may use.

use std::time::Duration;

use crate::time::TIME_MAX;

/// How much of a port its peers may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortLimits {
    /// How many connections may be open at once. Links do not count once their peers are
    /// admitted. 4,096 by default.
    pub connections_max: usize,
    /// How many of them may come from one address: one of IPv4, or a network of IPv6 (64 bits),
    /// because providers give such a network to one customer. 2,048 by default.
    pub connections_of_address_max: usize,
    /// How many bytes a request's line and headers may take. At least
    /// [`HEAD_BYTES_LEAST`](Self::HEAD_BYTES_LEAST). 16 KiB by default.
    pub head_bytes_max: usize,
    /// How long the head of a request may take from its first byte, and then its body, if the
    /// service uses this limit for bodies. Also the limit of a TLS handshake, and of the wait for
    /// the first byte of a new connection. 30 s by default.
    pub receive_deadline: Duration,
    /// How long a connection may stay open without a request. 180 s by default. Proxies keep
    /// idle connections for up to 120 s. The proxy has to close first, or it may send a request
    /// into a closing connection.
    pub idle_deadline: Duration,
}

impl PortLimits {
    /// The usual [`receive_deadline`](Self::receive_deadline), in milliseconds.
    pub const RECEIVE_DEADLINE_MS: u64 = 30_000;

    /// The usual [`idle_deadline`](Self::idle_deadline), in milliseconds.
    pub const IDLE_DEADLINE_MS: u64 = 180_000;

    /// hyper's buffer has at least this size.
    pub const HEAD_BYTES_LEAST: usize = 8 << 10;

    /// Checks whether a port can be served within these limits. Call it after reading a
    /// configuration.
    ///
    /// # Errors
    ///
    /// Names the first limit outside of its range.
    pub fn validate(&self) -> Result<(), InvalidLimits> {
        if self.connections_max == 0 || self.connections_of_address_max == 0 {
            return Err(InvalidLimits::NoConnection);
        }
        if self.head_bytes_max < Self::HEAD_BYTES_LEAST {
            return Err(InvalidLimits::HeadTooSmall(self.head_bytes_max));
        }
        let deadlines = [self.receive_deadline, self.idle_deadline];
        if deadlines.into_iter().any(|deadline| deadline < Duration::from_millis(1)) {
            return Err(InvalidLimits::NoTime);
        }
        if deadlines.into_iter().any(|deadline| deadline > TIME_MAX) {
            return Err(InvalidLimits::NoEnd);
        }
        Ok(())
    }
}

impl Default for PortLimits {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            connections_of_address_max: 2_048,
            head_bytes_max: 16 << 10,
            receive_deadline: Duration::from_millis(Self::RECEIVE_DEADLINE_MS),
            idle_deadline: Duration::from_millis(Self::IDLE_DEADLINE_MS),
        }
    }
}

/// Limits with which a port cannot be served.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidLimits {
    /// No connection at all.
    #[error("a port that may have no connection serves nobody: allow one at least")]
    NoConnection,
    /// No room for a request.
    #[error(
        "{0} bytes for the head of a request are too few: allow {least} at least",
        least = PortLimits::HEAD_BYTES_LEAST
    )]
    HeadTooSmall(usize),
    /// No time for a request.
    #[error("a deadline below a millisecond leaves no time to send a request: make it longer")]
    NoTime,
    /// An endless wait for a request.
    #[error(
        "a connection that may wait above an hour for a request has no deadline: make it shorter"
    )]
    NoEnd,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_valid_and_what_serves_nobody_is_not() {
        let limits = PortLimits::default();
        assert_eq!(limits.validate(), Ok(()));
        let none = PortLimits { connections_of_address_max: 0, ..limits.clone() };
        assert_eq!(none.validate(), Err(InvalidLimits::NoConnection));
        let small = PortLimits { head_bytes_max: 1, ..limits.clone() };
        assert_eq!(small.validate(), Err(InvalidLimits::HeadTooSmall(1)));
        let long = PortLimits { receive_deadline: Duration::MAX, ..limits.clone() };
        assert_eq!(long.validate(), Err(InvalidLimits::NoEnd));
        let short = PortLimits { receive_deadline: Duration::ZERO, ..limits.clone() };
        assert_eq!(short.validate(), Err(InvalidLimits::NoTime));
        let kept = PortLimits { idle_deadline: Duration::MAX, ..limits.clone() };
        assert_eq!(kept.validate(), Err(InvalidLimits::NoEnd));
        let unkept = PortLimits { idle_deadline: Duration::ZERO, ..limits };
        assert_eq!(unkept.validate(), Err(InvalidLimits::NoTime));
    }
}
