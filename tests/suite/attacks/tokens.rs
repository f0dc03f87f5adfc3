//! Clients without a token, or with a token of a weaker role.

use std::fs;
use std::time::Duration;

use process::tokens::{Role, line};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Client, Method};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::SOON;
use crate::harness::cluster::Cluster;
use crate::harness::process::{Process, text};

const TOKENS: [(Role, &str); 3] = [
    (Role::Read, "token-of-a-reader"),
    (Role::Write, "token-of-a-writer"),
    (Role::Admin, "token-of-an-admin"),
];

fn lines(tokens: &[(Role, &str)]) -> String {
    tokens.iter().map(|(role, token)| line(*role, token) + "\n").collect()
}

/// A client that sends the token with every request.
fn holder(token: &str) -> Client {
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a header");
    let headers = HeaderMap::from_iter([(AUTHORIZATION, value)]);
    Client::builder().timeout(SOON).no_proxy().default_headers(headers).build().expect("a client")
}

async fn asked(client: &Client, cluster: &Cluster, method: Method, path: &str) -> u16 {
    let request = client.request(method, format!("{}{path}", cluster.url()));
    let request = request
        .json(&json!({ "id": "ada", "name": "Ada", "email": "ada@example.org", "group": 1 }));
    request.send().await.expect("an answer").status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_token_may_do_what_its_role_may_until_the_file_says_otherwise() {
    let mut cluster = Cluster::new(2);
    let file = cluster.directory.path().join("tokens");
    fs::write(&file, lines(&TOKENS)).expect("the directory is writable");
    cluster = cluster.with_gateway_flags(&["--tokens-file", &text(&file)]);
    cluster.http = holder(TOKENS[0].1);
    cluster.start_all();
    cluster.healthy_within(SOON).await;

    let asks = [
        (Method::POST, "/api/user/", [403, 201, 409]),
        (Method::GET, "/api/user/ada", [200; 3]),
        (Method::PUT, "/api/user", [403, 200, 200]),
        (Method::GET, "/api/cluster/", [200; 3]),
        (Method::GET, "/metrics", [200; 3]),
        (Method::POST, "/api/cluster/accept-loss", [403, 403, 422]),
        (Method::DELETE, "/api/user/ada", [403, 204, 404]),
    ];
    let strangers = [Client::builder().no_proxy().build().expect("a client"), holder("a guess")];
    for (method, path, expected) in asks {
        for ((role, token), expected) in TOKENS.iter().zip(expected) {
            let status = asked(&holder(token), &cluster, method.clone(), path).await;
            assert_eq!(status, expected, "{role} {method} {path}");
        }
        for stranger in &strangers {
            assert_eq!(asked(stranger, &cluster, method.clone(), path).await, 401, "{path}");
        }
    }
    assert_eq!(asked(&strangers[0], &cluster, Method::GET, "/healthz").await, 200);

    // An invalid file changes nothing. A valid one takes effect without a restart.
    fs::write(&file, "nonsense\n").expect("the directory is writable");
    cluster.gateway().says("the API tokens stay as they are").await;
    assert_eq!(asked(&holder(TOKENS[2].1), &cluster, Method::GET, "/metrics").await, 200);
    fs::write(&file, lines(&[(Role::Admin, "a new token")])).expect("the directory is writable");
    let since = Instant::now();
    while asked(&holder("a new token"), &cluster, Method::GET, "/metrics").await != 200 {
        assert!(since.elapsed() < SOON, "the new token is not known");
        sleep(Duration::from_millis(50)).await;
    }
    for (role, token) in TOKENS {
        assert_eq!(asked(&holder(token), &cluster, Method::GET, "/metrics").await, 401, "{role}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_anyone_could_reach_does_not_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let secret = directory.path().join("secret");
    fs::write(&secret, "a secret of the tests").expect("the directory is writable");
    let state = directory.path().join("state");
    let arguments = [
        "--nodes",
        "db-0,db-1",
        "--state",
        &text(&state),
        "--secret-file",
        &text(&secret),
        "--listen",
        "0.0.0.0",
        "--rest-port",
        "0",
        "--socket-port",
        "0",
    ]
    .map(str::to_owned);
    let (status, output) = Process::start("gateway", "gateway", &arguments).ended().await;
    assert!(!status.success());
    for words in ["error: anyone who reaches 0.0.0.0", "--tokens-file", "--insecure"] {
        assert!(output.contains(words), "no {words:?} in {output}");
    }
    assert!(!state.exists(), "nothing was written");

    let told = [&arguments[..], &["--insecure".to_owned()]].concat();
    let gateway = Process::start("gateway", "gateway", &told);
    gateway.says("listening").await;
    gateway.stop().await;
}
