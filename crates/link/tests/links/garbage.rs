//! Random bytes, in place of a websocket and inside of one: the link closes, and nothing
//! panics.

use link::Settings;
use proptest::collection::vec;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::support::{FakeServer, LinkServer, Message, hello};

/// Random bytes. Some begin like an unmasked websocket frame of a text or of binary data.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let frame = (prop_oneof![Just(0x81u8), Just(0x82), any::<u8>()], vec(any::<u8>(), 0..100))
        .prop_map(|(kind, payload)| {
            let mut bytes = vec![kind, payload.len() as u8];
            bytes.extend(payload);
            bytes
        });
    vec(prop_oneof![frame, vec(any::<u8>(), 0..100)], 1..5).prop_map(|parts| parts.concat())
}

/// Runs in paused time, so that a wait for a deadline takes no time.
fn run(test: impl Future<Output = ()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(test);
}

proptest! {
    #[test]
    fn no_bytes_of_a_server_make_its_client_panic(bytes in bytes()) {
        run(async {
            let (mut server, client) = FakeServer::with_link(&Settings::default()).await;
            server.raw_bytes(&bytes).await;
            // Closes when a ping is overdue, at the latest. The recorder asserts that it closes
            // once.
            client.arrivals.rest().await;
        });
    }

    #[test]
    fn no_bytes_in_the_place_of_a_handshake_make_a_client_panic(bytes in bytes(), http: bool) {
        run(async {
            let (near, mut far) = duplex(64 << 10);
            tokio::spawn(async move {
                let mut request = [0; 1 << 10];
                let _ = far.read(&mut request).await;
                if http {
                    let _ = far.write_all(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n").await;
                }
                let _ = far.write_all(&bytes).await;
            });
            let result = link::connect::<_, Message, Message>(near, &hello("right"), &Settings::default()).await;
            result.expect_err("no handshake");
        });
    }

    #[test]
    fn no_bytes_of_a_client_make_its_server_panic(bytes in bytes()) {
        run(async {
            let world = LinkServer::new();
            let (mut peer, server) = world.raw_link().await;
            peer.raw_bytes(&bytes).await;
            server.arrivals.rest().await;
            let (mut client, mut server) = world.link().await;
            super::support::assert_alive(&mut client, &mut server).await;
        });
    }
}
