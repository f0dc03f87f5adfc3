//! Faults of a body: its fields, its JSON, its length.

use serde_json::{Value, json};

use super::{answered, to};
use crate::hostile::random::Draw;
use crate::hostile::request::{Length, Request, id};
use crate::hostile::routes::Route;
use crate::hostile::script::{Expected, Script, Step};

/// The limit of a body, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// A request with a body, even if the route wants none.
fn with_body(route: &Route, draw: &mut Draw) -> Request {
    let mut request = Request::friendly(route, draw);
    if request.body.is_empty() {
        let id = id(draw);
        request.set_json(&route.example(draw, &id));
    }
    request
}

/// A request with a body, with this value in one field.
fn with_field(route: &Route, draw: &mut Draw, field: &str, value: Value) -> Script {
    let mut request = with_body(route, draw);
    let id = id(draw);
    let mut members = route.example(draw, &id);
    members.insert(field.to_owned(), value);
    request.set_json(&members);
    answered(&request)
}

/// Unknown fields: thousands of them, or with long or odd names.
pub(super) fn unknown_fields(route: &Route, draw: &mut Draw) -> Script {
    let mut request = with_body(route, draw);
    let count = *draw.one(&[1, 9, 10, 11, 100, 3_000, 5_000]);
    let length = *draw.one(&[0, 1, 12, 63, 64, 65, 1_000, 60_000]);
    let letter = *draw.one(&["x", "\\u0000", "\u{e4}", "\\\"", "\u{1f600}", "\\n", "\u{301}"]);
    let mut body = "{".to_owned();
    for number in 0..count {
        let field = format!(r#""{number}{}":1,"#, letter.repeat(length / letter.len()));
        if body.len() + field.len() >= BODY_BYTES_MAX {
            break;
        }
        body.push_str(&field);
    }
    body.truncate(body.trim_end_matches(',').len());
    request.set_body(body + "}");
    answered(&request)
}

/// E-mail addresses in many scripts, and near misses.
pub(super) fn addresses(route: &Route, draw: &mut Draw) -> Script {
    const ADDRESSES: &[&str] = &[
        "नमस्ते@example.in",
        "nguye\u{302}\u{303}n@example.vn",
        "i\u{307}pek@example.org",
        "สวัสดี@example.co.th",
        "வணக்கம்@example.in",
        "می\u{200c}خواهم@example.ir",
        "👩\u{200d}💻@example.org",
        "ada@उदाहरण.भारत",
        "ada@bu\u{308}cher.example",
        "\"<\"@example.org",
        "\"a b\"@example.org",
        "\"\"@example.org",
        "\"a\\\"b\\\\c\"@example.org",
        "ada@[127.0.0.1]",
        "ada@[IPv6:::1]",
        "ada@[IPv6:gggg::1]",
        "ada@[]",
        "ada@xn--",
        "ada@xn--a\u{e4}",
        "ada@-example.org",
        "ada@example..org",
        ".ada@example.org",
        "ada.@example.org",
        "a..da@example.org",
        "ada@example.org.",
        "@",
        "ada",
        "a@b@c",
        "\u{202e}ada@example.org",
        "ada@ex\0ample.org",
    ];
    let address = match draw.below(4) {
        0 => {
            let (local, labels) = (draw.between(1, 300), draw.between(1, 60));
            format!("{}@{}org", "l".repeat(local), "label.".repeat(labels))
        }
        1 => {
            let character = |draw: &mut Draw| char::from_u32(draw.below(0x3_0000) as u32);
            let text = |draw: &mut Draw| {
                let length = draw.between(1, 20);
                (0..length).filter_map(|_| character(draw)).collect::<String>()
            };
            format!("{}@{}.example", text(draw), text(draw))
        }
        _ => (*draw.one(ADDRESSES)).to_owned(),
    };
    with_field(route, draw, "email", json!(address))
}

/// Texts: long, empty, or of odd characters.
pub(super) fn texts(route: &Route, draw: &mut Draw) -> Script {
    let letter = *draw.one(&[
        "x",
        "\u{e4}",
        "\u{1f600}",
        "\u{301}",
        "\0",
        "\u{202e}",
        "\u{feff}",
        "\n",
        "\"",
    ]);
    let length = *draw.one(&[0, 1, 255, 256, 257, 1_000, 10_000]);
    let field = *draw.one(&["name", "id", "email", "from"]);
    with_field(route, draw, field, json!(letter.repeat(length)))
}

/// Numbers out of every range, and values of other types, in fields for a number or a text.
pub(super) fn numbers(route: &Route, draw: &mut Draw) -> Script {
    const VALUES: &[&str] = &[
        "-1",
        "-0",
        "1.0",
        "1.5",
        "1e3",
        "1e400",
        "-1e400",
        "1e-400",
        "4294967295",
        "4294967296",
        "9223372036854775808",
        "18446744073709551616",
        "65536",
        "123456789012345678901234567890123456789012345678901234567890",
        "01",
        "0x1",
        "\"1\"",
        "true",
        "null",
        "[1]",
        "{}",
        "1E+2",
    ];
    let mut request = with_body(route, draw);
    let field = *draw.one(&["group", "partition", "name", "id", "email", "from"]);
    let value = match draw.below(4) {
        0 => "9".repeat(draw.between(1, 2_000)),
        _ => (*draw.one(VALUES)).to_owned(),
    };
    let id = id(draw);
    let mut members = route.example(draw, &id);
    members.remove(field);
    let others = Value::Object(members).to_string();
    let comma = if others == "{}" { "" } else { "," };
    request.set_body(format!("{{\"{field}\":{value}{comma}{}", &others[1..]));
    answered(&request)
}

/// A field two or more times, spelt alike or differently.
pub(super) fn duplicates(route: &Route, draw: &mut Draw) -> Script {
    let mut request = with_body(route, draw);
    let field = *draw.one(&["id", "name", "group", "email", "partition", "from", "x"]);
    let spelt = *draw.one(&[field, "\\u0069d", "n\\u0061me", "ID", "id "]);
    let times = *draw.one(&[1, 2, 50, 2_000]);
    let again = format!(",\"{spelt}\":{}", draw.one(&["1", "\"hostile-1\"", "null"]));
    let body = String::from_utf8_lossy(&request.body).into_owned();
    let body = body.trim_end_matches('}').to_owned() + &again.repeat(times) + "}";
    request.set_body(body);
    answered(&request)
}

/// Deeply nested JSON.
pub(super) fn nesting(route: &Route, draw: &mut Draw) -> Script {
    let mut request = with_body(route, draw);
    let depth = *draw.one(&[1, 100, 127, 128, 129, 1_000, 10_000, 21_000]);
    let (open, close) = *draw.one(&[("[", "]"), ("{\"a\":", "}"), ("[[", "]]")]);
    let mut nested = open.repeat(depth);
    if draw.chance(2) {
        let inner = if open.starts_with('{') { "1" } else { "" };
        nested = nested + inner + &close.repeat(depth);
    }
    let field = *draw.one(&["id", "name", "group", "unknown"]);
    request.set_body(if draw.chance(2) { nested } else { format!("{{\"{field}\":{nested}}}") });
    answered(&request)
}

/// Bodies that are not JSON, only a part of it, or more than one value.
pub(super) fn bad_json(route: &Route, draw: &mut Draw) -> Script {
    const BODIES: &[&[u8]] = &[
        b"",
        b" ",
        b"{",
        b"}",
        b"{}{}",
        b"{},",
        b"null",
        b"true",
        b"1",
        b"\"text\"",
        b"[]",
        b"{\"id\"}",
        b"{\"id\":}",
        b"{\"id\":1,}",
        b"{'id':1}",
        b"{id:1}",
        b"{\"id\":NaN}",
        b"{\"id\":\"\\ud800\"}",
        b"{\"id\":\"\\x\"}",
        b"{\"id\":\"\xff\"}",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"{}//",
        b"\0",
    ];
    let mut request = with_body(route, draw);
    let mut body = request.body.clone();
    match draw.below(4) {
        0 => body.truncate(draw.below(body.len() as u64) as usize),
        1 => {
            let at = draw.below(body.len() as u64) as usize;
            body[at] = draw.below(256) as u8;
        }
        2 => {
            let length = draw.between(1, 5_000);
            body = draw.bytes(length);
        }
        _ => body = draw.one(BODIES).to_vec(),
    }
    request.set_body(body);
    answered(&request)
}

/// Bodies with another media type or a content encoding.
pub(super) fn media_types(route: &Route, draw: &mut Draw) -> Script {
    const TYPES: &[&str] = &[
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-16",
        "application/json;;;",
        "APPLICATION/JSON",
        "application/jsonx",
        "application/merge-patch+json",
        "application/x-ndjson",
        "",
        "json",
        "application/json, text/plain",
        "*/*",
        "\u{e4}/json",
        "application /json",
        "text/html; charset=\"utf-8\"",
    ];
    let mut request = with_body(route, draw);
    match draw.below(5) {
        0 => request.remove("content-type"),
        1 => request.add("content-type", draw.one(TYPES)),
        _ => request.set("content-type", draw.one(TYPES)),
    }
    if draw.chance(2) {
        request.add("content-encoding", draw.one(&["gzip", "br", "identity", "deflate, gzip"]));
    }
    answered(&request)
}

/// Chunks and lengths unknown to client libraries.
pub(super) fn chunks(route: &Route, draw: &mut Draw) -> Script {
    let mut request = with_body(route, draw);
    let body = std::mem::take(&mut request.body);
    let size = body.len();
    let whole = String::from_utf8_lossy(&body).into_owned();
    let valid = |request: &mut Request, draw: &mut Draw| {
        let size = match draw.below(4) {
            0 => format!("{size:X}"),
            1 => format!("{size:016x}"),
            2 => format!("{size:x};name=\"value\";x"),
            _ => format!("{size:x}"),
        };
        let trailer = *draw.one(&["", "x: y\r\n", "content-length: 3\r\n", "host: attacker\r\n"]);
        request.add("transfer-encoding", draw.one(&["chunked", "Chunked", "CHUNKED"]));
        format!("{size}\r\n{whole}\r\n0\r\n{trailer}\r\n")
    };
    if draw.chance(3) {
        request.length = Length::Chunks(draw.between(1, 7));
        request.body = body;
        return answered(&request);
    }
    request.length = Length::AsItIs;
    if draw.chance(3) {
        let text = valid(&mut request, draw);
        request.body = text.into_bytes();
        return answered(&request);
    }
    let text = match draw.below(12) {
        0 => format!("zz\r\n{whole}\r\n0\r\n\r\n"),
        1 => format!("-1\r\n{whole}\r\n0\r\n\r\n"),
        2 => format!("+{size:x}\r\n{whole}\r\n0\r\n\r\n"),
        3 => format!("0x{size:x}\r\n{whole}\r\n0\r\n\r\n"),
        4 => format!(" {size:x}\r\n{whole}\r\n0\r\n\r\n"),
        5 => format!("{size:x}\n{whole}\n0\n\n"),
        6 => format!("ffffffffffffffff\r\n{whole}"),
        7 => format!("fffffffffffffffff\r\n{whole}"),
        8 => format!("{:x}\r\n{whole}\r\n0\r\n\r\n", size.saturating_sub(1)),
        9 => format!("{:x}\r\n{whole}\r\n0\r\n\r\n", size + 9),
        10 => format!("{size:x};{}\r\n{whole}\r\n0\r\n\r\n", "x".repeat(20_000)),
        _ => format!("{size:x}\r\n{whole}\r\n0\r\n{}\r\n", "x: y\r\n".repeat(5_000)),
    };
    match draw.below(5) {
        0 => {
            request.add("transfer-encoding", "chunked");
            request.add("content-length", draw.one(&["3", "0", "-1", "99999999999999999999"]));
        }
        1 => {
            request.add("content-length", size.to_string());
            request.add("content-length", draw.one(&["3", "0", "x", "1, 2"]));
        }
        2 => request.add("transfer-encoding", draw.one(&["gzip", "gzip, chunked", "x", ""])),
        3 => {
            request.add("transfer-encoding", "chunked");
            request.add("transfer-encoding", "chunked");
        }
        _ => request.add("transfer-encoding", "chunked"),
    }
    request.body = text.into_bytes();
    Script::anything(request.bytes())
}

/// Bodies that the gateway does not read, because they are too large or the route wants none.
/// The answer must arrive all the same.
pub(super) fn unread(route: &Route, draw: &mut Draw) -> Script {
    let mut request = with_body(route, draw);
    let size =
        *draw.one(&[1, 4_000, BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 300_000, 900_000, 2_000_000]);
    request.set_body(vec![b'x'; size]);
    if draw.chance(3) {
        request.length = Length::Chunks(draw.between(1_000, 100_000));
        return answered(&request);
    }
    if !draw.chance(3) {
        return answered(&request);
    }
    // The client waits for `100 Continue` for a while before it sends the body.
    request.add("expect", "100-continue");
    let (head, body) = (request.head(), request.body.clone());
    let wait = Step::Wait(std::time::Duration::from_millis(draw.below(300)));
    Script::of(
        vec![Step::Write(head), wait, Step::Write(body)],
        Expected::Answers(vec![to(&request)]),
    )
}
