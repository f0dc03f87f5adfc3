//! The timing of a request's bytes, and of reading the answers.

use std::time::Duration;

use super::{KINDS, answered, to};
use crate::harness::wire::AnswerTo;
use crate::hostile::random::Draw;
use crate::hostile::request::{Length, Request};
use crate::hostile::routes::Route;
use crate::hostile::script::{Expected, Script, Step};

fn ms(draw: &mut Draw, least: usize, most: usize) -> Duration {
    Duration::from_millis(draw.between(least, most) as u64)
}

/// A whole request, then a half close by the client, at once or soon.
pub(super) fn half_closed(route: &Route, draw: &mut Draw) -> Script {
    let mut request = Request::friendly(route, draw);
    if !request.body.is_empty() && draw.chance(3) {
        request.length = Length::Chunks(draw.between(1, 20));
    }
    let mut script = answered(&request);
    if draw.chance(2) {
        script.steps.push(Step::Wait(ms(draw, 0, 3)));
    }
    script.steps.push(Step::HalfClose);
    script
}

/// Sends many requests; reads the answers late, or not at all.
pub(super) fn slow_reader(route: &Route, draw: &mut Draw) -> Script {
    let mut request = Request::friendly(route, draw);
    if draw.chance(2) {
        let fields = (0..draw.between(10, 2_500)).map(|number| format!(r#""unknown {number}":1"#));
        request.set_body(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")));
    }
    let bytes = request.bytes();
    let times = draw.between(1 << 10, 256 << 10).div_ceil(bytes.len());
    let mut steps = vec![Step::Write(bytes.repeat(times)), Step::Wait(ms(draw, 100, 2_500))];
    steps.push(if draw.chance(2) { Step::HangUp } else { Step::ReadAnswer(to(&request)) });
    Script { receive_buffer: Some(4 << 10), ..Script::of(steps, Expected::Anything) }
}

/// Sends the first part of a request byte by byte.
pub(super) fn slow_sender(route: &Route, draw: &mut Draw) -> Script {
    let request = Request::friendly(route, draw);
    let bytes = request.bytes();
    let (slow, fast) = bytes.split_at(draw.between(1, bytes.len().min(150)));
    let steps = vec![Step::Drip(slow.to_vec()), Step::Write(fast.to_vec())];
    Script::of(steps, Expected::Answers(vec![to(&request)]))
}

/// Sends nothing for a while, at first or between two requests.
pub(super) fn idle(route: &Route, draw: &mut Draw) -> Script {
    let request = Request::friendly(route, draw);
    let mut steps = Vec::new();
    let mut expected = vec![to(&request)];
    if draw.chance(2) {
        steps.push(Step::Write(request.bytes()));
        steps.push(Step::ReadAnswer(to(&request)));
    }
    steps.push(Step::Wait(ms(draw, 300, 1_500)));
    if draw.chance(4) {
        steps.push(Step::HangUp);
        expected.clear();
    } else {
        steps.push(Step::Write(request.bytes()));
    }
    Script::of(steps, Expected::Answers(expected))
}

/// Several requests at once.
pub(super) fn pipelined(route: &Route, draw: &mut Draw) -> Script {
    let (mut bytes, mut answers) = (Vec::new(), Vec::new());
    for _ in 0..draw.between(2, 40) {
        let mut request = Request::friendly(route, draw);
        if draw.chance(4) {
            request.method = b"HEAD".to_vec();
            (request.body, request.length) = (Vec::new(), Length::AsItIs);
        }
        answers.push(to(&request));
        bytes.extend(request.bytes());
    }
    Script::of(vec![Step::Write(bytes)], Expected::Answers(answers))
}

/// A hostile request that breaks off.
pub(super) fn cut(route: &Route, draw: &mut Draw) -> Script {
    let any = &KINDS[..KINDS.len() - 2];
    let script = draw.one(any).script(route, draw);
    let bytes = script.steps.into_iter().find_map(|step| match step {
        Step::Write(bytes) => Some(bytes),
        _ => None,
    });
    let mut bytes = bytes.unwrap_or_else(|| b"GET / HTTP/1.1\r\n".to_vec());
    bytes.truncate(draw.between(1, bytes.len().max(1)));
    let mut steps = vec![Step::Write(bytes)];
    match draw.below(3) {
        0 => steps.push(Step::HalfClose),
        1 => steps.push(Step::HangUp),
        _ => {}
    }
    Script::of(steps, Expected::Anything)
}

/// The kind of answer to the first request in these bytes.
pub(in crate::hostile) fn first_to(bytes: &[u8]) -> AnswerTo {
    if bytes.trim_ascii_start().starts_with(b"HEAD ") { AnswerTo::Head } else { AnswerTo::Other }
}
