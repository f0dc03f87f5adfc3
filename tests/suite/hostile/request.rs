//! A request built piece by piece, so that each piece can be wrong.

use serde_json::{Map, Value};

use super::random::Draw;
use super::routes::{Port, Route};

/// How many users the hostile requests are about. The limit bounds the data they leave behind.
const USERS: u64 = 500;

/// A request in pieces.
#[derive(Debug, Clone)]
pub(super) struct Request {
    pub(super) method: Vec<u8>,
    pub(super) target: Vec<u8>,
    pub(super) version: &'static str,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) length: Length,
}

/// How a request announces the length of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    /// By `Content-Length`, where there is a body.
    Told,
    /// By chunks of this size.
    Chunks(usize),
    /// By a header among the others, or not at all.
    AsItIs,
}

impl Request {
    /// The proper request for a route.
    pub(super) fn friendly(route: &Route, draw: &mut Draw) -> Self {
        let id = id(draw);
        let mut request = Self {
            method: route.method.clone().into_bytes(),
            target: route.path_with(id.as_bytes()),
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: Vec::new(),
            length: Length::Told,
        };
        request.add("host", "localhost");
        if route.port == Port::Links {
            request.add("upgrade", "websocket");
            request.add("connection", "Upgrade");
            request.add("sec-websocket-version", "13");
            request.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        }
        if route.has_body() {
            request.set_json(&route.example(draw, &id));
        }
        request
    }

    pub(super) fn add(&mut self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) {
        self.headers.push((name.as_ref().to_vec(), value.as_ref().to_vec()));
    }

    /// Removes a header.
    pub(super) fn remove(&mut self, name: &str) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name.as_bytes()));
    }

    pub(super) fn set(&mut self, name: &str, value: impl AsRef<[u8]>) {
        self.remove(name);
        self.add(name, value);
    }

    /// Sets a body, and declares it as JSON.
    pub(super) fn set_body(&mut self, body: impl Into<Vec<u8>>) {
        self.set("content-type", "application/json");
        self.body = body.into();
    }

    pub(super) fn set_json(&mut self, members: &Map<String, Value>) {
        self.set_body(Value::Object(members.clone()).to_string());
    }

    /// Whether the answer has no body.
    pub(super) fn is_head(&self) -> bool {
        self.method == b"HEAD"
    }

    /// The request line and the headers.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut bytes =
            [&self.method[..], b" ", &self.target, b" ", self.version.as_bytes(), b"\r\n"].concat();
        let length = match self.length {
            Length::Told if !self.body.is_empty() => {
                Some(("content-length", self.body.len().to_string()))
            }
            Length::Chunks(_) => Some(("transfer-encoding", "chunked".to_owned())),
            Length::Told | Length::AsItIs => None,
        };
        for (name, value) in &self.headers {
            bytes.extend([&name[..], b": ", value, b"\r\n"].concat());
        }
        if let Some((name, value)) = length {
            bytes.extend(format!("{name}: {value}\r\n").bytes());
        }
        bytes.extend(b"\r\n");
        bytes
    }

    /// The whole request.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.head();
        match self.length {
            Length::Told | Length::AsItIs => bytes.extend(&self.body),
            Length::Chunks(size) => {
                for chunk in self.body.chunks(size) {
                    bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
                    bytes.extend([chunk, b"\r\n"].concat());
                }
                bytes.extend(b"0\r\n\r\n");
            }
        }
        bytes
    }
}

/// The id of a user for a hostile request.
pub(super) fn id(draw: &mut Draw) -> String {
    format!("hostile-{}", draw.below(USERS))
}
