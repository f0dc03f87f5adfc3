//! Failures, split by what a caller does next.

use api::Problem;

/// Why a request has no result.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The gateway answers with a problem that no repetition changes: mend the request.
    ///
    /// After an unknown outcome, the problem of the repeated request counts if the user does not
    /// show the update. Another client may have overwritten it meanwhile.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// The gateway did not carry out the request within the client's
    /// [patience](crate::Client::with_patience). Nothing was changed, so it is safe to send it
    /// again.
    #[error("certainly not done: {0}")]
    NotDone(String),
    /// No gateway could be reached within the client's
    /// [patience](crate::Client::with_patience). Nothing was changed, so it is safe to send the
    /// request again.
    #[error("no gateway can be reached: {0}")]
    Unreachable(String),
    /// The update may have been carried out, or may still be.
    #[error("perhaps done, or about to be: {0}")]
    Unknown(String),
    /// What answers is no gateway of this release.
    #[error("this is no answer of a gateway of this release: {0}")]
    Answer(String),
    /// The client cannot be made, or not with this URL.
    #[error("no HTTP client: {0}")]
    Setup(String),
}

impl Error {
    pub(crate) fn setup(error: reqwest::Error) -> Self {
        Self::Setup(with_causes(&error))
    }

    /// Whether the gateway answered with a problem of this code.
    pub fn is_problem(&self, code: &str) -> bool {
        matches!(self, Self::Refused(problem) if problem.code() == Some(code))
    }
}

/// An error with its causes, which reqwest leaves to its source.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}
