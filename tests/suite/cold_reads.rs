//! Reads of a disk that does not answer. Requests for data in memory are served meanwhile, and
//! the node is not taken for dead.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use api::ClusterStatus;
use db_process::storage::memory::{MemoryDisk, MemoryStorage};
use db_process::storage::{
    AtHand, Batch, ReadsThrough, Storage, StorageError, StorageReader, Table,
};
use protocol::user::UserId;
use ring_core::placement::Ring;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::harness::cluster::node_id;
use crate::harness::in_process::{start, wait_until_ready};

/// The default limit of reads in flight at one node. The gateway of these tests allows twice as
/// many (`harness::in_process`).
const COLD: usize = 512;

/// Longer than the life of a link whose peer does not answer, and shorter than the deadline of
/// a request.
const HANGS: Duration = Duration::from_secs(3);

/// Lets the reads of disks pass while it is open.
#[derive(Default)]
struct Gate {
    is_closed: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn close(&self) {
        *self.is_closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.is_closed.lock().unwrap() = false;
        self.opened.notify_all();
    }

    /// Waits while the gate is closed.
    fn pass(&self) {
        let is_closed = self.is_closed.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.opened.wait_while(is_closed, |is_closed| *is_closed).unwrap());
    }
}

/// Opens the gate at the end, since the waiting threads would hold up a failed test.
struct OpenInTheEnd(Arc<Gate>);

impl Drop for OpenInTheEnd {
    fn drop(&mut self) {
        self.0.open();
    }
}

/// A storage with a disk that may hang. A user whose id begins with `cold` is never in memory.
struct Hanging {
    inner: MemoryStorage,
    gate: Arc<Gate>,
}

impl ReadsThrough for Hanging {
    fn reader(&self) -> &dyn StorageReader {
        &self.inner
    }

    fn before_read(&self) -> Result<(), StorageError> {
        self.gate.pass();
        Ok(())
    }

    fn seen_at_hand(&self, table: Table, key: &[u8]) -> Result<AtHand, StorageError> {
        if key.windows(4).any(|part| part == b"cold") {
            return Ok(AtHand::Unknown);
        }
        self.inner.at_hand(table, key)
    }
}

impl Storage for Hanging {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        self.inner.write(batch)
    }

    fn sync(&self) -> Result<(), StorageError> {
        self.inner.sync()
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.inner.name_format()
    }
}

/// Users of the first partition; their ids begin with this prefix.
fn users(ring: &Ring, prefix: &str, count: usize) -> Vec<String> {
    let first = ring.places().next().unwrap().partition();
    let ids = (0..).map(|number| format!("{prefix}-{number}"));
    let is_of_first = |id: &String| ring.partition_of(&id.parse::<UserId>().unwrap()) == first;
    ids.filter(is_of_first).take(count).collect()
}

struct Rest {
    http: reqwest::Client,
    url: String,
}

impl Rest {
    async fn create(&self, id: &str) {
        let body = json!({ "id": id, "name": "Ada", "email": "a@b.c", "group": 1 });
        let response = self.http.post(format!("{}/api/user/", self.url)).json(&body).send().await;
        assert_eq!(response.unwrap().status(), 201, "{id}");
    }

    async fn read(&self, id: &str) -> reqwest::StatusCode {
        self.http.get(format!("{}/api/user/{id}", self.url)).send().await.unwrap().status()
    }

    async fn change(&self, id: &str) -> reqwest::StatusCode {
        let body = json!({ "id": id, "group": 2 });
        let request = self.http.put(format!("{}/api/user/", self.url)).json(&body);
        request.send().await.unwrap().status()
    }

    async fn epochs(&self) -> Vec<String> {
        let status = self.http.get(format!("{}/api/cluster", self.url)).send().await.unwrap();
        let status: ClusterStatus = status.json().await.unwrap();
        status.partitions.iter().map(|partition| format!("{:?}", partition.view)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_that_hang_hold_up_neither_links_nor_what_is_at_hand() {
    let gate = Arc::new(Gate::default());
    let _open = OpenInTheEnd(Arc::clone(&gate));
    let shutdown = CancellationToken::new();
    let directory = tempfile::tempdir().unwrap();
    let ring = Ring::new((0..3).map(node_id).collect()).unwrap();
    let storage_of = |_| {
        Arc::new(Hanging { inner: MemoryDisk::new().open(), gate: Arc::clone(&gate) })
            as Arc<dyn Storage>
    };
    let (url, mut running) = start(&ring, directory.path(), storage_of, &shutdown).await;
    wait_until_ready(&url).await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let rest = Arc::new(Rest { http, url });
    let (cold, warm) = (users(&ring, "cold", COLD), users(&ring, "warm", 8));
    for id in cold.iter().chain(&warm) {
        rest.create(id).await;
    }
    let epochs = rest.epochs().await;

    gate.close();
    let mut reads = JoinSet::new();
    for id in cold {
        let rest = Arc::clone(&rest);
        reads.spawn(async move { (rest.read(&id).await, id) });
    }
    let until = Instant::now() + HANGS;
    let (mut served, mut changed) = (0, 0);
    while Instant::now() < until {
        for id in &warm {
            assert_eq!(rest.read(id).await, 200, "{id}");
            assert_eq!(rest.change(id).await, 200, "{id}");
            (served, changed) = (served + 1, changed + 1);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(reads.try_join_next().is_none(), "a read of a disk that hangs has an answer");
    assert!(served > 50 && changed > 50, "{served} reads, {changed} changes");
    gate.open();
    while let Some(read) = reads.join_next().await {
        let (status, id) = read.unwrap();
        assert_eq!(status, 200, "{id}");
    }
    assert_eq!(rest.epochs().await, epochs, "no link was lost, so no view has changed");

    // A node ends even if a read never returns.
    gate.close();
    let left = Arc::clone(&rest);
    let hanging = users(&ring, "cold", 1).remove(0);
    let left = tokio::spawn(async move {
        left.http.get(format!("{}/api/user/{hanging}", left.url)).send().await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    shutdown.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        while running.join_next().await.is_some() {}
    });
    ended.await.expect("all processes end");
    gate.open();
    drop(left.await);
}
