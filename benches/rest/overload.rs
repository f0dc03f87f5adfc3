//! More load than a ring can bear: requests come at a fixed rate, whether or not earlier ones
//! were answered.
//!
//! `wrk` waits for an answer before it asks again, so a slow server gets fewer requests. Here
//! each due request takes one of many idle connections. If none is idle, the request is not
//! sent, as from a client without a connection. With an unreachable rate, every connection
//! sends a request as soon as it has the previous answer: these are many waiting clients, and
//! no overload.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, anyhow, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use crate::load;

/// The time between two rounds of sending due requests.
const STEP: Duration = Duration::from_millis(1);

/// How long after the end the last answers may take.
const TAIL: Duration = Duration::from_secs(10);

/// The number of client addresses: a port takes 2,048 connections from each.
const ADDRESSES: usize = 8;

/// A load at a fixed rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overload {
    /// The number of requests due in each second.
    pub(crate) per_second: f64,
    /// The maximum number of requests under way.
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// The fates of the requests.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// How long each successful request took, in µs, sorted.
    pub(crate) done_us: Vec<u64>,
    /// How long each request answered with 503 took, in µs, sorted.
    pub(crate) shed_us: Vec<u64>,
    /// The number of due requests without an idle connection.
    pub(crate) unsent: u64,
}

/// The state shared by all connections.
struct Shared {
    requests: Vec<Vec<u8>>,
    next: AtomicU64,
    /// The numbers of the idle connections.
    idle: Mutex<Vec<usize>>,
}

impl Overload {
    /// Sends the requests in a file to a server.
    ///
    /// # Errors
    ///
    /// Returns an error if an answer is neither 200 nor 503 with `Retry-After`, or if an answer
    /// is missing.
    pub(crate) async fn run(&self, url: &str, requests: &Path) -> anyhow::Result<Fates> {
        let address = url.strip_prefix("http://").context("a URL with http")?.parse()?;
        let shared = Arc::new(Shared {
            requests: load::read(requests)?,
            next: AtomicU64::new(0),
            idle: Mutex::default(),
        });
        let mut connections = JoinSet::new();
        let mut starts = Vec::new();
        for number in 0..self.connections {
            let stream = connect(number, address).await?;
            let (start, started) = mpsc::channel(1);
            starts.push(start);
            connections.spawn(Arc::clone(&shared).carry(number, stream, started));
        }
        let mut unsent = 0;
        let mut steps = interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (begin, mut sent) = (Instant::now(), 0);
        while begin.elapsed() < self.time {
            steps.tick().await;
            let due = (begin.elapsed().as_secs_f64() * self.per_second) as u64;
            for _ in sent..due {
                match shared.idle().pop() {
                    Some(number) => starts[number].try_send(())?,
                    None => unsent += 1,
                }
            }
            sent = sent.max(due);
        }
        drop(starts);
        let mut fates = Fates { unsent, ..Fates::default() };
        let ended = timeout(TAIL, async {
            while let Some(ended) = connections.join_next().await {
                let (done, shed) = ended??;
                fates.done_us.extend(done);
                fates.shed_us.extend(shed);
            }
            anyhow::Ok(())
        });
        ended.await.map_err(|_| anyhow!("answers are missing {TAIL:?} after the end"))??;
        ensure!(!fates.done_us.is_empty(), "{url} has answered nothing");
        fates.done_us.sort_unstable();
        fates.shed_us.sort_unstable();
        Ok(fates)
    }
}

/// Opens a connection of the load, from one of its addresses.
async fn connect(number: usize, address: SocketAddr) -> anyhow::Result<TcpStream> {
    let from = Ipv4Addr::new(127, 71, 1, u8::try_from(number % ADDRESSES)?.saturating_add(1));
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    let stream = socket.connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Shared {
    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<usize>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends a request at each start. Returns the durations of the successful requests, and of
    /// those with 503, in µs.
    async fn carry(
        self: Arc<Self>,
        number: usize,
        mut stream: TcpStream,
        mut started: mpsc::Receiver<()>,
    ) -> anyhow::Result<(Vec<u64>, Vec<u64>)> {
        let (mut done, mut shed, mut buffer) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            self.idle().push(number);
            if started.recv().await.is_none() {
                return Ok((done, shed));
            }
            let since = Instant::now();
            let next = self.next.fetch_add(1, Ordering::Relaxed) as usize;
            stream.write_all(&self.requests[next % self.requests.len()]).await?;
            let took = match answer(&mut stream, &mut buffer).await? {
                200 => &mut done,
                503 => &mut shed,
                status => bail!("an answer with status {status}"),
            };
            took.push(since.elapsed().as_micros() as u64);
        }
    }
}

/// Reads one answer, and returns its status.
async fn answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> anyhow::Result<u16> {
    buffer.clear();
    loop {
        ensure!(stream.read_buf(buffer).await? > 0, "a connection was closed");
        if let Some((status, length)) = head(buffer)?
            && buffer.len() >= length
        {
            ensure!(buffer.len() == length, "more than was asked for");
            return Ok(status);
        }
    }
}

/// The status of an answer with a complete head, and the length of the whole answer in bytes.
fn head(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end])?;
    let status = text.get(9..12).context("a line of status")?.parse()?;
    ensure!(status != 503 || text.contains("\nretry-after: "), "503 without Retry-After");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body: usize = length.context("an answer that says how long it is")?.parse()?;
    Ok(Some((status, end + 4 + body)))
}

/// The percentile of sorted values: `of_hundred` percent of them are smaller or equal.
pub(crate) fn percentile(ordered: &[u64], of_hundred: usize) -> Option<u64> {
    ordered.get((ordered.len() * of_hundred / 100).min(ordered.len().checked_sub(1)?)).copied()
}
