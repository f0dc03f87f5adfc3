//! Entrance: checks a request to a port of links before socketioxide gets it.
//!
//! | request | answer |
//! |---|---|
//! | from a page of another site | 403, or 421 if only its `Host` is wrong |
//! | another path | 404 |
//! | long polling of engine.io | an error that socket.io clients show: websockets only |
//! | an invalid handshake (RFC 6455, section 4.2.1) | 400, or 426 with the right version |
//! | a websocket handshake | socketioxide's |
//!
//! engineioxide accepts a handshake of any version, over HTTP/1.0, and without `Upgrade`.

use axum::extract::{Request, State};
use axum::http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderName, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use port::{Hosts, Misdirected};

use crate::wire::PATH;

/// The only version of the websocket protocol.
const VERSION: &str = "13";

/// The message for clients that ask for another transport. It contains nothing that JSON escapes.
const WEBSOCKET_ONLY: &str =
    "this port takes websockets only: connect with transports: ['websocket']";

/// Passes websocket handshakes on, and answers all other requests.
pub(super) async fn enter(State(hosts): State<Hosts>, request: Request, next: Next) -> Response {
    match judge(&hosts, &request) {
        Ok(()) => next.run(request).await,
        Err(turned_away) => turned_away.into_response(),
    }
}

/// Why a request is not passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TurnedAway {
    Misdirected(Misdirected),
    NoSuchPath,
    /// An official socket.io client opens a session over long polling.
    Polling,
    /// Any other request for another transport.
    NotWebsocket,
    /// The handshake lacks the right upgrade.
    UpgradeRequired(&'static str),
    /// The handshake is invalid in another way.
    Malformed(&'static str),
}

fn judge(hosts: &Hosts, request: &Request) -> Result<(), TurnedAway> {
    hosts.check_page(request).map_err(TurnedAway::Misdirected)?;
    let path = request.uri().path();
    if path.strip_suffix('/').unwrap_or(path) != PATH {
        return Err(TurnedAway::NoSuchPath);
    }
    let query = request.uri().query().unwrap_or_default();
    let has = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    let names = |wanted: &str| query.split('&').any(|pair| pair.starts_with(wanted));
    if has("transport=websocket") {
        return handshake(request);
    }
    let opens = *request.method() == Method::GET && has("EIO=4") && !names("sid=");
    // The official clients add a timestamp against caches. Other clients get an HTTP status.
    Err(if opens && has("transport=polling") && names("t=") {
        TurnedAway::Polling
    } else {
        TurnedAway::NotWebsocket
    })
}

/// Checks an opening handshake (RFC 6455, section 4.2.1).
fn handshake(request: &Request) -> Result<(), TurnedAway> {
    let headers = request.headers();
    if *request.method() != Method::GET {
        return Err(TurnedAway::Malformed("a websocket is opened with the method GET"));
    }
    // A server ignores `Upgrade` in HTTP/1.0 (RFC 9110, section 7.8).
    if request.version() < Version::HTTP_11 {
        return Err(TurnedAway::UpgradeRequired("a websocket is opened over HTTP/1.1"));
    }
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(TurnedAway::UpgradeRequired(
            "links are websockets: send the headers Upgrade: websocket and Connection: Upgrade",
        ));
    }
    if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(TurnedAway::UpgradeRequired("send the header Sec-WebSocket-Version: 13"));
    }
    if !only(headers, &SEC_WEBSOCKET_KEY).is_some_and(is_key) {
        return Err(TurnedAway::Malformed(
            "send one header Sec-WebSocket-Key, with 16 bytes in base64",
        ));
    }
    if only(headers, &HOST).is_none() && request.uri().authority().is_none() {
        return Err(TurnedAway::Malformed("send one header Host"));
    }
    Ok(())
}

/// Whether a list header contains a token.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|word| word.trim().eq_ignore_ascii_case(token))
}

/// The value of a header, if it is present exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?.trim();
    values.next().is_none().then_some(value)
}

/// Whether a key is 16 bytes in base64: 22 digits, the last with two bits, and `==`.
fn is_key(key: &str) -> bool {
    let Some(digits) = key.strip_suffix("==") else { return false };
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"+/".contains(&byte);
    digits.len() == 22 && digits.bytes().all(is_digit) && digits.ends_with(['A', 'Q', 'g', 'w'])
}

impl IntoResponse for TurnedAway {
    fn into_response(self) -> Response {
        match self {
            Self::Misdirected(Misdirected::Host) => text(
                StatusCode::MISDIRECTED_REQUEST,
                "the gateway does not answer to the name in Host: start it with --host NAME",
            ),
            Self::Misdirected(Misdirected::Origin) => text(
                StatusCode::FORBIDDEN,
                "pages of this origin may not connect: start the gateway with --host NAME",
            ),
            Self::NoSuchPath => {
                text(StatusCode::NOT_FOUND, "this is a port of links: socket.io is at /socket.io/")
            }
            Self::Polling => refuse_polling().into_response(),
            Self::NotWebsocket => {
                let json = format!(r#"{{"code":0,"message":"{WEBSOCKET_ONLY}"}}"#);
                (StatusCode::BAD_REQUEST, [(CONTENT_TYPE, "application/json")], json)
                    .into_response()
            }
            Self::UpgradeRequired(words) => {
                let mut response = text(StatusCode::UPGRADE_REQUIRED, words);
                let headers = response.headers_mut();
                headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
                headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
                headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
                response
            }
            Self::Malformed(words) => text(StatusCode::BAD_REQUEST, words),
        }
    }
}

fn text(status: StatusCode, words: &'static str) -> Response {
    (status, format!("{words}\n")).into_response()
}

/// Refuses a client that begins with long polling, as official clients do by default.
///
/// For an HTTP error the JavaScript client shows only *xhr poll error*, and retries for ever. So
/// the answer opens a session and refuses the connection within it (`CONNECT_ERROR`). Clients show
/// the message of that packet, and stop. The server keeps no session; further requests in it get
/// 400.
fn refuse_polling() -> impl IntoResponse {
    let open =
        r#"0{"sid":"none","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1}"#;
    let refusal = format!(r#"44{{"message":"{WEBSOCKET_ONLY}"}}"#);
    ([(CONTENT_TYPE, "text/plain; charset=UTF-8")], format!("{open}\u{1e}{refusal}"))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// The handshake of RFC 6455, section 1.3, to a server of links.
    const HEADERS: [(&str, &str); 5] = [
        ("host", "server.example"),
        ("upgrade", "websocket"),
        ("connection", "keep-alive, Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn request(target: &str, change: impl FnOnce(&mut Request)) -> Request {
        let builder = Request::builder().uri(target);
        let builder =
            HEADERS.iter().fold(builder, |builder, (name, value)| builder.header(*name, *value));
        let mut request = builder.body(Body::empty()).unwrap();
        change(&mut request);
        request
    }

    fn judged(target: &str, change: impl FnOnce(&mut Request)) -> Result<(), TurnedAway> {
        judge(&Hosts::Any, &request(target, change))
    }

    const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

    fn with(name: &'static str, value: &str) -> Result<(), TurnedAway> {
        judged(TARGET, |request| {
            request.headers_mut().insert(name, value.parse().unwrap());
        })
    }

    fn without(name: &str) -> Result<(), TurnedAway> {
        judged(TARGET, |request| {
            request.headers_mut().remove(name);
        })
    }

    #[test]
    fn a_handshake_as_the_standard_has_it_is_handed_on() {
        assert_eq!(judged(TARGET, |_| {}), Ok(()));
        assert_eq!(judged("/socket.io?transport=websocket&EIO=4", |_| {}), Ok(()));
        assert_eq!(with("upgrade", "h2c, WebSocket"), Ok(()));
        assert_eq!(with("connection", "UPGRADE"), Ok(()));
    }

    #[test]
    fn a_handshake_that_wants_an_upgrade_is_told_which() {
        let is_told = |judged| matches!(judged, Err(TurnedAway::UpgradeRequired(_)));
        for name in ["upgrade", "connection", "sec-websocket-version"] {
            assert!(is_told(without(name)), "{name}");
        }
        for (name, value) in [
            ("upgrade", "h2c"),
            ("upgrade", "websockets"),
            ("connection", "close"),
            ("sec-websocket-version", "8"),
            ("sec-websocket-version", "13, 8"),
            ("sec-websocket-version", ""),
        ] {
            assert!(is_told(with(name, value)), "{name}: {value}");
        }
        for version in [Version::HTTP_09, Version::HTTP_10] {
            assert!(is_told(judged(TARGET, |request| *request.version_mut() = version)));
        }
        let response = TurnedAway::UpgradeRequired("x").into_response();
        assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
        assert_eq!(response.headers()[UPGRADE], "websocket");
        assert_eq!(response.headers()[CONNECTION], "Upgrade");
        assert_eq!(response.headers()[SEC_WEBSOCKET_VERSION], "13");
    }

    #[test]
    fn a_handshake_without_a_key_a_host_or_the_method_is_malformed() {
        let is_malformed = |judged| matches!(judged, Err(TurnedAway::Malformed(_)));
        assert!(is_malformed(without("host")));
        assert!(is_malformed(without("sec-websocket-key")));
        for key in [
            "",
            "==",
            "dGhlIHNhbXBsZQ==",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZR==",
            "!GhlIHNhbXBsZSBub25jZQ==",
        ] {
            assert!(is_malformed(with("sec-websocket-key", key)), "{key}");
        }
        for name in ["sec-websocket-key", "host"] {
            let twice = judged(TARGET, |request| {
                let value = request.headers()[name].clone();
                request.headers_mut().append(name, value);
            });
            assert!(is_malformed(twice), "{name}");
        }
        for method in [Method::POST, Method::HEAD, Method::PUT, Method::CONNECT, Method::OPTIONS] {
            assert!(is_malformed(judged(TARGET, |request| *request.method_mut() = method)));
        }
    }

    #[test]
    fn a_client_that_begins_with_polling_is_refused_and_a_session_of_it_is_unknown() {
        assert_eq!(
            judged("/socket.io/?EIO=4&transport=polling&t=x", |_| {}),
            Err(TurnedAway::Polling)
        );
        for target in [
            "/socket.io/?EIO=4&transport=polling&sid=none",
            "/socket.io/?EIO=4&transport=polling",
            "/socket.io/?EIO=4&transport=polling&sid=none&t=x",
            "/socket.io/?EIO=3&transport=polling&t=x",
            "/socket.io/?EIO=4&transport=webtransport",
            "/socket.io/?EIO=4",
            "/socket.io/",
        ] {
            assert_eq!(judged(target, |_| {}), Err(TurnedAway::NotWebsocket), "{target}");
        }
        let posted = judged("/socket.io/?EIO=4&transport=polling&t=x", |request| {
            *request.method_mut() = Method::POST;
        });
        assert_eq!(posted, Err(TurnedAway::NotWebsocket));
    }

    #[test]
    fn there_is_nothing_at_another_path() {
        for target in [
            "/",
            "/socket.io/x?transport=websocket",
            "/socket.iox/?transport=websocket",
            "/healthz",
        ] {
            assert_eq!(judged(target, |_| {}), Err(TurnedAway::NoSuchPath), "{target}");
        }
    }
}
