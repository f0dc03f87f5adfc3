//! Clients that send many requests over one connection and read no answer.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{SOON, resident_kib};
use crate::harness::cluster::Cluster;

/// The number of clients.
const READERS: usize = 100;

/// How many bytes of requests each client tries to send. The gateway may stop reading earlier.
const REQUEST_BYTES: usize = 1 << 20;

/// The memory that the gateway may use for one client: a head being received, a head that
/// waits, a response being written, and the overhead of the allocator.
const OF_READER_KIB: u64 = 96;

/// The memory that the gateway may use for everything else.
const SLACK_KIB: u64 = 8 << 10;

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_clients_that_do_not_read_is_bounded() {
    // The write deadline is long, so that the gateway cuts off no client before the
    // measurement.
    let mut cluster = Cluster::new(2).with_gateway_flags(&["--write-deadline-ms", "60000"]);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    let fields = (0..2700).map(|number| format!(r#""unknown field {number}":1"#));
    let fields = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
    let hostile = format!(
        "POST /api/user/ HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{fields}",
        fields.len()
    );
    let of = |line: &str| format!("{line} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let requests = [
        of("HEAD /healthz"),
        of("HEAD /api/user/nobody"),
        of("GET /api/openapi.json"),
        of("GET /metrics"),
        of("GET /api/cluster"),
        of("GET /nothing"),
        hostile,
    ];
    for request in requests {
        let before = resident_kib(&cluster);
        let readers = readers(&cluster, &request);
        let after = settled_kib(&cluster).await;
        let may = READERS as u64 * OF_READER_KIB + SLACK_KIB;
        let line = request.lines().next().unwrap_or_default();
        assert!(after <= before + may, "{line}: the gateway takes {after} KiB, and took {before}");
        drop(readers);
    }
    cluster.healthy_within(SOON).await;
    assert!(cluster.all_alive());
}

/// Sends the request again and again over each connection, and reads nothing.
fn readers(cluster: &Cluster, request: &str) -> JoinSet<()> {
    let address = cluster.url();
    let address = address.strip_prefix("http://").expect("the URL of a gateway");
    let address: SocketAddr = address.parse().expect("an address");
    let requests = request.repeat(REQUEST_BYTES / request.len());
    let mut readers = JoinSet::new();
    for _ in 0..READERS {
        let requests = requests.clone();
        readers.spawn(async move {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket.set_recv_buffer_size(4 << 10).expect("it can be small");
            let mut stream = socket.connect(address).await.expect("the gateway listens");
            // The gateway stops reading once it waits for this client.
            let _ = stream.write_all(requests.as_bytes()).await;
            std::future::pending::<()>().await;
        });
    }
    readers
}

/// The resident memory of the gateway, in KiB, once it has stopped growing.
async fn settled_kib(cluster: &Cluster) -> u64 {
    let (mut most, mut same) = (0, 0);
    for _ in 0..100 {
        sleep(Duration::from_millis(100)).await;
        let resident = resident_kib(cluster);
        same = if resident > most { 0 } else { same + 1 };
        most = most.max(resident);
        if same == 10 {
            break;
        }
    }
    most
}
