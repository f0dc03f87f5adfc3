//! The users, and the requests on them.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

/// The requests of the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Workload {
    /// Reads of users drawn uniformly.
    Reads,
    /// Updates of whole records of users drawn uniformly.
    Updates,
    /// Nine reads to one update.
    Mixed,
}

impl Workload {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reads => "reads",
            Self::Updates => "updates",
            Self::Mixed => "mixed",
        }
    }
}

/// The interface of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Chainring's REST.
    Users,
    /// etcd's gRPC gateway, version 3.
    Etcd,
}

/// A record, by its number. All records have the same length.
pub(crate) fn record(number: u32, change: u32) -> String {
    benches::record(number.into(), &format!("Name number {change:010}"))
}

fn id(number: u32) -> String {
    benches::id(number.into())
}

impl Dialect {
    /// All requests of a workload, one for each user.
    pub(crate) fn requests(self, workload: Workload, users: u32) -> impl Iterator<Item = String> {
        let of_user = move |number: u32| match workload {
            Workload::Reads => self.read(number),
            Workload::Mixed if !number.is_multiple_of(10) => self.read(number),
            Workload::Updates | Workload::Mixed => self.update(number, number + 1),
        };
        (0..users).map(of_user)
    }

    /// The path and the body of the request to create a user.
    pub(crate) fn creation(self, number: u32) -> (&'static str, String) {
        match self {
            Self::Users => ("/api/user/", record(number, number)),
            Self::Etcd => ("/v3/kv/put", put(number, number)),
        }
    }

    fn read(self, number: u32) -> String {
        match self {
            Self::Users => {
                format!("GET /api/user/{} HTTP/1.1\r\nHost: localhost\r\n\r\n", id(number))
            }
            // A linearizable read, as in Chainring.
            Self::Etcd => {
                let key = BASE64_STANDARD.encode(id(number));
                with_body("POST", "/v3/kv/range", &format!(r#"{{"key":"{key}"}}"#))
            }
        }
    }

    fn update(self, number: u32, change: u32) -> String {
        match self {
            Self::Users => with_body("PUT", "/api/user/", &record(number, change)),
            Self::Etcd => with_body("POST", "/v3/kv/put", &put(number, change)),
        }
    }
}

fn put(number: u32, change: u32) -> String {
    let key = BASE64_STANDARD.encode(id(number));
    let value = BASE64_STANDARD.encode(record(number, change));
    format!(r#"{{"key":"{key}","value":"{value}"}}"#)
}

fn with_body(method: &str, path: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
