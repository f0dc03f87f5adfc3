//! A typed client of Chainring's REST interface, with one rule for repeating requests.
//!
//! ```no_run
//! # async fn example() -> Result<(), client::Error> {
//! let client = client::Client::new("http://127.0.0.1:3001")?;
//! let ada = client.read(&"ada".parse().expect("an id")).await?;
//! println!("{} has the tag {}", ada.user.name.as_str(), ada.etag);
//! # Ok(())
//! # }
//! ```
//!
//! # The rule
//!
//! | answer | a read | an update |
//! |---|---|---|
//! | 2xx, 4xx | ends | ends |
//! | 503, no connection | repeats after `Retry-After` | repeats after `Retry-After` |
//! | 504, a broken connection | repeats | looks at the user, and repeats an undone update |
//!
//! All this happens within the [patience](Client::with_patience) of the client. A create without an
//! id gets one here, so that the client can look for its user.
//!
//! # Not here
//!
//! Socket.io and the observers' events; the command line, in `chainring`.

mod attempt;
mod error;
mod repeat;
mod requests;

use std::time::Duration;

pub use error::Error;
pub use requests::{Change, Versioned};

/// The longest time of one attempt: more than the deadline of a gateway.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// The usual [patience](Client::with_patience).
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one gateway. A clone shares its connections.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// Without a slash at its end.
    url: String,
    token: Option<String>,
    patience: Duration,
}

impl Client {
    /// A client of the gateway at this URL, such as `http://127.0.0.1:3001`.
    ///
    /// # Errors
    ///
    /// When the operating system has no certificates or no entropy for TLS.
    pub fn new(url: &str) -> Result<Self, Error> {
        let http = reqwest::Client::builder().timeout(ATTEMPT_MAX).build();
        Ok(Self::over(http.map_err(Error::setup)?, url))
    }

    /// The same over an HTTP client of the caller's: with certificates or timeouts of its own.
    pub fn over(http: reqwest::Client, url: &str) -> Self {
        let url = url.trim_end_matches('/').to_owned();
        Self { http, url, token: None, patience: PATIENCE }
    }

    /// Shows this API token with each request.
    #[must_use]
    pub fn with_token(self, token: impl Into<String>) -> Self {
        Self { token: Some(token.into()), ..self }
    }

    /// Repeats requests for so long: 30 s unless told. With zero, each is sent once.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}
