//! The way to the router, past who may not come in, and around it: reads, creations and changes of users, by far the most
//! requests, are told by their method and path alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_LENGTH;
use axum::http::request::Parts;
use axum::http::{Method, Request, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use process::threads::OwnedFuture;
use protocol::user::UserId;
use tokio::time::Instant;
use tower::Service;

use super::body::discard;
use super::problem::Problem;
use super::traffic::Kind;
use super::{App, USERS, users};

/// The routes, for those who may use them, with a shorter way for most calls on users: what that answers is what the router would.
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
        let Some(call) = plain_call(&request) else {
            let routed = self.router.call(request);
            return came
                .counted(routed.map(|routed| routed.unwrap_or_else(|never| match never {})));
        };
        let (Parts { headers, .. }, body) = request.into_parts();
        match call {
            PlainCall::Read(id) => {
                came.counted(async move { app.read(id, &headers).await.into_response() })
            }
            PlainCall::Create => came.counted(async move {
                users::create(State(app), headers, body).await.into_response()
            }),
            PlainCall::Change => came.counted(async move {
                users::change(State(app), headers, body).await.into_response()
            }),
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
            let mut response = response.await;
            if response.status() == StatusCode::NOT_MODIFIED {
                // That of the record is not known here, and a zero would be wrong (RFC 9110, section 8.6).
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            self.app.traffic.answered(self.kind, &response, self.at.elapsed());
            Ok(response)
        })
    }
}

/// A call that is told by its method and path alone.
#[derive(Debug, PartialEq, Eq)]
enum PlainCall {
    Read(UserId),
    Create,
    Change,
}

/// What a request asks for, where it says so without an escape and without a mistake.
fn plain_call<B>(request: &Request<B>) -> Option<PlainCall> {
    let rest = request.uri().path().strip_prefix(USERS)?;
    match *request.method() {
        Method::GET => UserId::from_client(rest).ok().map(PlainCall::Read),
        Method::POST if rest.is_empty() => Some(PlainCall::Create),
        Method::PUT if rest.is_empty() => Some(PlainCall::Change),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_calls_on_users_go_around_the_router() {
        let call = |method: Method, path: &str| {
            plain_call(&Request::builder().method(method).uri(path).body(()).unwrap())
        };
        let ada = PlainCall::Read("ada".parse().unwrap());
        assert_eq!(call(Method::GET, "/api/user/ada?x=1"), Some(ada));
        assert_eq!(call(Method::POST, "/api/user/"), Some(PlainCall::Create));
        assert_eq!(call(Method::PUT, "/api/user/?x=1"), Some(PlainCall::Change));
        for path in [
            "/api/user/",
            "/api/user/ada/",
            "/api/user/a%64a",
            "/api/user/.",
            "/api/user/..",
            "/api/cluster",
            "/api/user",
        ] {
            assert_eq!(call(Method::GET, path), None, "{path}");
        }
        for method in [Method::HEAD, Method::POST, Method::PUT, Method::DELETE] {
            assert_eq!(call(method, "/api/user/ada"), None);
        }
    }
}
