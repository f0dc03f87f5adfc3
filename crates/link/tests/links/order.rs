//! Order and batches.

use std::collections::BTreeMap;

use super::support::{Arrivals, End, LinkServer, Message};

const SENDERS: u32 = 8;
const MESSAGES_EACH: u32 = 12_500;

/// Sends 100,000 messages from many tasks.
fn send_from_many(end: &End) {
    for sender in 0..SENDERS {
        let link = end.sender.clone();
        tokio::spawn(async move {
            for number in 0..MESSAGES_EACH {
                link.send(&Message::new(sender, number)).expect("open");
                if number % 100 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        });
    }
}

/// Asserts that each sender's messages arrive in the order of sending, and none is missing.
async fn assert_all_arrive_in_order(arrivals: &mut Arrivals) {
    let mut next = BTreeMap::new();
    for _ in 0..SENDERS * MESSAGES_EACH {
        let message = arrivals.next_message().await;
        let expected = next.entry(message.sender).or_insert(0);
        assert_eq!(message.number, *expected, "of sender {}", message.sender);
        *expected += 1;
    }
}

pub(crate) async fn assert_order_both_ways(client: &mut End, server: &mut End) {
    send_from_many(client);
    send_from_many(server);
    tokio::join!(
        assert_all_arrive_in_order(&mut client.arrivals),
        assert_all_arrive_in_order(&mut server.arrivals)
    );
}

#[tokio::test(start_paused = true)]
async fn messages_of_many_senders_keep_their_order_in_both_directions() {
    let world = LinkServer::new();
    let (mut client, mut server) = world.link().await;
    assert_order_both_ways(&mut client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn many_messages_share_few_packets() {
    let world = LinkServer::new();
    let (client, server) = world.link().await;
    // A client end delivers 64 messages of a packet at a time.
    let ways =
        [(client.sender, server.arrivals, 3), (server.sender, client.arrivals, 10_000 / 64 + 3)];
    for (from, mut to, batches_max) in ways {
        for number in 0..10_000 {
            from.send(&Message::new(0, number)).expect("open");
        }
        for number in 0..10_000 {
            assert_eq!(to.next_message().await.number, number);
        }
        assert!(to.batches <= batches_max, "{} batches", to.batches);
    }
}

#[tokio::test(start_paused = true)]
async fn ends_that_both_send_more_than_every_buffer_holds_do_not_wait_for_each_other() {
    let world = LinkServer::new();
    let (mut client, mut server) = world.link().await;
    for number in 0..14 {
        client.sender.send(&Message::bulk(number)).expect("room");
        server.sender.send(&Message::bulk(number)).expect("room");
    }
    for number in 0..14 {
        assert_eq!(client.arrivals.next_message().await.number, number);
        assert_eq!(server.arrivals.next_message().await.number, number);
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_sends_while_it_opens_comes_first_and_waits_for_the_handler() {
    let world = LinkServer::new();
    let opening =
        link::connect(world.network.dial(), &super::support::hello("right"), &world.settings)
            .await
            .expect("let in");
    let server = world.acceptor.next_link().await;
    server.sender.send(&Message::new(1, 1)).expect("open");
    opening.sender().send(&Message::new(2, 2)).expect("open");
    tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    let mut client = super::support::open(opening);
    let mut server = server;
    assert_eq!(client.arrivals.next_message().await, Message::new(1, 1));
    assert_eq!(server.arrivals.next_message().await, Message::new(2, 2));
}
