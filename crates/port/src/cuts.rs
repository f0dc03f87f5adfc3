//! Cuts: why connections were cut off, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::stream::StreamFailure;

/// Defines the reasons with their names.
macro_rules! cuts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a connection was cut off: the peer's act, or its omission.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Cut {
            $($(#[$doc])* $name,)*
        }

        impl Cut {
            const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// The name in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

cuts! {
    /// The peer did not send the head of a request in time.
    HeadLate = "head-late";
    /// A kept connection was idle for too long. This is not a fault.
    Idle = "idle";
    /// The head of a request was too large.
    HeadTooLarge = "head-too-large";
    /// The peer did not speak HTTP.
    NotHttp = "not-http";
    /// The peer did not speak TLS, had no TLS parameters in common with this side, or was too
    /// slow.
    NoTls = "no-tls";
    /// The peer did not identify itself in time.
    Unknown = "unknown";
    /// The peer did not read.
    NotReading = "not-reading";
    /// The peer gave no sign of life.
    Silent = "silent";
    /// The peer broke the protocol of links.
    Violation = "violation";
    /// Too much was queued for the peer.
    QueueFull = "queue-full";
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
        Cut::ALL.into_iter().zip(&self.0).map(|(cut, count)| (cut, count.load(Ordering::Relaxed)))
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
