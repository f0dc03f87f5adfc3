//! Links over real sockets, real time and real threads.

use std::time::Duration;

use link::{CloseReason, ConnectError, Settings};
use port::{Port, TcpConnector};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::order::assert_order_both_ways;
use super::support::{self, End, Message, RawPeer, TestAcceptor, hello, open, patient};

async fn serve(settings: &Settings) -> (String, TestAcceptor) {
    let tcp = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = tcp.local_addr().expect("an address").to_string();
    let acceptor = TestAcceptor::default();
    let listener = link::listener(port::nodelay(tcp), settings);
    support::serve(listener, acceptor.clone(), settings, Port::default());
    (address, acceptor)
}

async fn link(address: &str, acceptor: &TestAcceptor, settings: &Settings) -> (End, End) {
    let opening =
        link::dial(&TcpConnector, address, &hello("right"), settings).await.expect("let in");
    (open(opening), acceptor.next_link().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_of_many_senders_keep_their_order_over_tcp() {
    let settings = patient();
    let (address, acceptor) = serve(&settings).await;
    let (mut client, mut server) = link(&address, &acceptor, &settings).await;
    assert_order_both_ways(&mut client, &mut server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn close_flushes_over_tcp_from_either_end() {
    let settings = patient();
    let (address, acceptor) = serve(&settings).await;
    for closer in 0..10 {
        let (client, server) = link(&address, &acceptor, &settings).await;
        let (closing, other) = if closer % 2 == 0 { (client, server) } else { (server, client) };
        for number in 0..12 {
            closing.sender.send(&Message::bulk(number)).expect("room");
        }
        // Messages that arrive during the close must not make the operating system discard
        // written data.
        for number in 0..12 {
            other.sender.send(&Message::bulk(number)).expect("room");
        }
        closing.sender.close("enough");
        let ((_, reason), (messages, others_reason)) =
            tokio::join!(closing.arrivals.rest(), other.arrivals.rest());
        assert_eq!(messages.len(), 12);
        assert_eq!(
            (reason, others_reason),
            (CloseReason::Local("enough".to_owned()), CloseReason::Peer)
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refusal_arrives_over_tcp() {
    let settings = patient();
    let (address, _acceptor) = serve(&settings).await;
    for _ in 0..20 {
        let error =
            link::dial::<Message, Message>(&TcpConnector, &address, &hello("wrong"), &settings)
                .await
                .expect_err("refused");
        assert!(matches!(error, ConnectError::Refused(_)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dead_peer_is_noticed_over_tcp() {
    let settings = Settings::default();
    let (address, acceptor) = serve(&settings).await;
    let stream = tokio::net::TcpStream::connect(&address).await.expect("connected");
    let mut peer = RawPeer::over(stream).await;
    peer.authenticate("link").await;
    let server = acceptor.next_link().await;
    let start = Instant::now();
    assert!(matches!(server.arrivals.closed().await, CloseReason::Lost(_)));
    let slack = Duration::from_secs(2);
    assert!(start.elapsed() <= settings.detection() + slack, "{:?}", start.elapsed());
}
