//! A script: an attacker's steps over one connection, and the expected answers.

use std::time::Duration;

use crate::harness::wire::AnswerTo;

/// The steps over one connection.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) expected: Expected,
    /// The size of the socket's receive buffer in bytes; `None` leaves the default.
    pub(super) receive_buffer: Option<u32>,
}

/// One step of an attacker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Write(Vec<u8>),
    /// Writes one byte at a time, with pauses.
    Drip(Vec<u8>),
    Wait(Duration),
    /// Closes the writing half of the connection (FIN).
    HalfClose,
    /// Reads the next answer and judges it.
    ReadAnswer(AnswerTo),
    /// Drops the connection. Unread bytes in its receive buffer make this a reset.
    HangUp,
}

/// The expected answers. Besides, each answer must be valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// These answers, in this order.
    Answers(Vec<AnswerTo>),
    /// An answer, the end of the connection, or nothing because the request is incomplete.
    Anything,
}

impl Script {
    /// The bytes of a valid request. It must be answered.
    pub(super) fn answered(bytes: Vec<u8>, to: AnswerTo) -> Self {
        Self::of(vec![Step::Write(bytes)], Expected::Answers(vec![to]))
    }

    /// Bytes with any meaning.
    pub(super) fn anything(bytes: Vec<u8>) -> Self {
        Self::of(vec![Step::Write(bytes)], Expected::Anything)
    }

    pub(super) fn of(steps: Vec<Step>, expected: Expected) -> Self {
        Self { steps, expected, receive_buffer: None }
    }
}
