//! Pacing: a peer that does not read its responses gets no more of them.
//!
//! hyper starts the next request of a connection once the previous response is in its buffer,
//! even if it is not written yet. For responses without a body this buffer has no limit. So a
//! peer that pipelines requests and does not read would make it grow until the write deadline.
//! Here a request waits until the earlier output has left.

use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::future::Either;
use tower::Service;

use crate::stream::Control;

/// A service whose requests wait until the peer has taken the earlier responses.
#[derive(Clone)]
pub(super) struct Paced<S> {
    inner: S,
    control: Arc<Control>,
}

impl<S> Paced<S> {
    /// A paced service on the connection of this control.
    pub(super) fn new(inner: S, control: Arc<Control>) -> Self {
        Self { inner, control }
    }
}

type Waiting<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

impl<S, R> Service<R> for Paced<S>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, Waiting<S::Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        if !self.control.is_stalled() {
            return Either::Left(self.inner.call(request));
        }
        let another = self.inner.clone();
        let (mut ready, control) =
            (mem::replace(&mut self.inner, another), Arc::clone(&self.control));
        Either::Right(Box::pin(async move {
            control.unstalled().await;
            ready.call(request).await
        }))
    }
}
