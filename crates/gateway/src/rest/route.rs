//! A route: one method of one path.

use std::sync::Arc;

use axum::http::Method;
use axum::routing::MethodRouter;
use process::tokens::Role;
use protocol::problem::ProblemType;
use serde_json::Value;

use super::app::App;
use super::traffic::Kind;

/// One method of one path.
pub(super) struct Route {
    /// The method. A `GET` also answers `HEAD`.
    pub(super) method: Method,
    /// The path, with `{id}` for the id of a user. A trailing slash makes no difference.
    pub(super) path: &'static str,
    /// The role needed by a token; `None` if everybody may ask.
    pub(super) role: Option<Role>,
    /// The kind of request in metrics.
    pub(super) kind: Kind,
    /// The possible problems, except for those of a missing or weak token and of a wrong host.
    pub(super) problems: &'static [&'static [ProblemType]],
    /// Its operation in the OpenAPI document, without problems and role.
    pub(super) operation: fn() -> Value,
    /// The handler of its requests.
    pub(super) handler: fn() -> MethodRouter<Arc<App>>,
    /// The short cut past the router, for requests without escapes and mistakes.
    pub(super) short_cut: Option<ShortCut>,
}

/// A call fully defined by its method and path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ShortCut {
    /// Read the user with the id at the end of the path.
    Read,
    /// Create the user in the body.
    Create,
    /// Change the user in the body.
    Change,
}

/// The path of one user.
pub(super) const USER: &str = "/api/user/{id}";

impl Route {
    /// Whether this is the route's method.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.method == *method || (self.method == Method::GET && *method == Method::HEAD)
    }

    /// Whether this is the route's path. `path` has no trailing slash.
    pub(super) fn is_at(&self, path: &str) -> bool {
        match self.path.strip_suffix("{id}") {
            Some(prefix) => {
                path.strip_prefix(prefix).is_some_and(|id| !id.is_empty() && !id.contains('/'))
            }
            None => without_slash(self.path) == path,
        }
    }
}

/// A path without a slash at its end.
pub(super) fn without_slash(path: &str) -> &str {
    path.strip_suffix('/').unwrap_or(path)
}
