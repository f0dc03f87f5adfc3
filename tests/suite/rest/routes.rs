//! Paths and methods.

use std::collections::BTreeSet;

use protocol::problem::ProblemType;
use reqwest::header::{ALLOW, CONTENT_TYPE};
use reqwest::{Method, StatusCode};

use super::client::{send, user};
use super::shared;

#[tokio::test(flavor = "multi_thread")]
async fn there_is_nothing_at_other_paths() {
    let (rest, _ring) = shared::ring().await;
    let paths = [
        "",
        "/",
        "/api",
        "/api/",
        "/api/users",
        "/API/user/",
        "/api/user/a/b",
        "/api//user/",
        "/api/cluster/x",
        "/healthz/x",
        "/metrics/x",
        "/%2e%2e/etc/passwd",
    ];
    for path in paths {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
            let request = rest.http.request(method, rest.url(path)).json(&user("routes"));
            send(request).await.problem(ProblemType::NoRoute);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_path_does_not_have_is_answered_with_those_that_it_has() {
    let (rest, _ring) = shared::ring().await;
    let resources: [(&str, &[&str]); 5] = [
        ("/api/user", &["POST", "PUT"]),
        ("/api/user/routes", &["GET", "HEAD", "DELETE"]),
        ("/api/cluster", &["GET", "HEAD"]),
        ("/healthz", &["GET", "HEAD"]),
        ("/readyz", &["GET", "HEAD"]),
    ];
    let methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"];
    for (path, allowed) in resources {
        for method in methods.iter().filter(|method| !allowed.contains(method)) {
            for slash in ["", "/"] {
                let url = rest.url(&format!("{path}{slash}"));
                let method = Method::from_bytes(method.as_bytes()).expect("a method");
                let answer = send(rest.http.request(method.clone(), url)).await;
                if method == Method::HEAD {
                    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
                } else {
                    answer.problem(ProblemType::MethodNotAllowed);
                }
                let told = answer.header(ALLOW).expect("Allow says which methods there are");
                let told = told.split(',').map(str::trim).collect::<BTreeSet<_>>();
                let allowed = allowed.iter().copied().collect::<BTreeSet<_>>();
                assert_eq!(told, allowed, "{method} {path}{slash}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn head_says_what_get_would_but_for_the_body() {
    let (rest, _ring) = shared::ring().await;
    rest.created("routes-head").await;
    let paths = ["/api/user/routes-head", "/api/user/routes-nobody", "/healthz", "/readyz"];
    for path in paths {
        let get = rest.get(path).await;
        let head = send(rest.http.head(rest.url(path))).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.body, "");
        for header in ["content-type", "content-length", "etag"] {
            assert_eq!(head.header(header), get.header(header), "{header} of {path}");
        }
    }
    let head = send(rest.http.head(rest.url("/api/cluster"))).await;
    assert_eq!(
        (head.status, head.header(CONTENT_TYPE)),
        (StatusCode::OK, Some("application/json"))
    );
}
