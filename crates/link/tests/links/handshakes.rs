//! Opening handshakes of websockets at a port of links: their form, and the origins allowed to
//! try.

use axum::http::StatusCode;
use link::Settings;
use port::{Hosts, Network, Port, some_of};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

use super::support::TestAcceptor;

const TARGET: &str = "/socket.io/?EIO=4&transport=websocket";

const HEADERS: [&str; 5] = [
    "host: gateway.example:3002",
    "upgrade: websocket",
    "connection: Upgrade",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

/// A port of links, open to pages of localhost, of addresses and of `gateway.example`.
fn port() -> Network {
    let (network, listener) = Network::new(64 << 10);
    let settings = Settings::default();
    let hosts = Hosts::Named(vec!["gateway.example".parse().expect("a name")]);
    let server = link::server(TestAcceptor::default(), &settings).for_pages_of(hosts);
    let listener = link::listener(listener, &settings);
    let never = CancellationToken::new();
    tokio::spawn(async move {
        port::serve(listener, Port::default(), |connection| server.on(connection), never).await;
    });
    network
}

/// The answer to a request: its status, and the text of the first read.
async fn answer(network: &Network, line: &str, headers: &[&str]) -> (u16, String) {
    let mut stream = network.dial();
    let head = format!("{line}\r\n{}\r\n\r\n", headers.join("\r\n"));
    stream.write_all(head.as_bytes()).await.expect("open");
    let text = some_of(&mut stream).await;
    let status = text.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {text}")), text)
}

async fn status(network: &Network, line: &str, headers: &[&str]) -> u16 {
    answer(network, line, headers).await.0
}

fn get(target: &str) -> String {
    format!("GET {target} HTTP/1.1")
}

/// The headers without the one of this name, and with the other one, if there is one.
fn changed<'a>(name: &str, other: Option<&'a str>) -> Vec<&'a str> {
    let kept = HEADERS.into_iter().filter(|header| !header.starts_with(&format!("{name}:")));
    kept.chain(other).collect()
}

#[tokio::test(start_paused = true)]
async fn only_a_handshake_of_rfc_6455_opens_a_websocket() {
    let network = port();
    let line = get(TARGET);
    assert_eq!(status(&network, &line, &HEADERS).await, 101);
    for (line, headers) in [
        (line.replace("1.1", "1.0"), HEADERS.to_vec()),
        (line.clone(), changed("upgrade", None)),
        (line.clone(), changed("connection", None)),
        (line.clone(), changed("connection", Some("connection: keep-alive"))),
        (line.clone(), changed("sec-websocket-version", None)),
        (line.clone(), changed("sec-websocket-version", Some("sec-websocket-version: 8"))),
    ] {
        let (status, text) = answer(&network, &line, &headers).await;
        assert_eq!(status, StatusCode::UPGRADE_REQUIRED.as_u16(), "{line} {headers:?}");
        for header in ["upgrade: websocket", "connection: Upgrade", "sec-websocket-version: 13"] {
            assert!(text.contains(&format!("\r\n{header}")), "no {header} in {text}");
        }
    }
    for (line, headers) in [
        (line.clone(), changed("sec-websocket-key", None)),
        (line.clone(), changed("sec-websocket-key", Some("sec-websocket-key: short"))),
        (line.replace("GET", "POST"), HEADERS.to_vec()),
        (line.clone(), changed("host", None)),
    ] {
        let status = status(&network, &line, &headers).await;
        assert_eq!(status, StatusCode::BAD_REQUEST.as_u16(), "{line} {headers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_of_another_site_opens_no_websocket() {
    let network = port();
    let (line, local) = (get(TARGET), changed("host", Some("host: 127.0.0.1:3002")));
    let from = |origin: &'static str| [&local[..], &[origin]].concat();
    for origin in ["http://localhost:8080", "http://127.0.0.1", "https://gateway.example"] {
        let origin: &str = &format!("origin: {origin}");
        let headers = [&local[..], &[origin]].concat();
        assert_eq!(status(&network, &line, &headers).await, 101, "{origin}");
    }
    for origin in [
        "origin: http://attacker.example",
        "origin: http://203.0.113.9",
        "origin: null",
        "origin: file://",
    ] {
        let status = status(&network, &line, &from(origin)).await;
        assert_eq!(status, StatusCode::FORBIDDEN.as_u16(), "{origin}");
    }
    // The attacker's DNS name resolves to this port.
    let rebound = changed("host", Some("host: attacker.example"));
    let own = [&rebound[..], &["origin: http://attacker.example"]].concat();
    assert_eq!(status(&network, &line, &own).await, StatusCode::FORBIDDEN.as_u16());
    let other = [&rebound[..], &["origin: http://localhost"]].concat();
    assert_eq!(status(&network, &line, &other).await, StatusCode::MISDIRECTED_REQUEST.as_u16());
    // A node is not a browser. Its name for the gateway is the operator's choice.
    assert_eq!(status(&network, &line, &rebound).await, 101);
}

#[tokio::test(start_paused = true)]
async fn who_wants_another_transport_or_path_is_told_what_there_is() {
    let network = port();
    let polling = get("/socket.io/?EIO=4&transport=polling&t=n18hmcsb");
    let (status, text) = answer(&network, &polling, &HEADERS[..1]).await;
    assert_eq!(status, 200);
    assert!(text.contains("\r\n\r\n0{\"sid\""), "{text}");
    assert!(text.contains("\u{1e}44{\"message\":\"this port takes websockets only"), "{text}");
    for target in [
        "/socket.io/?EIO=4&transport=polling",
        "/socket.io/?EIO=4&transport=polling&t=n18hmcsb&sid=none",
        "/socket.io/",
    ] {
        let (status, text) = answer(&network, &get(target), &HEADERS[..1]).await;
        assert_eq!(status, StatusCode::BAD_REQUEST.as_u16(), "{target}");
        assert!(text.contains("application/json"), "{text}");
        assert!(
            text.contains("{\"code\":0,\"message\":\"this port takes websockets only"),
            "{text}"
        );
    }
    let (status, text) = answer(&network, &get("/"), &HEADERS[..1]).await;
    assert_eq!(status, StatusCode::NOT_FOUND.as_u16());
    assert!(text.contains("socket.io is at /socket.io/"), "{text}");
}
