//! Cuts: why connections were cut off, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use strum::{IntoStaticStr, VariantArray};

use crate::stream::StreamFailure;

/// Why a connection was cut off: the peer's act, or its omission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case")]
pub enum Cut {
    /// The peer did not send the head of a request in time.
    HeadLate,
    /// A kept connection was idle for too long. This is not a fault.
    Idle,
    /// The head of a request was too large.
    HeadTooLarge,
    /// The peer did not speak HTTP.
    NotHttp,
    /// The peer did not speak TLS, had no TLS parameters in common with this side, or was too
    /// slow.
    NoTls,
    /// The peer did not identify itself in time.
    Unknown,
    /// The peer did not read.
    NotReading,
    /// The peer gave no sign of life.
    Silent,
    /// The peer broke the protocol of links.
    Violation,
    /// Too much was queued for the peer.
    QueueFull,
}

impl Cut {
    const ALL: &[Self] = Self::VARIANTS;

    /// The name in metrics: the name of the variant in kebab case.
    pub fn name(self) -> &'static str {
        self.into()
    }
}

/// How many connections were cut off, by reason.
#[derive(Debug, Default)]
pub(super) struct Cuts([AtomicU64; Cut::ALL.len()]);

impl Cuts {
    pub(super) fn add(&self, cut: Cut) {
        for (_, count) in Cut::ALL.iter().zip(&self.0).filter(|(known, _)| **known == cut) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (Cut, u64)> {
        let counts = self.0.iter().map(|count| count.load(Ordering::Relaxed));
        Cut::ALL.iter().copied().zip(counts)
    }
}

impl Cut {
    /// The reason of a stream failure, if the peer is to blame.
    pub(crate) fn by_stream(failure: StreamFailure) -> Option<Self> {
        match failure {
            StreamFailure::NotAuthenticated => Some(Self::Unknown),
            StreamFailure::WriteStalled(_) => Some(Self::NotReading),
            StreamFailure::Silent(_) => Some(Self::Silent),
            StreamFailure::Killed => None,
        }
    }

    /// The reason of a failed HTTP connection, if the peer is to blame.
    pub(super) fn by_http(error: &hyper::Error) -> Option<Self> {
        if error.is_parse_too_large() {
            Some(Self::HeadTooLarge)
        } else {
            error.is_parse().then_some(Self::NotHttp)
        }
    }
}
