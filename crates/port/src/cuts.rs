//! Cuts: why connections were cut off, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::stream::StreamFailure;

/// Defines the reasons with their names.
macro_rules! cuts {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// Why a connection was cut off: what its peer did, or did not.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Cut {
            $($(#[$doc])* $name,)*
        }

        impl Cut {
            const ALL: [Self; [$($text),*].len()] = [$(Self::$name),*];

            /// Its name in metrics.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

cuts! {
    /// The head of a request was not there in time.
    HeadLate = "head-late";
    /// A kept connection was idle for too long. That is no fault.
    Idle = "idle";
    /// The head of a request was too large.
    HeadTooLarge = "head-too-large";
    /// It was no HTTP.
    NotHttp = "not-http";
    /// It was no TLS, or none that both sides agree on, or not in time.
    NoTls = "no-tls";
    /// It did not say who it is in time.
    Unknown = "unknown";
    /// It did not read.
    NotReading = "not-reading";
    /// It gave no sign of life.
    Silent = "silent";
    /// It broke the protocol of links.
    Violation = "violation";
    /// More waited for it than may.
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
    /// That of a stream, where its peer is to blame.
    pub(crate) fn by_stream(failure: StreamFailure) -> Option<Self> {
        match failure {
            StreamFailure::NotAuthenticated => Some(Self::Unknown),
            StreamFailure::WriteStalled(_) => Some(Self::NotReading),
            StreamFailure::Silent(_) => Some(Self::Silent),
            StreamFailure::Killed => None,
        }
    }

    /// That of a connection that was served over HTTP.
    pub(super) fn by_http(error: &hyper::Error) -> Option<Self> {
        if error.is_parse_too_large() {
            Some(Self::HeadTooLarge)
        } else {
            error.is_parse().then_some(Self::NotHttp)
        }
    }
}
