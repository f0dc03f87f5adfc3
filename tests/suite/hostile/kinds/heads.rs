//! Faults of a request's line and headers.

use super::answered;
use super::frames::after_handshake;
use crate::harness::wire::AnswerTo;
use crate::hostile::random::Draw;
use crate::hostile::request::Request;
use crate::hostile::routes::{Port, Route};
use crate::hostile::script::Script;

const PRECONDITIONS: &[&str] = &["if-match", "if-none-match"];

/// Numbers around the limits of every integer type that they may pass through.
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "127",
    "4294967295",
    "4294967296",
    "9007199254740993",
    "9223372036854775806",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "340282366920938463463374607431768211456",
    "00000000000000000000000000000001",
    "-1",
    "+1",
    "1e9",
];

fn number(draw: &mut Draw) -> String {
    match draw.below(4) {
        0 => "9".repeat(draw.between(1, 300)),
        1 => draw.below(u64::MAX).saturating_mul(1 + draw.below(u64::MAX)).to_string(),
        _ => (*draw.one(NUMBERS)).to_owned(),
    }
}

/// Entity tags with huge numbers.
pub(super) fn huge_versions(route: &Route, draw: &mut Draw) -> Script {
    let mut request = Request::friendly(route, draw);
    let tag = |draw: &mut Draw| match draw.below(8) {
        0 => format!("W/\"{}.{}\"", number(draw), number(draw)),
        1 => format!("\"{}\"", number(draw)),
        _ => format!("\"{}.{}\"", number(draw), number(draw)),
    };
    let tags = (0..draw.between(1, 4)).map(|_| tag(draw)).collect::<Vec<_>>();
    let name = *draw.one(PRECONDITIONS);
    request.add(name, tags.join(", "));
    answered(&request)
}

/// Preconditions in every form, valid and invalid.
pub(super) fn preconditions(route: &Route, draw: &mut Draw) -> Script {
    const VALUES: &[&str] = &[
        "*",
        " * ",
        "*, *",
        "\"*\"",
        "\"1.1\"",
        "W/\"1.1\"",
        "w/\"1.1\"",
        "\"1.1\", \"1.2\"",
        ",,,\"1.1\",,",
        "\"1.1\" \"1.2\"",
        "1.1",
        "\"1.1",
        "1.1\"",
        "\"\"",
        "",
        ",",
        "W/",
        "\"a b\"",
        "\"\u{e4}\u{f6}\"",
        "'1.1'",
        "\"1.1\"; q=1",
        "\"1.1\",*",
        "\"1\\\"1\"",
        "\"1.1\"\t,\t\"2.1\"",
    ];
    let mut request = Request::friendly(route, draw);
    for _ in 0..draw.between(1, 3) {
        let name = *draw.one(&["if-match", "if-none-match", "IF-MATCH", "If-None-Match"]);
        match draw.below(6) {
            0 => {
                let count = *draw.one(&[2, 63, 64, 65, 400]);
                let tags = (0..count).map(|seq| format!("\"1.{seq}\"")).collect::<Vec<_>>();
                request.add(name, tags.join(","));
            }
            1 => {
                let other = *draw.one(&["if-modified-since", "if-unmodified-since", "if-range"]);
                request.add(other, "Sat, 29 Oct 1994 19:43:31 GMT");
            }
            _ => request.add(name, draw.one(VALUES)),
        }
    }
    answered(&request)
}

/// Invalid ids, in the path and in the body.
pub(super) fn ids(route: &Route, draw: &mut Draw) -> Script {
    const IDS: &[&[u8]] = &[
        b".",
        b"..",
        b"...",
        b"%2e",
        b"%2E%2e",
        b".%2e",
        b"%2e.",
        b"",
        b"%",
        b"%z",
        b"%zz",
        b"%00",
        b"a%00b",
        b"%ff",
        b"%c0%af",
        b"%ed%a0%80",
        b"a%2fb",
        b"a/b",
        b"a//b",
        b"../metrics",
        b"%2e%2e%2fmetrics",
        b"a%20b",
        b"a+b",
        b"a b",
        b"\xff\xfe",
        b"\xc3\xa4",
        b"%c3%a4",
        b"{id}",
        b"a;b=c",
        b"a#b",
    ];
    let id = match draw.below(5) {
        0 => b"x".repeat(*draw.one(&[1, 127, 128, 129, 255, 4_000, 12_000])),
        1 => b"%41".repeat(draw.between(1, 200)),
        2 => {
            let length = draw.between(1, 40);
            draw.bytes(length)
        }
        _ => draw.one(IDS).to_vec(),
    };
    let mut request = Request::friendly(route, draw);
    if route.path.contains('{') {
        request.target = route.path_with(&id);
    } else if draw.chance(4) {
        request.target.extend(&id);
    }
    if route.has_body() {
        let mut members = route.example(draw, "hostile-0");
        members.insert("id".to_owned(), String::from_utf8_lossy(&id).into());
        request.set_json(&members);
    }
    // A line break in the target splits the bytes into two requests.
    let is_one = !request.target.iter().any(|byte| b"\r\n".contains(byte));
    if is_one { answered(&request) } else { Script::anything(request.bytes()) }
}

/// Hosts, origins and targets of other sites, or none at all.
pub(super) fn hosts(route: &Route, draw: &mut Draw) -> Script {
    const HOSTS: &[&str] = &[
        "localhost",
        "LOCALHOST.:80",
        "127.0.0.1",
        "2130706433",
        "0x7f.1",
        "[::1]:3001",
        "[::1",
        "::1",
        "",
        "rebound.attacker.example",
        "rebound.attacker.example:3001",
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        "attacker.example@localhost",
        "localhost@attacker.example",
        "localhost:99999999",
        "localhost:x",
        "localhost, attacker.example",
        "\u{e4}ttacker.example",
        "xn--ttacker-5wa.example",
        "*",
        "localhost/",
    ];
    let mut request = Request::friendly(route, draw);
    match draw.below(6) {
        0 => request.remove("host"),
        1 => request.add("host", draw.one(HOSTS)),
        2 => {
            let scheme = *draw.one(&["http://", "https://", "ftp://", "//", "HTTP://"]);
            let host = draw.one(HOSTS).as_bytes().to_vec();
            request.target = [scheme.as_bytes(), &host, &request.target].concat();
        }
        _ => request.set("host", draw.one(HOSTS)),
    }
    if draw.chance(2) {
        let origin = match draw.below(3) {
            0 => format!("http://{}", draw.one(HOSTS)),
            1 => format!("https://{}:8443", draw.one(HOSTS)),
            _ => (*draw.one(&["null", "file://", "", "attacker.example", "*"])).to_owned(),
        };
        request.add("origin", origin);
        let site = *draw.one(&["cross-site", "same-origin", "none"]);
        request.add("sec-fetch-site", site);
        request.add("referer", "http://attacker.example/page");
    }
    answered(&request)
}

/// Media types and encodings in the `accept` headers.
pub(super) fn accept(route: &Route, draw: &mut Draw) -> Script {
    const VALUES: &[&str] = &[
        "*/*",
        "text/plain",
        "text/html, */*;q=0.1",
        "application/json",
        "application/problem+json",
        "application/openmetrics-text; version=1.0.0, text/plain;q=0.5",
        "application/openmetrics-text;q=0",
        "text/plain;version=0.0.4;q=0.5,*/*;q=0",
        "text/event-stream",
        "",
        ",",
        ";;;",
        "*",
        "a/b;q=2",
        "a/b;q=-1",
        "a/b;q=nan",
        "a/b;q=1.00000000000000000000000001",
        "text/\u{e4}",
    ];
    let mut request = Request::friendly(route, draw);
    match draw.below(6) {
        0 => request.add("accept", "text/plain;q=0.1,".repeat(draw.between(1, 500))),
        1 => {
            for _ in 0..draw.between(2, 20) {
                request.add("accept", draw.one(VALUES));
            }
        }
        _ => request.add("accept", draw.one(VALUES)),
    }
    let other = *draw.one(&["accept-encoding", "accept-language", "accept-charset", "te"]);
    request.add(other, draw.one(&["gzip, br;q=0", "identity;q=0", "*;q=0", "trailers", "de"]));
    answered(&request)
}

/// Methods unknown to the route, or unknown to everybody.
pub(super) fn methods(route: &Route, draw: &mut Draw) -> Script {
    const METHODS: &[&str] = &[
        "HEAD",
        "OPTIONS",
        "TRACE",
        "CONNECT",
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "PROPFIND",
        "PURGE",
        "BREW",
        "get",
        "Get",
        "head",
        "G",
        "!#$%&'*+-.^_`|~",
        "PRI",
        "M-SEARCH",
    ];
    let mut request = Request::friendly(route, draw);
    request.method = match draw.below(8) {
        0 => b"X".repeat(draw.between(1, 2_000)),
        1 => b"HEAD".to_vec(),
        _ => draw.one(METHODS).as_bytes().to_vec(),
    };
    if request.method == b"OPTIONS" && draw.chance(2) {
        request.target = b"*".to_vec();
    }
    if draw.chance(4) {
        request.add(*draw.one(&["x-http-method-override", "x-method-override"]), "DELETE");
    }
    answered(&request)
}

/// Websocket handshakes with right and wrong headers. On a REST route every handshake is wrong.
pub(super) fn handshakes(route: &Route, draw: &mut Draw) -> Script {
    if route.port == Port::Links && draw.chance(2) {
        return after_handshake(route, draw);
    }
    let mut request = Request::friendly(route, draw);
    request
        .set("upgrade", draw.one(&["websocket", "WebSocket", "h2c", "websocket, h2c", "tls/1.0"]));
    request.set("connection", draw.one(&["Upgrade", "upgrade, keep-alive", "keep-alive", "close"]));
    request.set("sec-websocket-version", draw.one(&["13", "8", "0", "13, 8", "", "013", "255"]));
    let keys =
        ["dGhlIHNhbXBsZSBub25jZQ==", "short", "", "dGhlIHNhbXBsZSBub25jZR==", "!Ghl", "\u{e4}"];
    request.set("sec-websocket-key", draw.one(&keys));
    for name in ["upgrade", "connection", "sec-websocket-version", "sec-websocket-key"] {
        match draw.below(8) {
            0 => request.remove(name),
            1 => request.add(name, "13"),
            _ => {}
        }
    }
    if draw.chance(4) {
        request.version = "HTTP/1.0";
    }
    if draw.chance(4) {
        request.add("sec-websocket-extensions", "permessage-deflate; client_max_window_bits");
        request.add("sec-websocket-protocol", "chat, superchat");
    }
    if route.path.contains('?') && draw.chance(2) {
        request.target = draw
            .one(&[
                "/socket.io/?EIO=4&transport=polling&t=x",
                "/socket.io/?EIO=4&transport=polling",
                "/socket.io/?EIO=4&transport=polling&sid=none&t=x",
                "/socket.io/?EIO=3&transport=websocket",
                "/socket.io/?EIO=999999999999999999999&transport=websocket",
                "/socket.io/?transport=websocket",
                "/socket.io/?EIO=4&transport=websocket&sid=AAAAAAAAAAAAAAAA",
                "/socket.io/?EIO=4&transport=webtransport",
                "/socket.io",
                "/socket.io/../socket.io/?EIO=4&transport=websocket",
            ])
            .as_bytes()
            .to_vec();
    }
    answered(&request)
}

/// Unknown queries.
pub(super) fn queries(route: &Route, draw: &mut Draw) -> Script {
    const QUERIES: &[&str] = &[
        "",
        "x",
        "x=1&x=2",
        "limit=-1&after=%00",
        "limit=99999999999999999999",
        "after=%ff",
        "group=4294967296",
        "email=%c3%28",
        "partition=65536",
        "&&&&==",
        "%",
        "a[]=1&a[b]=2",
        "?",
        "callback=<script>",
    ];
    let mut request = Request::friendly(route, draw);
    let query = match draw.below(5) {
        0 => "a=b&".repeat(draw.between(1, 2_000)),
        _ => (*draw.one(QUERIES)).to_owned(),
    };
    let separator: &[u8] = if request.target.contains(&b'?') { b"&" } else { b"?" };
    request.target.extend([separator, query.as_bytes()].concat());
    answered(&request)
}

/// Credentials for a gateway without tokens, and headers of proxies.
pub(super) fn credentials(route: &Route, draw: &mut Draw) -> Script {
    const VALUES: &[&str] = &[
        "Bearer",
        "Bearer ",
        "Bearer guess",
        "bearer  two words",
        "Basic YWRhOmFkYQ==",
        "Basic !",
        "Digest username=\"x\"",
        "",
        "Bearer \u{e4}",
        "Negotiate AAAA",
    ];
    let mut request = Request::friendly(route, draw);
    for _ in 0..draw.between(1, 3) {
        request.add("authorization", draw.one(VALUES));
    }
    request.add("cookie", "session=".to_owned() + &"x".repeat(draw.between(0, 4_000)));
    request.add("x-forwarded-for", "127.0.0.1, ::1, unknown");
    request.add("x-forwarded-host", "attacker.example");
    request.add("forwarded", "for=_hidden;host=attacker.example;proto=https");
    answered(&request)
}

/// Heads of invalid HTTP, or of barely valid HTTP.
pub(super) fn odd_heads(route: &Route, draw: &mut Draw) -> Script {
    let request = Request::friendly(route, draw);
    let head = request.head();
    let line = [&request.method[..], b" ", &request.target].concat();
    let with_line = |line: &[u8], version: &[u8]| {
        [line, b" ", version, b"\r\nhost: localhost\r\n\r\n"].concat()
    };
    let with_header = |header: &[u8]| {
        [&line, &b" HTTP/1.1\r\nhost: localhost\r\n"[..], header, b"\r\n\r\n"].concat()
    };
    let bytes = match draw.below(16) {
        0 => with_line(&line, b"HTTP/1.0"),
        1 => {
            let versions = ["HTTP/2.0", "HTTP/9.9", "HTTP/1.11", "HTTP", ""];
            with_line(&line, draw.one(&versions).as_bytes())
        }
        2 => [&line, &b"\r\n"[..]].concat(),
        3 => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        4 => head.iter().copied().filter(|byte| *byte != b'\r').collect(),
        5 => with_header(b" folded: x\r\n  y"),
        6 => with_header(b"x: a\0b"),
        7 => with_header(b": no name"),
        8 => with_header(b"na me: x"),
        9 => with_header(b"x : y"),
        10 => with_header(b"\xff\xfe: \xff"),
        11 => with_header(b"connection: close, keep-alive, host, content-length"),
        12 => with_header(b"expect: 200-maybe"),
        13 => [b"\r\n\r\n\r\n", &head[..]].concat(),
        14 => {
            // The beginning of a TLS handshake.
            let length = draw.between(1, 500);
            [&[0x16, 0x03, 0x01, 0x02, 0x00][..], &draw.bytes(length)].concat()
        }
        _ => {
            let length = draw.between(1, 2_000);
            draw.bytes(length)
        }
    };
    Script::anything(bytes)
}

/// Heads above the limit, or just below it.
pub(super) fn large_heads(route: &Route, draw: &mut Draw) -> Script {
    let mut request = Request::friendly(route, draw);
    match draw.below(4) {
        0 => request.add("x", "x".repeat(draw.between(8_000, 40_000))),
        1 => {
            for number in 0..draw.between(50, 1_500) {
                request.add(format!("x-{number}"), "y");
            }
        }
        2 => request.target.extend("x".repeat(draw.between(1_000, 30_000)).bytes()),
        _ => request.add("x".repeat(draw.between(1_000, 30_000)), "y"),
    }
    // The gateway answers before it has read the whole head.
    Script::answered(request.bytes(), AnswerTo::Other)
}
