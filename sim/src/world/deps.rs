//! The parts that simulated processes get instead of a real machine: sockets, randomness,
//! threads.

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use port::{BoxStream, Connecting, Connector, Listener};
use process::clock::MachineClock;
use process::entropy::Entropy;
use process::threads::{Blocking, OwnedFuture, Threads};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use turmoil::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::plan::host::Host;
use crate::plan::swarm::Span;
use crate::world::disk_calls::DiskCalls;
use crate::world::segments::Segments;
use crate::world::undecodable::{Garbled, Undecodable};

/// The port on which the gateway serves REST.
pub(crate) const REST_PORT: u16 = 3001;

/// The port on which the gateway serves nodes.
pub(crate) const SOCKET_PORT: u16 = 3002;

/// The port on which a node serves the node before it.
pub(crate) const NODE_PORT: u16 = 4000;

/// How long a listener pauses after an error.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// Listens on a port of the host.
pub(crate) async fn listen(port: u16, segment_bytes_max: usize) -> io::Result<SimListener> {
    let listener = TcpListener::bind(("0.0.0.0", port)).await?;
    Ok(SimListener { listener, segment_bytes_max })
}

/// A listener in the simulated network.
pub(crate) struct SimListener {
    listener: TcpListener,
    segment_bytes_max: usize,
}

impl Listener for SimListener {
    type Io = Segments<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Segments<TcpStream>, SocketAddr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, from)) => return (Segments::new(stream, self.segment_bytes_max), from),
                Err(_) => tokio::time::sleep(ACCEPT_REST).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// The names of the simulated network. A fork of the gateway changes them for some nodes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(Arc<Mutex<BTreeSet<Host>>>);

impl Names {
    /// Leads these nodes to the second gateway, under the name of the first.
    pub(crate) fn lead(&self, nodes: impl IntoIterator<Item = Host>) {
        *self.lock() = nodes.into_iter().collect();
    }

    fn resolve(&self, asking: Host, address: &str) -> String {
        let gateway = Host::Gateway.to_string();
        match address.strip_prefix(&gateway) {
            Some(port) if port.starts_with(':') && self.lock().contains(&asking) => {
                format!("{}{port}", Host::SecondGateway)
            }
            _ => address.to_owned(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Host>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connects in the simulated network.
pub(crate) struct SimConnector {
    pub(crate) host: Host,
    pub(crate) names: Names,
    pub(crate) undecodable: Undecodable,
    pub(crate) segment_bytes_max: usize,
}

impl SimConnector {
    /// The users with undecodable requests, at the other end of a connection to this address.
    /// Only gateways send requests. Copies of another node would take garbled data for their own.
    fn undecodable_from(&self, address: &str) -> Undecodable {
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        let mut gateways = [Host::Gateway, Host::SecondGateway].into_iter();
        if gateways.any(|gateway| gateway.to_string() == host) {
            self.undecodable.clone()
        } else {
            Undecodable::default()
        }
    }
}

impl Connector for SimConnector {
    fn connect<'a>(&'a self, address: &'a str) -> Connecting<'a> {
        let address = self.names.resolve(self.host, address);
        let undecodable = self.undecodable_from(&address);
        let segment_bytes_max = self.segment_bytes_max;
        Box::pin(async move {
            let stream = Segments::new(TcpStream::connect(address).await?, segment_bytes_max);
            Ok(Box::new(Garbled::new(stream, undecodable)) as BoxStream)
        })
    }
}

/// The clock of a machine. A machine that stands still notices nothing: for its processes, time
/// leaps to the end of the standstill.
///
/// turmoil cannot stop a machine's timers. So the clock leaps when the standstill begins. Timers
/// that are due meanwhile fire early, but in the time after it, and nothing leaves the machine
/// before its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct SimClock(Arc<Mutex<Option<Duration>>>);

impl SimClock {
    /// The machine stands still until this moment of the run.
    pub(crate) fn stands_still_until(&self, end: Duration) {
        let mut leap = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *leap = (*leap).max(Some(end));
    }
}

impl MachineClock for SimClock {
    fn now(&self) -> Instant {
        let leap = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ahead = leap.zip(turmoil::sim_elapsed()).map(|(end, now)| end.saturating_sub(now));
        Instant::now() + ahead.unwrap_or_default()
    }
}

/// Randomness from a seed.
pub(crate) struct SimEntropy(Mutex<StdRng>);

impl SimEntropy {
    /// The randomness of one start of a process.
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    fn lock(&self) -> MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entropy for SimEntropy {
    fn uuid(&self) -> Uuid {
        uuid::Builder::from_random_bytes(self.lock().random()).into_uuid()
    }

    fn uuid_in_order(&self) -> Uuid {
        let elapsed = turmoil::sim_elapsed().unwrap_or_default();
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        uuid::Builder::from_unix_timestamp_millis(millis, &self.lock().random()).into_uuid()
    }

    fn fraction(&self) -> f64 {
        self.lock().random()
    }
}

/// Stops blocking calls while their machine stands still, or its disk does not answer.
#[derive(Debug, Clone)]
pub(crate) struct Stall(watch::Sender<BTreeSet<Blocking>>);

impl Stall {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::default())
    }

    /// Sets the kinds of calls that do not return.
    pub(crate) fn set(&self, stalled: BTreeSet<Blocking>) {
        self.0.send_replace(stalled);
    }

    async fn over(&self, kind: Blocking) {
        // This cannot fail, because the sender is alive here.
        let _ = self.0.subscribe().wait_for(|stalled| !stalled.contains(&kind)).await;
    }
}

/// How long blocking calls take, by their kind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latencies {
    pub(crate) write: Span,
    pub(crate) sync: Span,
    pub(crate) read: Span,
    pub(crate) save: Span,
}

impl Latencies {
    fn of(&self, kind: Blocking) -> Span {
        match kind {
            Blocking::Write => self.write,
            Blocking::Sync => self.sync,
            Blocking::Read => self.read,
            Blocking::Save => self.save,
            Blocking::Files => Span::nothing(),
        }
    }
}

/// Runs blocking calls inline, after the time that real calls would take.
pub(crate) struct SimThreads {
    latencies: Latencies,
    random: Mutex<StdRng>,
    stall: Stall,
    /// The calls to the disk of a node; none for a gateway.
    calls: Option<DiskCalls>,
}

impl SimThreads {
    pub(crate) fn new(
        latencies: Latencies,
        seed: u64,
        stall: Stall,
        calls: Option<DiskCalls>,
    ) -> Self {
        Self { latencies, random: Mutex::new(StdRng::seed_from_u64(seed)), stall, calls }
    }
}

impl Threads for SimThreads {
    fn spawn_loop(&self, _name: &str, work: OwnedFuture<()>) -> io::Result<()> {
        tokio::spawn(work);
        Ok(())
    }

    fn block(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()> {
        self.blocking(kind, work)
    }

    fn blocking(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()> {
        let random = &mut *self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let latency = self.latencies.of(kind).draw(random);
        // A read sees the storage at some moment in between, so writes may follow that moment. A
        // write is found by a later process from such a moment on.
        let before = match kind {
            Blocking::Read | Blocking::Write => latency.mul_f64(random.random()),
            Blocking::Sync | Blocking::Save | Blocking::Files => latency,
        };
        let stall = self.stall.clone();
        let calls = self.calls.clone();
        let begun = calls.as_ref().and_then(|calls| calls.begin(kind));
        Box::pin(async move {
            sleep(before).await;
            stall.over(kind).await;
            if let Some((calls, begun)) = calls.zip(begun) {
                calls.takes_effect(begun);
            }
            work();
            if before < latency {
                sleep(latency.saturating_sub(before)).await;
                stall.over(kind).await;
            }
        })
    }
}
