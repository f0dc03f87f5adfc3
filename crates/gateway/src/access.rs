//! Access control of REST and of observers: each request, and each observer, needs a role.
//!
//! It knows no port. A port finds the token in what a client sends, and asks here.

use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Request};
use port::Hosts;
use process::follow::follow;
use process::threads::Threads;
use process::tokens::{Role, Tokens, TokensError};
use tokio::sync::watch;

/// The rights of each client.
#[derive(Debug, Clone, Default)]
pub enum Access {
    /// Everyone may do everything.
    #[default]
    Open,
    /// Everyone may do everything, but only in requests to these hosts. So a browser cannot do
    /// it for the page of another site.
    Hosts(Hosts),
    /// A client has the rights of its token's role.
    Tokens(Arc<watch::Sender<Tokens>>),
}

/// The reason to refuse a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// The request has no token, or an unknown one.
    Unauthenticated,
    /// The role of the token is too low. This role would be enough.
    Forbidden(Role),
    /// The request names another host.
    Misdirected,
}

impl Access {
    /// Access by the tokens in a file.
    ///
    /// # Errors
    ///
    /// See [`Tokens::read`].
    pub fn from_file(path: &Path) -> Result<Self, TokensError> {
        Ok(Self::of(Tokens::read(path)?))
    }

    pub(crate) fn of(tokens: Tokens) -> Self {
        Self::Tokens(Arc::new(watch::Sender::new(tokens)))
    }

    /// The hosts whose pages may connect to the port of links.
    pub(crate) fn hosts(&self) -> Hosts {
        match self {
            Self::Hosts(hosts) => hosts.clone(),
            Self::Open | Self::Tokens(_) => Hosts::Any,
        }
    }

    /// Reads the file of tokens again whenever it changes, and uses the new tokens. Runs while
    /// it is polled. A file with an error changes nothing.
    pub async fn follow(self, path: PathBuf, threads: Arc<dyn Threads>) {
        let Self::Tokens(tokens) = self else { return };
        let known = tokens.borrow().clone();
        let take = |read: &Tokens| {
            tokens.send_replace(read.clone());
            Ok(())
        };
        follow("the API tokens", &threads, known, move || Tokens::read(&path), take).await;
    }

    /// Checks whether the sender of a request has the needed role. `None` means: everybody may
    /// send it.
    pub(crate) fn check<B>(
        &self,
        request: &Request<B>,
        needed: Option<Role>,
    ) -> Result<(), Denied> {
        match (self, needed) {
            (_, None) => Ok(()),
            (Self::Hosts(hosts), Some(_)) => {
                hosts.check_host(request).map_err(|_| Denied::Misdirected)
            }
            (_, Some(needed)) => self.check_token(bearer(request.headers()), needed),
        }
    }

    /// Checks whether the holder of a token has the needed role. Without tokens everyone has.
    pub(crate) fn check_token(&self, token: Option<&str>, needed: Role) -> Result<(), Denied> {
        match self {
            Self::Open | Self::Hosts(_) => Ok(()),
            Self::Tokens(tokens) => has_role(&tokens.borrow(), token, needed),
        }
    }

    /// Waits until the holder of a token no longer has the needed role. Safe to cancel.
    pub(crate) async fn lapsed(&self, token: Option<&str>, needed: Role) -> Denied {
        let Self::Tokens(tokens) = self else { return pending().await };
        let mut changes = tokens.subscribe();
        loop {
            if let Err(denied) = has_role(&changes.borrow_and_update(), token, needed) {
                return denied;
            }
            // The sender lives as long as `self`, so there is no error.
            let _ = changes.changed().await;
        }
    }
}

fn has_role(tokens: &Tokens, token: Option<&str>, needed: Role) -> Result<(), Denied> {
    match token.and_then(|token| tokens.role_of(token)) {
        Some(role) if role >= needed => Ok(()),
        Some(_) => Err(Denied::Forbidden(needed)),
        None => Err(Denied::Unauthenticated),
    }
}

/// The token in a request (RFC 6750, section 2.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt;
    use process::tokens;

    use super::*;

    fn access() -> Access {
        let roles = [Role::Read, Role::Write, Role::Admin];
        let lines = roles.map(|role| tokens::line(role, &role.to_string()));
        Access::of(Tokens::parse(&lines.join("\n")).unwrap())
    }

    fn check(needed: Option<Role>, authorization: Option<&str>) -> Result<(), Denied> {
        let request = Request::builder();
        let request = match authorization {
            Some(authorization) => request.header(AUTHORIZATION, authorization),
            None => request,
        };
        access().check(&request.body(()).unwrap(), needed)
    }

    #[test]
    fn each_role_may_do_what_those_before_it_may() {
        let needed = [Role::Read, Role::Write, Role::Admin];
        for (role, may) in [("read", 1), ("write", 2), ("admin", 3)] {
            for (index, needed) in needed.into_iter().enumerate() {
                let checked = check(Some(needed), Some(&format!("Bearer {role}")));
                assert_eq!(checked.is_ok(), index < may, "{role} {needed}");
            }
        }
        let denied = check(Some(Role::Write), Some("bearer read"));
        assert_eq!(denied, Err(Denied::Forbidden(Role::Write)));
    }

    #[tokio::test]
    async fn a_token_lapses_once_its_line_is_gone() {
        let access = access();
        assert_eq!(access.check_token(Some("read"), Role::Read), Ok(()));
        let mut lapsed = pin!(access.lapsed(Some("read"), Role::Read));
        assert_eq!(lapsed.as_mut().now_or_never(), None);
        let Access::Tokens(tokens) = &access else { unreachable!("they are tokens") };
        tokens.send_replace(Tokens::parse(&tokens::line(Role::Admin, "admin")).unwrap());
        assert_eq!(lapsed.await, Denied::Unauthenticated);
        assert_eq!(Access::Open.check_token(None, Role::Read), Ok(()));
    }

    #[test]
    fn a_request_to_another_host_gets_what_needs_no_role_and_nothing_else() {
        let request = |target: &str| {
            Request::builder().uri(target).header("host", "attacker.example").body(()).unwrap()
        };
        let (named, role) = (Access::Hosts(Hosts::Named(Vec::new())), Some(Role::Read));
        assert_eq!(named.check(&request("/x"), role), Err(Denied::Misdirected));
        assert_eq!(named.check(&request("http://localhost/x"), role), Ok(()));
        assert_eq!(named.check(&request("/x"), None), Ok(()));
        assert_eq!(Access::Open.check(&request("/x"), role), Ok(()));
        assert_eq!(access().check(&request("/x"), role), Err(Denied::Unauthenticated));
    }

    #[test]
    fn without_a_token_that_is_known_there_is_only_what_needs_no_role() {
        assert_eq!(check(None, None), Ok(()));
        for authorization in
            [None, Some("Bearer "), Some("Bearer guess"), Some("Basic read"), Some("read")]
        {
            assert_eq!(check(Some(Role::Read), authorization), Err(Denied::Unauthenticated));
        }
    }
}
