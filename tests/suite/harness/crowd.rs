//! A crowd: thousands of clients. Each waits for its answer before it sends the next request.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::StatusCode;
use protocol::id::PartitionId;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::address;
use super::cluster::Cluster;
use super::promises::Failure;
use super::random::Random;
use super::wire::{Answer, AnswerTo, Answers};

/// How long a client waits after a failed request.
const PAUSE: Duration = Duration::from_millis(100);

/// The clients of a crowd.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CrowdPlan {
    pub(crate) readers: usize,
    pub(crate) updaters: usize,
    /// How many loopback addresses the clients connect from.
    pub(crate) addresses: usize,
    /// How many users the requests are about: `user-0` and the following. All of them exist.
    pub(crate) users: usize,
}

/// Clients at work.
pub(crate) struct Crowd {
    stopping: Arc<AtomicBool>,
    clients: JoinSet<Served>,
}

/// The clients' answers.
#[derive(Debug, Default)]
pub(crate) struct Served {
    pub(crate) reads: u64,
    pub(crate) updates: u64,
    /// The longest wait of a successful read.
    pub(crate) longest_read: Duration,
    /// The longest wait of a successful update.
    pub(crate) longest_update: Duration,
    pub(crate) failures: Vec<Failure>,
}

/// The kind of requests of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Reader,
    Updater,
}

impl Crowd {
    /// Connects the clients and sets them to work.
    pub(crate) async fn start(plan: CrowdPlan, cluster: &Cluster) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let addresses = (0..plan.addresses).map(|_| address::fresh()).collect::<Vec<_>>();
        let partitions = (0..plan.users).map(|user| partition_of(cluster, user));
        let partitions = partitions.collect::<Arc<[_]>>();
        let mut clients = JoinSet::new();
        for number in 0..plan.readers + plan.updaters {
            let client = Client {
                role: if number < plan.readers { Role::Reader } else { Role::Updater },
                stream: connect(cluster, addresses[number % addresses.len()]).await,
                answers: Answers::default(),
                random: Random::new(number as u64),
                partitions: Arc::clone(&partitions),
                served: Served::default(),
            };
            clients.spawn(client.work(Arc::clone(&stopping)));
        }
        Self { stopping, clients }
    }

    /// Lets each client finish its request; returns the answers of all clients.
    pub(crate) async fn stop(self) -> Served {
        self.stopping.store(true, Ordering::Relaxed);
        let mut all = Served::default();
        for served in self.clients.join_all().await {
            all.reads += served.reads;
            all.updates += served.updates;
            all.longest_read = all.longest_read.max(served.longest_read);
            all.longest_update = all.longest_update.max(served.longest_update);
            all.failures.extend(served.failures);
        }
        all
    }
}

fn partition_of(cluster: &Cluster, user: usize) -> PartitionId {
    cluster.ring.partition_of(&format!("user-{user}").parse().expect("an id"))
}

async fn connect(cluster: &Cluster, from: Ipv4Addr) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from((from, 0))).expect("the address is free");
    let stream = socket.connect(cluster.rest_address()).await.expect("the gateway listens");
    stream.set_nodelay(true).expect("a socket");
    stream
}

/// One of the clients.
struct Client {
    role: Role,
    stream: TcpStream,
    answers: Answers,
    random: Random,
    /// The partition of each user.
    partitions: Arc<[PartitionId]>,
    served: Served,
}

impl Client {
    async fn work(mut self, stopping: Arc<AtomicBool>) -> Served {
        while !stopping.load(Ordering::Relaxed) {
            let user = self.random.below(self.partitions.len() as u64) as usize;
            let began = Instant::now();
            let answer = self.ask(user).await;
            let took = began.elapsed();
            let Some(answer) = answer else {
                self.failed(user, began, took, None);
                break;
            };
            if answer.status != StatusCode::OK {
                self.failed(user, began, took, Some(&answer));
                sleep(PAUSE).await;
                continue;
            }
            match self.role {
                Role::Reader => {
                    self.served.reads += 1;
                    self.served.longest_read = self.served.longest_read.max(took);
                }
                Role::Updater => {
                    self.served.updates += 1;
                    self.served.longest_update = self.served.longest_update.max(took);
                }
            }
        }
        self.served
    }

    /// Sends a request about a user; returns `None` if the connection has ended.
    async fn ask(&mut self, user: usize) -> Option<Answer> {
        let request = match self.role {
            Role::Reader => {
                format!("GET /api/user/user-{user} HTTP/1.1\r\nhost: localhost\r\n\r\n")
            }
            Role::Updater => {
                let group = self.random.below(1 << 32);
                let body = format!(r#"{{"id":"user-{user}","group":{group}}}"#);
                format!(
                    "PUT /api/user/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                     content-length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
        };
        self.stream.write_all(request.as_bytes()).await.ok()?;
        self.answers.next(&mut self.stream, AnswerTo::Other).await.ok()
    }

    fn failed(&mut self, user: usize, began: Instant, took: Duration, answer: Option<&Answer>) {
        self.served.failures.push(Failure {
            is_read: self.role == Role::Reader,
            partition: self.partitions[user],
            began,
            took,
            status: answer.map(|answer| answer.status),
            has_retry_after: answer.is_some_and(|answer| answer.header("retry-after").is_some()),
            problem: answer.map_or_else(|| "the connection has ended".to_owned(), Answer::text),
        });
    }
}
