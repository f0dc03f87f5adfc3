//! No update is acknowledged before it is durable on both nodes. A storage between the node and
//! its disk records the order of events.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use db_process::storage::memory::MemoryDisk;
use db_process::storage::{
    Batch, Change, ReadsThrough, Storage, StorageError, StorageReader, Table,
};
use protocol::view::Member;
use ring_core::placement::Ring;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::harness::cluster::node_id;
use crate::harness::in_process::{start, wait_until_ready};

const NODES: usize = 3;
const CLIENTS: u64 = 8;
const UPDATES_PER_CLIENT: u64 = 40;

/// Slow enough that an answer certainly came too early if it did not wait for the sync.
const SYNC_TAKES: Duration = Duration::from_millis(20);

/// The events, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Event {
    /// A node wrote log entries, with these bytes.
    Wrote {
        node: usize,
        entries: Vec<Bytes>,
    },
    SyncBegan {
        node: usize,
    },
    SyncReturned {
        node: usize,
    },
    /// A client received the success of its update.
    Acked {
        id: String,
        mark: String,
    },
}

type Journal = Arc<Mutex<Vec<Event>>>;

/// A storage that records its calls in the journal.
struct Watched<S> {
    inner: S,
    node: usize,
    journal: Journal,
}

impl<S: StorageReader> ReadsThrough for Watched<S> {
    fn reader(&self) -> &dyn StorageReader {
        &self.inner
    }
}

impl<S: Storage> Storage for Watched<S> {
    fn write(&self, batch: Batch) -> Result<(), StorageError> {
        let entry = |change: &Change| match change {
            Change::Put { table: Table::Log, value, .. } => Some(value.clone()),
            _ => None,
        };
        let entries = batch.changes().iter().filter_map(entry).collect();
        self.inner.write(batch)?;
        lock(&self.journal).push(Event::Wrote { node: self.node, entries });
        Ok(())
    }

    fn name_format(&self) -> Result<(), StorageError> {
        self.inner.name_format()
    }

    #[allow(clippy::disallowed_methods, reason = "runs on a thread for blocking calls")]
    fn sync(&self) -> Result<(), StorageError> {
        lock(&self.journal).push(Event::SyncBegan { node: self.node });
        std::thread::sleep(SYNC_TAKES);
        self.inner.sync()?;
        lock(&self.journal).push(Event::SyncReturned { node: self.node });
        Ok(())
    }
}

fn lock(journal: &Journal) -> MutexGuard<'_, Vec<Event>> {
    journal.lock().expect("nobody panics with the journal")
}

#[tokio::test(flavor = "multi_thread")]
async fn no_update_is_acked_before_its_sync_has_returned_on_both_nodes() {
    let journal = Journal::default();
    let shutdown = CancellationToken::new();
    let directory = tempfile::tempdir().unwrap();
    let ring = Ring::new((0..NODES).map(node_id).collect()).unwrap();
    let watched = |node| {
        let (inner, journal) = (MemoryDisk::new().open(), Arc::clone(&journal));
        Arc::new(Watched { inner, node, journal }) as Arc<dyn Storage>
    };
    let (url, mut running) = start(&ring, directory.path(), watched, &shutdown).await;
    wait_until_ready(&url).await;

    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        clients.spawn(update(client, url.clone(), Arc::clone(&journal)));
    }
    clients.join_all().await;
    shutdown.cancel();
    while running.join_next().await.is_some() {}

    let journal = lock(&journal).clone();
    let acked = journal.iter().enumerate().filter_map(|(at, event)| match event {
        Event::Acked { id, mark } => Some((at, id, mark)),
        _ => None,
    });
    let mut checked = 0;
    for (at, id, mark) in acked {
        let partition = ring.partition_of(&id.parse().unwrap());
        for member in [Member::Home, Member::Next] {
            let node = ring.holder(partition, member).index();
            assert!(
                durable_before(&journal[..at], node, mark),
                "{mark} of {id} was acked, and not durable on db-{node}"
            );
        }
        checked += 1;
    }
    assert_eq!(checked, CLIENTS * UPDATES_PER_CLIENT);
}

/// Whether the node wrote the entry with this mark, then began a sync, and the sync returned.
/// Only one sync runs at a time.
fn durable_before(journal: &[Event], node: usize, mark: &str) -> bool {
    let holds = |entry: &Bytes| entry.windows(mark.len()).any(|bytes| bytes == mark.as_bytes());
    let wrote = |event: &Event| matches!(event, Event::Wrote { node: by, entries } if *by == node && entries.iter().any(holds));
    let Some(written) = journal.iter().position(wrote) else { return false };
    let rest = &journal[written..];
    let Some(began) = rest.iter().position(|event| *event == Event::SyncBegan { node }) else {
        return false;
    };
    rest[began..].contains(&Event::SyncReturned { node })
}

/// Creates and changes users. Each update has a unique name, to be found again in the log.
async fn update(client: u64, url: String, journal: Journal) {
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    for number in 0..UPDATES_PER_CLIENT {
        let id = format!("user-{client}-{}", number / 2);
        let mark = format!("mark-{client}-{number}-end");
        let request = if number % 2 == 0 {
            let body = json!({ "id": id, "name": mark, "email": "a@b.c", "group": 1 });
            http.post(format!("{url}/api/user/")).json(&body)
        } else {
            http.put(format!("{url}/api/user/")).json(&json!({ "id": id, "name": mark }))
        };
        let response = request.send().await.expect("the gateway answers");
        assert!(response.status().is_success(), "{response:?}");
        lock(&journal).push(Event::Acked { id, mark });
    }
}
