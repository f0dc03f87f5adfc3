//! The way of a request: its route, its token, then the router or a short cut past it. Reads,
//! creations and changes of users are by far the most requests. They take the short cut.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use api::path;
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

use super::app::App;
use super::body::discard;
use super::problem::Problem;
use super::route::{Route, ShortCut};
use super::routes;
use super::traffic::Kind;
use super::users;

/// Serves requests. A request on a short cut gets the same answer as from the router.
#[derive(Clone)]
pub(crate) struct Direct {
    app: Arc<App>,
    router: Router,
}

impl Direct {
    /// Creates the service. The router serves all requests without a short cut.
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
        let (method, path) = (request.method(), request.uri().path());
        let route = routes::find(method, path);
        let role = match route {
            Some(route) => route.role,
            None => routes::role_without_route(method, path),
        };
        let came = Came {
            at: Instant::now(),
            kind: route.map_or(Kind::Other, |route| route.kind),
            app: Arc::clone(&self.app),
        };
        let app = Arc::clone(&self.app);
        if let Err(denied) = app.access.check(&request, role) {
            return came.counted(async move {
                let (head, body) = request.into_parts();
                discard(&head.headers, body).await;
                Problem::from(denied).into_response()
            });
        }
        let Some(call) = route.and_then(|route| plain_call(route, &request)) else {
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

/// A request as it came.
struct Came {
    at: Instant,
    kind: Kind,
    app: Arc<App>,
}

impl Came {
    /// Returns the response unchanged, and counts it.
    fn counted(
        self,
        response: impl Future<Output = Response> + Send + 'static,
    ) -> OwnedFuture<Result<Response, Infallible>> {
        Box::pin(async move {
            let mut response = response.await;
            if response.status() == StatusCode::NOT_MODIFIED {
                // The length of the record is unknown here, and a zero would be wrong (RFC
                // 9110, section 8.6).
                response.headers_mut().remove(CONTENT_LENGTH);
            }
            self.app.traffic.answered(self.kind, &response, self.at.elapsed());
            Ok(response)
        })
    }
}

/// A call on a short cut past the router.
#[derive(Debug, PartialEq, Eq)]
enum PlainCall {
    Read(UserId),
    Create,
    Change,
}

/// The call of a request, if it has a short cut, and no escape or mistake in its path.
fn plain_call<B>(route: &Route, request: &Request<B>) -> Option<PlainCall> {
    match route.short_cut? {
        ShortCut::Read if request.method() == Method::GET => {
            let id = request.uri().path().strip_prefix(path::USERS)?;
            UserId::from_client(id).ok().map(PlainCall::Read)
        }
        ShortCut::Read => None,
        ShortCut::Create => Some(PlainCall::Create),
        ShortCut::Change => Some(PlainCall::Change),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_calls_on_users_go_past_the_router() {
        let call = |method: Method, path: &str| {
            let request = Request::builder().method(method).uri(path).body(()).unwrap();
            let route = routes::find(request.method(), request.uri().path())?;
            plain_call(route, &request)
        };
        let ada = PlainCall::Read("ada".parse().unwrap());
        assert_eq!(call(Method::GET, "/api/user/ada?x=1"), Some(ada));
        for path in ["/api/user", "/api/user/", "/api/user/?x=1"] {
            assert_eq!(call(Method::POST, path), Some(PlainCall::Create));
            assert_eq!(call(Method::PUT, path), Some(PlainCall::Change));
        }
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
