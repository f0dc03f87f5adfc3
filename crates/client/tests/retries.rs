//! The rule for repeating requests, against a gateway with prepared answers.

#![allow(clippy::unwrap_used, reason = "a failed test panics")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode};
use client::{Change, Client, Error};
use protocol::problem::{ProblemBody, ProblemType};
use protocol::user::{NewUser, UserId};
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A prepared answer: a status, and a record or a problem.
#[derive(Debug, Clone)]
enum Prepared {
    Record(StatusCode, &'static str),
    Problem(ProblemType),
}

/// The prepared answers that are left, and the requests so far.
#[derive(Debug, Default)]
struct Script {
    answers: VecDeque<Prepared>,
    asked: Vec<String>,
}

const ADA: &str = r#"{"id":"ada","name":"Ada","email":"ada@example.org","group":1}"#;
const ADA_IN_2: &str = r#"{"id":"ada","name":"Ada","email":"ada@example.org","group":2}"#;

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response<Body> {
    let mut script = script.lock().unwrap();
    script.asked.push(request.method().to_string());
    match script.answers.pop_front().expect("no request more than prepared") {
        Prepared::Record(status, json) => {
            Response::builder().status(status).header("etag", "\"1.1\"").body(json.into()).unwrap()
        }
        Prepared::Problem(kind) => {
            let json = ProblemBody { kind, detail: "prepared", errors: &[], id: None }.to_json();
            let response = Response::builder().status(kind.status()).header("retry-after", "0");
            response.body(json.into()).unwrap()
        }
    }
}

/// A client of a gateway with these answers.
async fn client(answers: &[Prepared]) -> (Client, Arc<Mutex<Script>>) {
    let script = Script { answers: answers.iter().cloned().collect(), ..Script::default() };
    let script = Arc::new(Mutex::new(script));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (Client::new(&url).unwrap().with_patience(Duration::from_secs(5)), script)
}

fn asked(script: &Mutex<Script>) -> String {
    script.lock().unwrap().asked.join(" ")
}

fn ada() -> UserId {
    "ada".parse().unwrap()
}

fn new_ada() -> NewUser {
    NewUser::from_body(ADA.as_bytes()).unwrap()
}

use Prepared::{Problem, Record};

#[tokio::test]
async fn what_was_certainly_not_done_is_repeated() {
    let unavailable = Problem(ProblemType::Unavailable);
    let (client, script) =
        client(&[unavailable.clone(), unavailable, Record(StatusCode::CREATED, ADA)]).await;
    let created = client.create(new_ada()).await.unwrap();
    assert_eq!(created.etag, "\"1.1\"");
    assert_eq!(asked(&script), "POST POST POST");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_client_looks_and_repeats_only_what_was_not_done() {
    let unknown = Problem(ProblemType::OutcomeUnknown);
    let (done, script) = client(&[unknown.clone(), Record(StatusCode::OK, ADA)]).await;
    assert_eq!(done.create(new_ada()).await.unwrap().user.group, 1);
    assert_eq!(asked(&script), "POST GET");

    let missing = Problem(ProblemType::UserNotFound);
    let created = Record(StatusCode::CREATED, ADA);
    let (not_done, script) = client(&[unknown.clone(), missing.clone(), created]).await;
    not_done.create(new_ada()).await.unwrap();
    assert_eq!(asked(&script), "POST GET POST");

    let (deleted, script) = client(&[unknown, missing]).await;
    deleted.delete(&ada()).await.unwrap();
    assert_eq!(asked(&script), "DELETE GET");
}

#[tokio::test]
async fn a_refusal_after_an_unknown_outcome_may_be_of_the_clients_own_update() {
    let unknown = Problem(ProblemType::OutcomeUnknown);
    let before = Record(StatusCode::OK, ADA);
    let after = Record(StatusCode::OK, ADA_IN_2);
    let unmet = Problem(ProblemType::PreconditionFailed);
    let change =
        Change { group: Some(2), if_match: Some("\"1.1\"".to_owned()), ..Change::default() };

    let (own, script) = client(&[unknown.clone(), before.clone(), unmet.clone(), after]).await;
    assert_eq!(own.change(&ada(), &change).await.unwrap().user.group, 2);
    assert_eq!(asked(&script), "PUT GET PUT GET");

    let (others, _) = client(&[unknown, before.clone(), unmet, before]).await;
    let error = others.change(&ada(), &change).await.unwrap_err();
    assert!(error.is_problem("precondition-failed"), "{error}");
}

#[tokio::test]
async fn an_unknown_outcome_stays_unknown_where_nobody_can_look() {
    let unknown = Problem(ProblemType::OutcomeUnknown);
    let absent = Problem(ProblemType::UserNotFound);
    let exists = Problem(ProblemType::UserExists);
    let blind = Problem(ProblemType::Malformed);
    let (client, script) = client(&[unknown, absent, exists, blind]).await;
    let error = client.create(new_ada()).await.unwrap_err();
    assert!(matches!(error, Error::Unknown(_)), "{error}");
    assert_eq!(asked(&script), "POST GET POST GET");
}

#[tokio::test]
async fn a_refusal_ends_at_once_and_patience_has_an_end() {
    let (refused, script) = client(&[Problem(ProblemType::UserExists)]).await;
    assert!(refused.create(new_ada()).await.unwrap_err().is_problem("user-exists"));
    assert_eq!(asked(&script), "POST");

    let (client, _) = client(&[Problem(ProblemType::Overloaded)]).await;
    let error = client.with_patience(Duration::ZERO).read(&ada()).await.unwrap_err();
    assert!(matches!(&error, Error::NotDone(why) if why == "prepared"), "{error}");
}

#[tokio::test]
async fn nobody_who_listens_is_certainly_not_done() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let client = Client::new(&url).unwrap().with_patience(Duration::ZERO);
    let error = client.create(new_ada()).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable(_)), "{error}");

    let client = Client::new("no URL").unwrap();
    let began = Instant::now();
    let error = client.create(new_ada()).await.unwrap_err();
    assert!(matches!(error, Error::Setup(_)), "{error}");
    assert!(began.elapsed() < Duration::from_secs(5), "no other attempt is of use");
}
