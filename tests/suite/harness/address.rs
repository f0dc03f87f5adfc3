//! Addresses for one test alone.

use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicU8, Ordering};

/// A new address of the loopback range for one test alone, so its ports are free.
///
/// Outgoing connections come from 127.0.0.1, so they take no ports here.
pub(crate) fn fresh() -> Ipv4Addr {
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., high, low] = std::process::id().to_be_bytes();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    assert!(count < u8::MAX, "more tests than addresses");
    // 127.128.0.0/9 avoids the addresses that systems use for themselves.
    Ipv4Addr::new(127, 128 | high, low, count)
}
