//! Refusal: the answer to one connection too many. (A port with TLS closes it without an
//! answer.)
//!
//! The client may send a whole request before it reads, so [`Lingering`] closes the connection.

use std::sync::Arc;
use std::time::Duration;

use protocol::problem::{MEDIA_TYPE, ProblemBody, ProblemType};
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use crate::connections::NoRoom;
use crate::linger::Lingering;
use crate::stream::Stream;

/// How many refusals are answered at a time. Any further connection is cut off without an
/// answer.
const AT_ONCE_MAX: usize = 64;

/// The longest time for one refusal, lingering included.
const TELLING_MAX: Duration = Duration::from_secs(2);

/// The refusals being answered.
pub(super) struct Refusals(Arc<Semaphore>);

impl Default for Refusals {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(AT_ONCE_MAX)))
    }
}

impl Refusals {
    /// Answers any request with 503, and closes the connection.
    pub(super) fn tell(&self, stream: impl Stream, no_room: &NoRoom) {
        let Ok(permit) = Arc::clone(&self.0).try_acquire_owned() else { return };
        let response = response(no_room);
        tokio::spawn(timeout(TELLING_MAX, async move {
            let _told = permit;
            let mut stream = Lingering::new(stream);
            stream.write_all(response.as_bytes()).await?;
            stream.shutdown().await
        }));
    }
}

fn response(no_room: &NoRoom) -> String {
    let (kind, detail) = (ProblemType::Overloaded, no_room.to_string());
    let body = ProblemBody { kind, detail: &detail, errors: &[], id: None }.to_json();
    let retry_after = kind.retry_after().unwrap_or_default();
    format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: {MEDIA_TYPE}\r\nretry-after: {retry_after}\r\n\
         connection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}
