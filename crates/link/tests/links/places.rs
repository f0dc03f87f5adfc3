//! The places of links at their port, and the port's count of their ends.

use std::time::Duration;

use link::Settings;
use port::{Cut, Port, PortLimits};
use tokio::time::sleep;

use super::support::{self, Message, hello};

#[tokio::test(start_paused = true)]
async fn who_is_let_in_takes_no_place_from_who_is_not() {
    let limits = PortLimits { connections_max: 1, ..PortLimits::default() };
    let port = Port { limits, ..Port::default() };
    let world = support::LinkServer::on(port.clone(), Settings::default(), 64 << 10);
    let _first = world.link().await;
    let (second, _) = world.link().await;
    assert_eq!(port.connections.open(), 0);
    let _unknown = world.network.dial();
    sleep(Duration::from_millis(1)).await;
    assert_eq!(port.connections.open(), 1);
    let stream = world.network.dial();
    let third =
        link::connect::<_, Message, Message>(stream, &hello("right"), &world.settings).await;
    third.expect_err("no place is left");
    drop(second);
    sleep(world.settings.connect_deadline).await;
    assert_eq!((port.connections.open(), port.connections.refused()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn why_a_peer_of_a_link_was_cut_off_is_counted() {
    let port = Port::default();
    let world = support::LinkServer::on(port.clone(), Settings::default(), 64 << 10);
    let _unknown = world.network.dial();
    // This peer is admitted, and answers no ping.
    let (_silent, _end) = world.raw_link().await;
    sleep(world.settings.connect_deadline + world.settings.detection()).await;
    let cuts = port.connections.cuts().filter(|(_, count)| *count > 0);
    assert_eq!(cuts.collect::<Vec<_>>(), [(Cut::Unknown, 1), (Cut::Silent, 1)]);
}
