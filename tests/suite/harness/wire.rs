//! HTTP/1.1 on the wire. Answers are read byte for byte, and must be valid.

use std::io;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt};

/// The most headers in an answer. The gateway sends fewer.
const HEADERS_MAX: usize = 32;

/// A complete answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header as text.
    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as text, for the messages of a test.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The method of the request. It decides whether the answer has a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnswerTo {
    /// `HEAD`.
    Head,
    /// Any other method.
    Other,
}

/// The reason for a missing answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The connection was closed or reset between two answers.
    Closed,
    /// The connection was closed or reset in the middle of an answer.
    Broken,
    /// The bytes are not HTTP; the text says why.
    Invalid(String),
}

/// Reads the answers of one connection, one after the other.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    /// The received, unparsed bytes.
    buffer: Vec<u8>,
}

impl Answers {
    /// Reads the next answer. Skips interim answers (1xx), except 101.
    pub(crate) async fn next(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        to: AnswerTo,
    ) -> Result<Answer, NoAnswer> {
        loop {
            let (status, headers) = self.head(stream).await?;
            let is_interim = status.is_informational();
            if is_interim && status != StatusCode::SWITCHING_PROTOCOLS {
                continue;
            }
            let has_none = is_interim
                || to == AnswerTo::Head
                || [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status);
            let body = if has_none { Vec::new() } else { self.body(stream, &headers).await? };
            return Ok(Answer { status, headers, body });
        }
    }

    async fn head(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
    ) -> Result<(StatusCode, HeaderMap), NoAnswer> {
        loop {
            if let Some((length, status, headers)) = head(&self.buffer)? {
                self.buffer.drain(..length);
                return Ok((status, headers));
            }
            if !self.more(stream).await {
                let is_between = self.buffer.is_empty();
                return Err(if is_between { NoAnswer::Closed } else { NoAnswer::Broken });
            }
        }
    }

    async fn body(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        headers: &HeaderMap,
    ) -> Result<Vec<u8>, NoAnswer> {
        if headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            return self.chunks(stream).await;
        }
        let Some(length) = headers.get("content-length") else {
            while self.more(stream).await {}
            return Ok(std::mem::take(&mut self.buffer));
        };
        let length = length.to_str().ok().and_then(|length| length.parse::<usize>().ok());
        let length = length.ok_or_else(|| NoAnswer::Invalid("the length is no number".into()))?;
        self.take(stream, length).await
    }

    async fn chunks(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, NoAnswer> {
        let mut body = Vec::new();
        loop {
            let (end, size) = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete(of)) => break of,
                    Ok(httparse::Status::Partial) => {}
                    Err(_) => return Err(NoAnswer::Invalid("a chunk has no size".to_owned())),
                }
                if !self.more(stream).await {
                    return Err(NoAnswer::Broken);
                }
            };
            self.buffer.drain(..end);
            let size = usize::try_from(size).unwrap_or(usize::MAX);
            let mut chunk = self.take(stream, size.saturating_add(2)).await?;
            chunk.truncate(size);
            if size == 0 {
                return Ok(body);
            }
            body.append(&mut chunk);
        }
    }

    async fn take(
        &mut self,
        stream: &mut (impl AsyncRead + Unpin),
        length: usize,
    ) -> Result<Vec<u8>, NoAnswer> {
        while self.buffer.len() < length {
            if !self.more(stream).await {
                return Err(NoAnswer::Broken);
            }
        }
        let rest = self.buffer.split_off(length);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Reads more bytes; returns `false` at the end. A reset is an end too.
    async fn more(&mut self, stream: &mut (impl AsyncRead + Unpin)) -> bool {
        let read: io::Result<usize> = stream.read_buf(&mut self.buffer).await;
        read.is_ok_and(|bytes| bytes > 0)
    }
}

/// Parses the head of an answer; returns it with its length. `None` while it is incomplete.
fn head(bytes: &[u8]) -> Result<Option<(usize, StatusCode, HeaderMap)>, NoAnswer> {
    let invalid = |what: String| {
        let shown = String::from_utf8_lossy(bytes.get(..200.min(bytes.len())).unwrap_or_default());
        NoAnswer::Invalid(format!("{what}: {shown}"))
    };
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut lines);
    let length = match response.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(invalid(error.to_string())),
    };
    let status = response.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or_else(|| invalid("no status".to_owned()))?;
    let mut headers = HeaderMap::new();
    for line in response.headers {
        let name = HeaderName::from_bytes(line.name.as_bytes());
        let value = HeaderValue::from_bytes(line.value);
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(invalid(format!("the header {}", line.name)));
        };
        headers.append(name, value);
    }
    Ok(Some((length, status, headers)))
}
