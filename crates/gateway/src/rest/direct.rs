//! The way to the router, past who may not come in, and around it: reads of a user, by far the most requests, are told by their
//! path alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::http::{Method, Request};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use process::threads::OwnedFuture;
use protocol::user::UserId;
use tokio::time::Instant;
use tower::Service;

use super::body::discard;
use super::problem::Problem;
use super::traffic::Kind;
use super::{App, USERS};

/// The routes, for those who may use them, with a shorter way for reads of a user: what that answers is what the router would.
#[derive(Clone)]
pub(crate) struct Direct {
    app: Arc<App>,
    router: Router,
}

impl Direct {
    /// The routes of a router, and the shorter way.
    pub(super) fn new(app: Arc<App>, router: Router) -> Self {
        Self { app, router }
    }
}

impl Service<Request<Body>> for Direct {
    type Response = Response;
    type Error = Infallible;
    type Future = OwnedFuture<Result<Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.router, cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let came = Came {
            at: Instant::now(),
            kind: Kind::of(request.method(), request.uri().path()),
            app: Arc::clone(&self.app),
        };
        let app = Arc::clone(&self.app);
        if let Err(denied) = app.access.check(&request) {
            return came.counted(async move {
                let (head, body) = request.into_parts();
                discard(&head.headers, body).await;
                Problem::from(denied).into_response()
            });
        }
        match read_of(&request) {
            Some(id) => came.counted(async move { app.read(id).await.into_response() }),
            None => {
                let routed = self.router.call(request);
                came.counted(routed.map(|routed| routed.unwrap_or_else(|never| match never {})))
            }
        }
    }
}

/// A request that has come.
struct Came {
    at: Instant,
    kind: Kind,
    app: Arc<App>,
}

impl Came {
    /// The same response, counted.
    fn counted(
        self,
        response: impl Future<Output = Response> + Send + 'static,
    ) -> OwnedFuture<Result<Response, Infallible>> {
        Box::pin(async move {
            let response = response.await;
            self.app.traffic.answered(self.kind, &response, self.at.elapsed());
            Ok(response)
        })
    }
}

/// The user that a request reads, where it says so without an escape and without a mistake.
fn read_of<B>(request: &Request<B>) -> Option<UserId> {
    if request.method() != Method::GET {
        return None;
    }
    request.uri().path().strip_prefix(USERS)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_read_of_a_user_goes_around_the_router() {
        let read = |method: Method, path: &str| {
            read_of(&Request::builder().method(method).uri(path).body(()).unwrap())
        };
        assert_eq!(read(Method::GET, "/api/user/ada?x=1"), Some("ada".parse().unwrap()));
        for path in ["/api/user/", "/api/user/ada/", "/api/user/a%64a", "/api/cluster", "/api/user"]
        {
            assert_eq!(read(Method::GET, path), None, "{path}");
        }
        assert_eq!(read(Method::HEAD, "/api/user/ada"), None);
        assert_eq!(read(Method::DELETE, "/api/user/ada"), None);
    }
}
