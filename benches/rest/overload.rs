//! More load than a ring can bear: requests that come at a rate of their own, whether or not those before were answered.
//!
//! `wrk` waits for an answer before it asks again, so that a server that is slow is asked less. Here a request that is due takes one of
//! many connections that have nothing under way; where none is left, it is not sent, as by a client that finds no connection. At a
//! rate that is never reached every connection asks again as soon as it has its answer: many clients that wait, which are no
//! overload.

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

/// How often requests that are due are sent.
const STEP: Duration = Duration::from_millis(1);

/// How long after the end answers may take that are still awaited.
const TAIL: Duration = Duration::from_secs(10);

/// From how many addresses the connections come: a port takes 2,048 from each.
const ADDRESSES: usize = 8;

/// A load at a rate of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Overload {
    /// Requests that are due in each second.
    pub(crate) per_second: f64,
    /// How many may be under way.
    pub(crate) connections: usize,
    pub(crate) time: Duration,
}

/// What became of the requests.
#[derive(Debug, Default)]
pub(crate) struct Fates {
    /// How long each took that succeeded, in µs, in order.
    pub(crate) done_us: Vec<u64>,
    /// The same of those that got 503.
    pub(crate) shed_us: Vec<u64>,
    /// No connection was left.
    pub(crate) unsent: u64,
}

/// What all connections share.
struct Shared {
    requests: Vec<Vec<u8>>,
    next: AtomicU64,
    /// Connections that have nothing under way, by their numbers.
    idle: Mutex<Vec<usize>>,
}

impl Overload {
    /// Sends requests of a file to a server.
    ///
    /// # Errors
    ///
    /// When a request is answered with anything but success or 503 with `Retry-After`, or not at all.
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

/// A connection of the load, from one of its addresses.
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

    /// Carries a request whenever one is started; returns how long those took that were done, and those that were turned away.
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

/// Reads one answer; returns its status.
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

/// The status of an answer whose head is there, and how long it is with its body.
fn head(bytes: &[u8]) -> anyhow::Result<Option<(u16, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&bytes[..end])?;
    let status = text.get(9..12).context("a line of status")?.parse()?;
    ensure!(status != 503 || text.contains("\nretry-after: "), "503 without Retry-After");
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body: usize = length.context("an answer that says how long it is")?.parse()?;
    Ok(Some((status, end + 4 + body)))
}

/// The value that so many of a hundred do not exceed, of values in order.
pub(crate) fn percentile(ordered: &[u64], of_hundred: usize) -> Option<u64> {
    ordered.get((ordered.len() * of_hundred / 100).min(ordered.len().checked_sub(1)?)).copied()
}
