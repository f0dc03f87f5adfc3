//! Random changes of all other kinds.

use super::KINDS;
use crate::hostile::random::Draw;
use crate::hostile::routes::Route;
use crate::hostile::script::{Expected, Script, Step};

/// Bytes with a meaning in HTTP and JSON.
const PIECES: &[&[u8]] = &[
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\0",
    b"\xff",
    b":",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b",",
    b"%",
    b" ",
    b"HEAD / HTTP/1.1\r\n",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"connection: close\r\n",
    b"9223372036854775808",
    b"\xed\xa0\x80",
    b"0\r\n\r\n",
];

/// A script of another kind, with some bytes changed.
pub(super) fn mutated(route: &Route, draw: &mut Draw) -> Script {
    let others = &KINDS[..KINDS.len() - 1];
    let mut script = draw.one(others).script(route, draw);
    for step in &mut script.steps {
        if let Step::Write(bytes) | Step::Drip(bytes) = step {
            for _ in 0..draw.between(1, 4) {
                mutate(bytes, draw);
            }
        }
    }
    // After the changes nobody knows when to expect an answer.
    script.steps.retain(|step| !matches!(step, Step::ReadAnswer(_)));
    Script { expected: Expected::Anything, ..script }
}

fn mutate(bytes: &mut Vec<u8>, draw: &mut Draw) {
    // Changes hit the head more often.
    let within = if draw.chance(2) { bytes.len() } else { bytes.len().min(200) };
    let at = draw.below(within as u64) as usize;
    let end = (at + draw.between(1, 30)).min(bytes.len());
    match draw.below(6) {
        0 if at < bytes.len() => bytes[at] = draw.below(256) as u8,
        1 if at < bytes.len() => bytes[at] ^= 1 << draw.below(8),
        2 => drop(bytes.drain(at.min(end)..end)),
        3 => {
            let copied = bytes[at.min(end)..end].to_vec();
            drop(bytes.splice(at..at, copied));
        }
        4 => drop(bytes.splice(at..at, draw.one(PIECES).iter().copied())),
        _ => bytes.truncate(at.max(1)),
    }
}
