//! A script: what an attacker does over one connection, and what it may expect of that.

use std::time::Duration;

use crate::harness::wire::AnswerTo;

/// What is done over one connection.
#[derive(Debug, Clone)]
pub(super) struct Script {
    pub(super) steps: Vec<Step>,
    pub(super) expected: Expected,
    /// How many bytes of answers its socket takes before they are read; as usual where nothing is said.
    pub(super) receive_buffer: Option<u32>,
}

/// One thing that is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Write(Vec<u8>),
    /// A byte at a time, with pauses.
    Drip(Vec<u8>),
    Wait(Duration),
    /// Nothing more will be written (FIN).
    HalfClose,
    /// The next answer is read and judged.
    ReadAnswer(AnswerTo),
    /// The connection is dropped as it is; what has come and was not read resets it.
    HangUp,
}

/// What has to come of it, beside what each answer must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expected {
    /// These answers, in this order.
    Answers(Vec<AnswerTo>),
    /// An answer, or the end of the connection, or nothing as more is to come.
    Anything,
}

impl Script {
    /// Bytes that are a valid request, and so are answered.
    pub(super) fn answered(bytes: Vec<u8>, to: AnswerTo) -> Self {
        Self::of(vec![Step::Write(bytes)], Expected::Answers(vec![to]))
    }

    /// Bytes that may mean anything.
    pub(super) fn anything(bytes: Vec<u8>) -> Self {
        Self::of(vec![Step::Write(bytes)], Expected::Anything)
    }

    pub(super) fn of(steps: Vec<Step>, expected: Expected) -> Self {
        Self { steps, expected, receive_buffer: None }
    }
}
