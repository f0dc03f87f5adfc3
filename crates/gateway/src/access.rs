//! Who may do what over REST.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method, Request};
use link::Hosts;
use process::follow::follow;
use process::threads::Threads;
use process::tokens::{Role, Tokens, TokensError};

use crate::rest::CLUSTER;

/// Who may do what over REST.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Everyone may do everything.
    #[default]
    Open,
    /// Everyone may do everything, in requests to these hosts: a browser must not do it for the
    /// page of another site.
    Hosts(Hosts),
    /// Who has a token may do what its role may.
    Tokens(Arc<RwLock<Tokens>>),
}

/// Why a request is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It has no token, or none that is known.
    Unauthenticated,
    /// Its token's role does not suffice; this one would.
    Forbidden(Role),
    /// It names another host.
    Misdirected,
}

impl Access {
    /// As a file of tokens has it.
    ///
    /// # Errors
    ///
    /// As [`Tokens::read`].
    pub fn from_file(path: &Path) -> Result<Self, TokensError> {
        Ok(Self::of(Tokens::read(path)?))
    }

    fn of(tokens: Tokens) -> Self {
        Self::Tokens(Arc::new(RwLock::new(tokens)))
    }

    /// The hosts whose pages may connect to the port of links.
    pub(crate) fn hosts(&self) -> Hosts {
        match self {
            Self::Hosts(hosts) => hosts.clone(),
            Self::Open | Self::Tokens(_) => Hosts::Any,
        }
    }

    /// Takes over what the file of tokens says whenever that changes, for as long as it is polled. A file that cannot be used
    /// changes nothing.
    pub async fn follow(self, path: PathBuf, threads: Arc<dyn Threads>) {
        let Self::Tokens(tokens) = self else { return };
        let known = tokens.read().unwrap_or_else(PoisonError::into_inner).clone();
        let take = |read: &Tokens| {
            *tokens.write().unwrap_or_else(PoisonError::into_inner) = read.clone();
            Ok(())
        };
        follow("the API tokens", &threads, known, move || Tokens::read(&path), take).await;
    }

    /// Whether a request may be carried out.
    pub(crate) fn check<B>(&self, request: &Request<B>) -> Result<(), Denied> {
        let Some(needed) = needed(request.method(), request.uri().path()) else { return Ok(()) };
        let tokens = match self {
            Self::Open => return Ok(()),
            Self::Hosts(hosts) => {
                return hosts.check_host(request).map_err(|_| Denied::Misdirected);
            }
            Self::Tokens(tokens) => tokens,
        };
        let tokens = tokens.read().unwrap_or_else(PoisonError::into_inner);
        match bearer(request.headers()).and_then(|token| tokens.role_of(token)) {
            Some(role) if role >= needed => Ok(()),
            Some(_) => Err(Denied::Forbidden(needed)),
            None => Err(Denied::Unauthenticated),
        }
    }
}

/// The role that a request needs; none where it needs none.
pub(crate) fn needed(method: &Method, path: &str) -> Option<Role> {
    match path.strip_suffix('/').unwrap_or(path) {
        "/healthz" | "/readyz" => None,
        _ if *method == Method::GET || *method == Method::HEAD => Some(Role::Read),
        path if path.starts_with(CLUSTER) => Some(Role::Admin),
        _ => Some(Role::Write),
    }
}

/// The token that a request shows (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use process::tokens;

    use super::*;

    fn access() -> Access {
        let roles = [Role::Read, Role::Write, Role::Admin];
        let lines = roles.map(|role| tokens::line(role, &role.to_string()));
        Access::of(Tokens::parse(&lines.join("\n")).unwrap())
    }

    fn check(method: Method, path: &str, authorization: Option<&str>) -> Result<(), Denied> {
        let request = Request::builder().method(method).uri(path);
        let request = match authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        };
        access().check(&request.body(()).unwrap())
    }

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        let asked = [
            (Method::GET, "/api/user/ada"),
            (Method::PUT, "/api/user/"),
            (Method::POST, "/api/cluster/accept-loss/"),
        ];
        for (role, may) in [("read", 1), ("write", 2), ("admin", 3)] {
            for (index, (method, path)) in asked.iter().enumerate() {
                let checked = check(method.clone(), path, Some(&format!("Bearer {role}")));
                assert_eq!(checked.is_ok(), index < may, "{role} {method} {path}");
            }
        }
        let denied = check(Method::DELETE, "/api/user/ada", Some("bearer read"));
        assert_eq!(denied, Err(Denied::Forbidden(Role::Write)));
    }

    #[test]
    fn a_request_to_another_host_may_ask_for_health_and_nothing_else() {
        let request = |target: &str| {
            Request::builder().uri(target).header("host", "attacker.example").body(()).unwrap()
        };
        let named = Access::Hosts(Hosts::Named(Vec::new()));
        for path in ["/api/user/ada", "/api/nothing", "/metrics", "/healthz/x"] {
            assert_eq!(named.check(&request(path)), Err(Denied::Misdirected), "{path}");
            assert_eq!(named.check(&request(&format!("http://localhost{path}"))), Ok(()), "{path}");
            assert_eq!(Access::Open.check(&request(path)), Ok(()), "{path}");
        }
        for path in ["/healthz", "/readyz/"] {
            assert_eq!(named.check(&request(path)), Ok(()), "{path}");
        }
        assert_eq!(access().check(&request("/api/user/ada")), Err(Denied::Unauthenticated));
    }

    #[test]
    fn without_a_token_that_is_known_there_is_health_and_nothing_else() {
        assert_eq!(check(Method::GET, "/healthz", None), Ok(()));
        for authorization in
            [None, Some("Bearer "), Some("Bearer guess"), Some("Basic read"), Some("read")]
        {
            for path in ["/api/user/ada", "/metrics", "/api/cluster", "/healthz/x"] {
                assert_eq!(check(Method::GET, path, authorization), Err(Denied::Unauthenticated));
            }
        }
    }
}
