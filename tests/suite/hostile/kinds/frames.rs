//! Frames over a websocket at the port of links. No peer with the secret would send them.

use std::time::Duration;

use crate::harness::wire::AnswerTo;
use crate::hostile::random::Draw;
use crate::hostile::request::Request;
use crate::hostile::routes::Route;
use crate::hostile::script::{Expected, Script, Step};

/// Opens a websocket correctly, and then sends frames unlike a node's.
pub(super) fn after_handshake(route: &Route, draw: &mut Draw) -> Script {
    let handshake = Request::friendly(route, draw).bytes();
    let mut steps = vec![Step::Write(handshake), Step::ReadAnswer(AnswerTo::Other)];
    for _ in 0..draw.between(0, 4) {
        steps.push(Step::Write(frame(draw)));
    }
    let wait = Duration::from_millis(draw.between(0, 300) as u64);
    steps.push(Step::Wait(wait));
    steps.push(if draw.chance(2) { Step::HangUp } else { Step::HalfClose });
    Script::of(steps, Expected::Anything)
}

/// A websocket frame (RFC 6455, section 5.2), valid or not.
fn frame(draw: &mut Draw) -> Vec<u8> {
    const PACKETS: &[&[u8]] = &[
        b"40",
        b"40{}",
        b"40{\"secret\":\"guess\"}",
        b"40/users,",
        b"40{\"secret\":",
        b"42[\"hello\",{}]",
        b"451-[\"frame\",{\"_placeholder\":true,\"num\":0}]",
        b"41",
        b"2",
        b"3",
        b"1",
        b"0{\"sid\":\"x\"}",
        b"",
        b"\xff\xfe",
    ];
    let payload = match draw.below(4) {
        0 => {
            let length = draw.between(0, 3_000);
            draw.bytes(length)
        }
        _ => draw.one(PACKETS).to_vec(),
    };
    // Text, binary, continuation, close, ping, pong, and reserved opcodes.
    let opcode = *draw.one(&[0x81, 0x81, 0x81, 0x82, 0x80, 0x01, 0x88, 0x89, 0x8a, 0x83, 0xf1]);
    let length = match (payload.len(), draw.below(12)) {
        // The length announces more bytes than will follow.
        (_, 0) => vec![0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        (_, 1) => vec![0xfe, 0xff, 0xff],
        // A frame without a mask.
        (0..126, 2) => return [&[opcode, payload.len() as u8][..], &payload].concat(),
        (length @ 0..126, _) => vec![0x80 | length as u8],
        (length, _) => [&[0xfe], &(length as u16).to_be_bytes()[..]].concat(),
    };
    // A mask of zeros leaves the payload unchanged.
    [&[opcode][..], &length, &[0; 4], &payload].concat()
}
