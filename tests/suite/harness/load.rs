//! Clients that keep a cluster busy and record their answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use history::users::{Fields, Input, Output, Patch};
use history::{ClientId, Recorder};
use protocol::id::PartitionId;
use reqwest::Client;
use ring_core::placement::Ring;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::random::Random;
use super::users::{Ended, call};

/// The size of a load.
#[derive(Debug, Clone)]
pub(crate) struct LoadPlan {
    pub(crate) clients: u64,
    pub(crate) users: u64,
    /// Of all clients together.
    pub(crate) requests_per_second: u64,
}

/// One call: its time and its outcome.
#[derive(Debug, Clone)]
pub(crate) struct FinishedCall {
    pub(crate) input: Input,
    pub(crate) partition: PartitionId,
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    pub(crate) ended: Ended,
}

/// Clients at work.
pub(crate) struct Load {
    recorder: Arc<Recorder<Input, Output>>,
    stopping: Arc<AtomicBool>,
    clients: JoinSet<Vec<FinishedCall>>,
}

impl Load {
    /// Sets clients to work on a cluster.
    pub(crate) fn start(plan: &LoadPlan, url: &str, ring: &Ring) -> Self {
        let start = Instant::now();
        let clock = move || u64::try_from(start.elapsed().as_nanos()).expect("short tests");
        let recorder = Arc::new(Recorder::new(clock));
        let stopping = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for number in 0..plan.clients {
            let worker = Worker {
                client: ClientId(number),
                random: Random::new(number),
                http: Client::builder()
                    .timeout(Duration::from_secs(20))
                    .no_proxy()
                    .build()
                    .expect("a client"),
                url: url.to_owned(),
                ring: ring.clone(),
                recorder: Arc::clone(&recorder),
                plan: plan.clone(),
                last_etag: None,
            };
            clients.spawn(worker.work(Arc::clone(&stopping)));
        }
        Self { recorder, stopping, clients }
    }

    /// Lets each client finish its call; returns all calls.
    pub(crate) async fn stop(self) -> (Vec<FinishedCall>, Arc<Recorder<Input, Output>>) {
        self.stopping.store(true, Ordering::Relaxed);
        let seen = self.clients.join_all().await.into_iter().flatten().collect();
        (seen, self.recorder)
    }
}

struct Worker {
    client: ClientId,
    random: Random,
    http: Client,
    url: String,
    ring: Ring,
    recorder: Arc<Recorder<Input, Output>>,
    plan: LoadPlan,
    last_etag: Option<(String, String)>,
}

impl Worker {
    async fn work(mut self, stopping: Arc<AtomicBool>) -> Vec<FinishedCall> {
        let mut seen = Vec::new();
        let pause = Duration::from_secs(1) * u32::try_from(self.plan.clients).expect("few")
            / u32::try_from(self.plan.requests_per_second).expect("few");
        let mut ticks = interval(pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stopping.load(Ordering::Relaxed) {
            ticks.tick().await;
            let input = self.next_input();
            let partition = self.ring.partition_of(&input.id().parse().expect("an id"));
            let pending = self.recorder.invoke(self.client, input.clone());
            let began = Instant::now();
            let ended = call(&self.http, &self.url, &input).await;
            let took = began.elapsed();
            pending.complete(ended.outcome.clone());
            self.remember_etag(&input, &ended);
            seen.push(FinishedCall { input, partition, began, took, ended });
        }
        seen
    }

    fn next_input(&mut self) -> Input {
        let id = format!("user-{}", self.random.below(self.plan.users));
        let number = self.random.below(u64::from(u32::MAX));
        let name = format!("name {number}");
        let group = u32::try_from(number).expect("below");
        let if_match =
            self.last_etag.take().filter(|(known, _)| *known == id).map(|(_, etag)| etag);
        match self.random.below(20) {
            0..=9 => Input::Read { id },
            10..=13 => {
                let email = format!("{id}@example.org");
                Input::Create { id, fields: Fields { name, email, group } }
            }
            14..=17 => {
                let patch = Patch { name: Some(name), group: Some(group), ..Patch::default() };
                Input::Change { id, patch, if_match, if_none_match: None }
            }
            _ => Input::Delete { id, if_match, if_none_match: None },
        }
    }

    fn remember_etag(&mut self, input: &Input, ended: &Ended) {
        if let history::Outcome::Done(Output::Found { etag: Some(etag), .. }) = &ended.outcome {
            self.last_etag = Some((input.id().to_owned(), etag.clone()));
        }
    }
}
