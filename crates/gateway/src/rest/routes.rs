//! The table of routes. The router, the short cut past it, the roles of tokens, the metrics and
//! the OpenAPI document all come from this one table.

use std::sync::Arc;

use api::path;
use axum::Router;
use axum::http::Method;
use axum::routing::{delete, get, post, put};
use process::tokens::Role;
use protocol::problem::ProblemType;

use super::app::App;
use super::route::{Route, ShortCut, USER, without_slash};
use super::traffic::Kind;
use super::{accept_loss, cluster, metrics, openapi, users};

/// Problems of a request to a node.
const SERVED: &[ProblemType] = &[ProblemType::Unavailable, ProblemType::Overloaded];

/// Problems of an update.
const UPDATE: &[ProblemType] =
    &[ProblemType::Unavailable, ProblemType::Overloaded, ProblemType::OutcomeUnknown];

/// Problems of a request with a body.
const BODY: &[ProblemType] = &[
    ProblemType::Malformed,
    ProblemType::TooSlow,
    ProblemType::TooLarge,
    ProblemType::UnsupportedMediaType,
    ProblemType::InvalidField,
];

/// Problems of a request with an id in its path.
const ID: &[ProblemType] = &[ProblemType::Malformed, ProblemType::InvalidField];

/// Problems of a request for one user.
const MISSED: &[ProblemType] = &[ProblemType::UserNotFound, ProblemType::PreconditionFailed];

/// Problems of a creation.
const EXISTS: &[ProblemType] = &[ProblemType::UserExists, ProblemType::PreconditionFailed];

/// Problems of a response that grows with the ring.
const LARGE: &[ProblemType] = &[ProblemType::Overloaded];

/// Every route. A path with `{id}` comes after the other paths matching it.
pub(super) static ROUTES: [Route; 10] = [
    Route {
        method: Method::POST,
        path: path::USERS,
        role: Some(Role::Write),
        kind: Kind::Create,
        problems: &[UPDATE, BODY, EXISTS],
        operation: openapi::create,
        handler: || post(users::create),
        short_cut: Some(ShortCut::Create),
    },
    Route {
        method: Method::PUT,
        path: path::USERS,
        role: Some(Role::Write),
        kind: Kind::Change,
        problems: &[UPDATE, BODY, MISSED],
        operation: openapi::change,
        handler: || put(users::change),
        short_cut: Some(ShortCut::Change),
    },
    Route {
        method: Method::GET,
        path: USER,
        role: Some(Role::Read),
        kind: Kind::Read,
        problems: &[SERVED, ID, MISSED],
        operation: openapi::read,
        handler: || get(users::read),
        short_cut: Some(ShortCut::Read),
    },
    Route {
        method: Method::DELETE,
        path: USER,
        role: Some(Role::Write),
        kind: Kind::Delete,
        problems: &[UPDATE, ID, MISSED],
        operation: openapi::delete,
        handler: || delete(users::delete),
        short_cut: None,
    },
    Route {
        method: Method::GET,
        path: path::CLUSTER,
        role: Some(Role::Read),
        kind: Kind::Other,
        problems: &[LARGE],
        operation: openapi::cluster,
        handler: || get(cluster::status),
        short_cut: None,
    },
    Route {
        method: Method::POST,
        path: path::ACCEPT_LOSS,
        role: Some(Role::Admin),
        kind: Kind::Other,
        problems: &[BODY, &[ProblemType::NothingToAccept, ProblemType::Unavailable]],
        operation: openapi::accept_loss,
        handler: || post(accept_loss::accept),
        short_cut: None,
    },
    Route {
        method: Method::GET,
        path: path::DOCUMENT,
        role: Some(Role::Read),
        kind: Kind::Other,
        problems: &[LARGE],
        operation: openapi::document_itself,
        handler: || get(openapi::document),
        short_cut: None,
    },
    Route {
        method: Method::GET,
        path: path::METRICS,
        role: Some(Role::Read),
        kind: Kind::Other,
        problems: &[LARGE],
        operation: openapi::metrics,
        handler: || get(metrics::metrics),
        short_cut: None,
    },
    Route {
        method: Method::GET,
        path: path::ALIVE,
        role: None,
        kind: Kind::Other,
        problems: &[],
        operation: openapi::health,
        handler: || get(cluster::alive),
        short_cut: None,
    },
    Route {
        method: Method::GET,
        path: path::READY,
        role: None,
        kind: Kind::Other,
        problems: &[&[ProblemType::Unavailable]],
        operation: openapi::ready,
        handler: || get(cluster::ready),
        short_cut: None,
    },
];

/// The route of a request; `None` if the path is unknown, or has no such method.
pub(super) fn find(method: &Method, path: &str) -> Option<&'static Route> {
    let path = without_slash(path);
    ROUTES.iter().filter(|route| route.takes(method)).find(|route| route.is_at(path))
}

/// The role for a request without a route. At a known path it is the lowest role of the path's
/// methods. Elsewhere it is the role of the method for a user.
pub(super) fn role_without_route(method: &Method, path: &str) -> Option<Role> {
    let path = without_slash(path);
    let lowest = ROUTES.iter().filter(|route| route.is_at(path)).map(|route| route.role).min();
    lowest.unwrap_or(Some(match *method {
        Method::GET | Method::HEAD => Role::Read,
        _ => Role::Write,
    }))
}

/// The router with all routes, each with a trailing slash and without.
pub(super) fn router() -> Router<Arc<App>> {
    ROUTES.iter().fold(Router::new(), |router, route| {
        let path = without_slash(route.path);
        router.route(path, (route.handler)()).route(&format!("{path}/"), (route.handler)())
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use axum::http::StatusCode;
    use axum::http::header::AUTHORIZATION;
    use process::tokens::{self, Tokens};

    use super::*;
    use crate::access::Access;
    use crate::rest::alone::{Rest, Sent};

    const ROLES: [Role; 3] = [Role::Read, Role::Write, Role::Admin];

    /// The status of a route's answer to a client. The client's token is the name of its role.
    fn status(rest: &mut Rest, route: &Route, role: Option<Role>) -> StatusCode {
        let token = role.map(|role| (AUTHORIZATION, format!("Bearer {role}")));
        let path = route.path.replace("{id}", "ada");
        let (method, headers) = (route.method.clone(), token.into_iter().collect());
        let sent = Sent { method, path, headers, body: Vec::new() };
        rest.send(sent).expect("it is HTTP").0
    }

    #[test]
    fn each_route_is_served_to_the_roles_that_suffice_and_to_no_others() {
        let lines = ROLES.map(|role| tokens::line(role, &role.to_string()));
        let tokens = Tokens::parse(&lines.join("\n")).unwrap();
        let mut rest = Rest::with(Access::of(tokens));
        for route in &ROUTES {
            let way = format!("{} {}", route.method, route.path);
            let anonymous = status(&mut rest, route, None);
            assert_eq!(anonymous == StatusCode::UNAUTHORIZED, route.role.is_some(), "{way}");
            for role in ROLES {
                let status = status(&mut rest, route, Some(role));
                let suffices = route.role.is_none_or(|needed| role >= needed);
                assert_eq!(status == StatusCode::FORBIDDEN, !suffices, "{way} {role}");
                let is_there =
                    ![StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status);
                assert!(is_there, "{way}: {status}");
            }
        }
    }

    #[test]
    fn each_route_is_found_by_its_own_method_and_path() {
        for route in &ROUTES {
            let path = route.path.replace("{id}", "ada");
            for path in [without_slash(&path).to_owned(), format!("{}/", without_slash(&path))] {
                let found = find(&route.method, &path);
                assert!(found.is_some_and(|found| std::ptr::eq(found, route)), "{path}");
            }
        }
        let ways = ROUTES.iter().map(|route| (route.method.as_str(), route.path));
        assert_eq!(ways.collect::<BTreeSet<_>>().len(), ROUTES.len(), "none is there twice");
    }

    #[test]
    fn head_is_found_where_get_is_and_nothing_elsewhere() {
        assert!(find(&Method::HEAD, "/api/user/ada").is_some());
        for (method, path) in [
            (Method::HEAD, "/api/user"),
            (Method::PATCH, "/api/user/ada"),
            (Method::GET, "/api/user/ada/x"),
            (Method::GET, "/api/users"),
            (Method::GET, "/api/user//"),
            (Method::POST, "/healthz"),
        ] {
            assert!(find(&method, path).is_none(), "{method} {path}");
        }
    }

    #[test]
    fn a_request_without_a_route_needs_the_role_of_its_path_or_of_its_method() {
        let role = |method, path| role_without_route(&method, path);
        assert_eq!(role(Method::POST, "/healthz"), None);
        assert_eq!(role(Method::DELETE, "/api/cluster/accept-loss/"), Some(Role::Admin));
        assert_eq!(role(Method::GET, "/healthz/x"), Some(Role::Read));
        assert_eq!(role(Method::PUT, "/api/nothing"), Some(Role::Write));
    }
}
