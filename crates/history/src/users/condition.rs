//! Preconditions: whether a record meets `If-Match` and `If-None-Match`.

use super::Input;
use super::answers::AnswersOfUser;
use super::record::Record;

/// The headers of a change or a removal; see [RFC 9110, section
/// 13.1](https://www.rfc-editor.org/rfc/rfc9110#section-13.1).
///
/// A header is `*` or a list of etags with commas between them. An etag of a history has no
/// comma.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a> {
    if_match: Option<&'a str>,
    if_none_match: Option<&'a str>,
}

/// Whether a record has one of the etags of a header.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Matches {
    Never,
    /// Nobody has seen the record's etag.
    Perhaps,
    Surely,
}

impl<'a> Condition<'a> {
    /// The condition of an input.
    pub(super) fn of(input: &'a Input) -> Self {
        let (if_match, if_none_match) = match input {
            Input::Change { if_match, if_none_match, .. }
            | Input::Delete { if_match, if_none_match, .. } => {
                (if_match.as_deref(), if_none_match.as_deref())
            }
            Input::Create { .. } | Input::Read { .. } => (None, None),
        };
        Self { if_match, if_none_match }
    }

    /// Whether there is no condition.
    pub(super) fn is_none(self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether an existing record may meet the condition.
    pub(super) fn may_hold(self, record: &Record, answers: &AnswersOfUser) -> bool {
        self.if_match.is_none_or(|header| strong(header, record, answers) != Matches::Never)
            && self
                .if_none_match
                .is_none_or(|header| weak(header, record, answers) != Matches::Surely)
    }

    /// Whether an existing record may fail the condition.
    pub(super) fn may_fail(self, record: &Record, answers: &AnswersOfUser) -> bool {
        self.if_match.is_some_and(|header| strong(header, record, answers) != Matches::Surely)
            || self
                .if_none_match
                .is_some_and(|header| weak(header, record, answers) != Matches::Never)
    }
}

/// Compares like `If-Match`: a weak etag matches nothing.
fn strong(header: &str, record: &Record, answers: &AnswersOfUser) -> Matches {
    matches(etags(header).filter(|etag| !etag.starts_with("W/")), record, answers)
}

/// Compares like `If-None-Match`: a weak etag matches like its strong form.
fn weak(header: &str, record: &Record, answers: &AnswersOfUser) -> Matches {
    matches(etags(header).map(|etag| etag.trim_start_matches("W/")), record, answers)
}

fn etags(header: &str) -> impl Iterator<Item = &str> {
    header.split(',').map(str::trim).filter(|etag| !etag.is_empty())
}

fn matches<'a>(
    etags: impl Iterator<Item = &'a str>,
    record: &Record,
    answers: &AnswersOfUser,
) -> Matches {
    let one = |etag: &str| match &record.etag {
        _ if etag == "*" => Matches::Surely,
        Some(own) if own == etag => Matches::Surely,
        Some(_) => Matches::Never,
        None => match answers.content_of(etag) {
            Some(content) if !record.contains(content) => Matches::Never,
            _ => Matches::Perhaps,
        },
    };
    etags.map(one).max().unwrap_or(Matches::Never)
}
