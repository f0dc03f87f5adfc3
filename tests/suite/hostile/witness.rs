//! A witness: a well-behaved client beside the hostile ones. None of its requests fails, and it
//! reads its own writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use reqwest::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::random::Draw;

/// How many users each witness creates before it starts again with the first.
const USERS: u64 = 40;

/// The pause between two rounds of requests.
const PAUSE: Duration = Duration::from_millis(5);

/// The requests of a witness: their number, and the longest wait.
#[derive(Debug, Default)]
pub(super) struct WitnessFigures {
    pub(super) requests: u64,
    pub(super) longest: Duration,
}

/// A well-behaved client.
pub(super) struct Witness {
    http: Client,
    users: String,
    name: u64,
    seen: WitnessFigures,
}

/// A complete answer.
struct Answered {
    status: StatusCode,
    etag: Option<String>,
    body: String,
}

impl Witness {
    pub(super) fn new(name: u64, url: &str) -> Self {
        let http = Client::builder().timeout(Duration::from_secs(30)).no_proxy().build();
        let users = format!("{url}/api/user/");
        Self { http: http.expect("a client"), users, name, seen: WitnessFigures::default() }
    }

    /// Works until it is told to stop; fails with the first wrong answer.
    pub(super) async fn work(
        mut self,
        stopping: Arc<AtomicBool>,
    ) -> Result<WitnessFigures, String> {
        let mut draw = Draw::of(self.name, 0);
        for round in 0.. {
            if stopping.load(Ordering::Relaxed) {
                break;
            }
            let id = format!("witness-{}-{}", self.name, round % USERS);
            self.live(&id, &mut draw).await.map_err(|what| format!("{id}: {what}"))?;
            sleep(PAUSE).await;
        }
        Ok(self.seen)
    }

    /// Creates, reads, changes and deletes one user.
    async fn live(&mut self, id: &str, draw: &mut Draw) -> Result<(), String> {
        let one = format!("{}{id}", self.users);
        let record = |group: u64| {
            let (name, email) = ("W. \u{e4} \u{1f600}", format!("{id}@example.org"));
            format!(r#"{{"id":"{id}","name":"{name}","email":"{email}","group":{group}}}"#)
        };
        let parsed = |text: &str| serde_json::from_str::<Value>(text).expect("it is JSON");
        let (first, second) = (draw.below(1 << 32), draw.below(1 << 32));

        let create = self.http.post(&self.users).json(&parsed(&record(first)));
        let created = self.send(create, StatusCode::CREATED, &record(first)).await?;
        let read = self.send(self.http.get(&one), StatusCode::OK, &record(first)).await?;
        same(&created, &read)?;

        let patch = json!({ "id": id, "group": second });
        let change = |tag: &str| self.http.put(&self.users).header(IF_MATCH, tag).json(&patch);
        let (old, change) = (created.clone(), change(&created));
        let changed = self.send(change, StatusCode::OK, &record(second)).await?;
        let late = self.http.delete(&one).header(IF_MATCH, &old);
        self.send(late, StatusCode::PRECONDITION_FAILED, "").await?;
        let known = self.http.get(&one).header(IF_NONE_MATCH, &changed);
        self.send(known, StatusCode::NOT_MODIFIED, "").await?;
        let read = self.send(self.http.get(&one), StatusCode::OK, &record(second)).await?;
        same(&changed, &read)?;

        self.send(self.http.delete(&one), StatusCode::NO_CONTENT, "").await?;
        self.send(self.http.get(&one), StatusCode::NOT_FOUND, "").await?;
        Ok(())
    }

    /// Sends a request, and checks its status and record; returns the tag of the record.
    async fn send(
        &mut self,
        request: RequestBuilder,
        status: StatusCode,
        record: &str,
    ) -> Result<String, String> {
        let began = Instant::now();
        let answered = answered(request).await?;
        self.seen.requests += 1;
        self.seen.longest = self.seen.longest.max(began.elapsed());
        let is_right = answered.status == status && (record.is_empty() || answered.body == record);
        if !is_right {
            let (got, body) = (answered.status, answered.body);
            return Err(format!("{got} {body} after {:?}, not {status} {record}", began.elapsed()));
        }
        Ok(answered.etag.unwrap_or_default())
    }
}

fn same(written: &str, read: &str) -> Result<(), String> {
    let is_same = !written.is_empty() && written == read;
    if is_same { Ok(()) } else { Err(format!("the tag {written} was read as {read}")) }
}

async fn answered(request: RequestBuilder) -> Result<Answered, String> {
    let told = |error: reqwest::Error| format!("{error:?}");
    let response = request.send().await.map_err(told)?;
    let status = response.status();
    let etag = response.headers().get(ETAG).and_then(|tag| tag.to_str().ok()).map(str::to_owned);
    let body = response.text().await.map_err(told)?;
    Ok(Answered { status, etag, body })
}
