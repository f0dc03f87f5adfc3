//! An attack: carries out a script over one connection, and judges the answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use http::StatusCode;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use protocol::problem::{BODY_BYTES_MAX, MEDIA_TYPE, ProblemType};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::kinds::first_to;
use super::routes::Port;
use super::script::{Expected, Script, Step};
use crate::harness::wire::{Answer, AnswerTo, Answers, NoAnswer};

/// How long a required answer may take. Longer than the gateway lets a request wait for a node.
const ANSWER: Duration = Duration::from_secs(15);

/// How long the attacker waits for an optional answer.
const PERHAPS: Duration = Duration::from_millis(300);

/// How long the attacker tries to write a part of a request, if the gateway does not read.
const WRITE: Duration = Duration::from_secs(5);

/// The pause between two bytes of a slow sender.
const DRIP: Duration = Duration::from_millis(3);

/// The statuses for invalid HTTP and for too large a head. They come without a problem.
const NO_HTTP: [u16; 3] = [400, 414, 431];

/// Carries out a script; returns the statuses of the answers, or the fault of one of them.
pub(super) async fn carry_out(
    script: &Script,
    port: Port,
    from: Ipv4Addr,
    to: SocketAddr,
) -> Result<Vec<StatusCode>, String> {
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(bytes) = script.receive_buffer {
        socket.set_recv_buffer_size(bytes).expect("it can be small");
    }
    socket.bind(SocketAddr::from((from, 0))).expect("the address is free");
    let stream = socket.connect(to).await.map_err(|error| format!("no connection: {error}"))?;
    let mut attack =
        Attack { stream, port, answers: Answers::default(), statuses: Vec::new(), is_over: false };
    for step in &script.steps {
        if attack.is_over {
            break;
        }
        attack.step(step, &script.expected).await?;
    }
    attack.end(script).await?;
    Ok(attack.statuses)
}

struct Attack {
    stream: TcpStream,
    port: Port,
    answers: Answers,
    statuses: Vec<StatusCode>,
    /// Whether no further answer will come.
    is_over: bool,
}

impl Attack {
    async fn step(&mut self, step: &Step, expected: &Expected) -> Result<(), String> {
        match step {
            // The gateway may already have answered, and read no more.
            Step::Write(bytes) => drop(timeout(WRITE, self.stream.write_all(bytes)).await),
            Step::Drip(bytes) => {
                for byte in bytes {
                    let _ = self.stream.write_all(&[*byte]).await;
                    sleep(DRIP).await;
                }
            }
            Step::Wait(time) => sleep(*time).await,
            Step::HalfClose => drop(self.stream.shutdown().await),
            Step::HangUp => self.is_over = true,
            Step::ReadAnswer(to) => match expected {
                Expected::Answers(_) => self.answer(*to).await?,
                Expected::Anything => self.perhaps_answer(*to).await?,
            },
        }
        Ok(())
    }

    /// Reads the remaining answers.
    async fn end(&mut self, script: &Script) -> Result<(), String> {
        match &script.expected {
            Expected::Answers(answers) => {
                for to in answers {
                    if self.is_over {
                        break;
                    }
                    self.answer(*to).await?;
                }
            }
            Expected::Anything if !self.is_over => {
                let first = script.steps.iter().find_map(|step| match step {
                    Step::Write(bytes) | Step::Drip(bytes) => Some(first_to(bytes)),
                    _ => None,
                });
                self.perhaps_answer(first.unwrap_or(AnswerTo::Other)).await?;
            }
            Expected::Anything => {}
        }
        Ok(())
    }

    /// Reads a required answer.
    async fn answer(&mut self, to: AnswerTo) -> Result<(), String> {
        match timeout(ANSWER, self.answers.next(&mut self.stream, to)).await {
            Ok(Ok(answer)) => self.judge(&answer, to),
            Ok(Err(why)) => Err(format!("no answer after {:?}: {why:?}", self.statuses)),
            Err(_) => Err(format!("no answer within {ANSWER:?} after {:?}", self.statuses)),
        }
    }

    /// Reads an optional answer.
    async fn perhaps_answer(&mut self, to: AnswerTo) -> Result<(), String> {
        match timeout(PERHAPS, self.answers.next(&mut self.stream, to)).await {
            Ok(Ok(answer)) => self.judge(&answer, to),
            Ok(Err(NoAnswer::Invalid(what))) => Err(format!("an answer that is no HTTP: {what}")),
            Ok(Err(NoAnswer::Closed | NoAnswer::Broken)) | Err(_) => {
                self.is_over = true;
                Ok(())
            }
        }
    }

    fn judge(&mut self, answer: &Answer, to: AnswerTo) -> Result<(), String> {
        self.statuses.push(answer.status);
        let closes = answer.header(CONNECTION).is_some_and(|value| value == "close");
        self.is_over = closes || answer.status == StatusCode::SWITCHING_PROTOCOLS;
        let judged = match self.port {
            Port::Rest => judge_rest(answer, to),
            Port::Links => judge_links(answer),
        };
        judged.map_err(|what| {
            format!("{what}: {} {:?} {}", answer.status, answer.headers, answer.text())
        })
    }
}

fn judge_links(answer: &Answer) -> Result<(), &'static str> {
    let status = answer.status.as_u16();
    if status >= 500 && ![503, 504].contains(&status) {
        return Err("a fault of the gateway");
    }
    if answer.body.len() > BODY_BYTES_MAX {
        return Err("a long answer");
    }
    Ok(())
}

fn judge_rest(answer: &Answer, to: AnswerTo) -> Result<(), &'static str> {
    let status = answer.status.as_u16();
    let kind = answer.header(CONTENT_TYPE);
    if status >= 500 && ![503, 504].contains(&status) {
        return Err("a fault of the gateway");
    }
    if status < 400 {
        let is_json = kind == Some("application/json") && to == AnswerTo::Other;
        let is_whole = || serde_json::from_slice::<Value>(&answer.body).is_ok();
        return if is_json && !is_whole() { Err("a body that is no JSON") } else { Ok(()) };
    }
    if answer.body.is_empty() && kind.is_none() && NO_HTTP.contains(&status) {
        return Ok(());
    }
    if kind != Some(MEDIA_TYPE) {
        return Err("an error that is no problem");
    }
    if answer.body.len() > BODY_BYTES_MAX {
        return Err("a problem that is too long");
    }
    if status == 503 && answer.headers.get(RETRY_AFTER).is_none() {
        return Err("503 without Retry-After");
    }
    if to == AnswerTo::Head {
        return Ok(());
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        return Err("a problem that is no JSON");
    };
    let known = ProblemType::ALL.iter().find(|known| body["type"] == known.uri());
    let is_told = known.is_some_and(|known| known.status() == status && body["status"] == status);
    if is_told { Ok(()) } else { Err("a problem that nobody knows") }
}
