//! The address at which other nodes shall dial a node.

use std::net::Ipv4Addr;

use tokio::process::Command;

use super::{SOON, Workplace};
use crate::harness::cluster::Cluster;
use crate::harness::process::Process;

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_listen_on_every_address_announce_the_one_on_the_way_to_the_gateway() {
    for listen in ["0.0.0.0:0", "[::]:0"] {
        let mut cluster = Cluster::new(2).with_listen_of_nodes(listen);
        cluster.start_all();
        cluster.healthy_within(SOON).await;
        for node in cluster.status().await.expect("the gateway tells").nodes {
            let address = node.address.expect("it is linked");
            let (host, port) = address.rsplit_once(':').expect("host and port");
            assert!(host.parse::<Ipv4Addr>().is_ok_and(|host| host.is_loopback()), "{address}");
            assert_ne!(port, "0", "the port that it got counts");
        }
        cluster.stop_all().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_other_nodes_cannot_dial_is_refused_and_the_flag_is_named() {
    let place = Workplace::new();
    for (address, words) in [
        ("0.0.0.0:4000", "0.0.0.0 means every address of a machine"),
        ("[::]:4000", ":: means every address of a machine"),
        ("224.0.0.1:4000", "224.0.0.1 means every address of a machine, or many machines"),
        ("db-0.example", "there is no port in it"),
        ("db-0.example:0", "\"0\" is no port"),
        ("::1:4000", "stands in brackets"),
    ] {
        let mut command = place.node();
        command.args(["--advertise", address]);
        let (status, said) = Process::spawn("db-0", command).ended().await;
        assert!(!status.success() && said.contains(words), "{said}");
        assert!(said.contains("give --advertise host:port"), "{said}");
        assert!(!place.path("data").exists(), "a directory was made for a node that cannot be");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_cannot_know_its_address_asks_for_the_flag() {
    let place = Workplace::new();
    let mut command = without_gateway(place.node());
    // A socket with an IPv4 address cannot reach an IPv6 address.
    command.args(["--gateway", "[::1]:3002", "--listen", "0.0.0.0:0"]);
    let (status, said) = Process::spawn("db-0", command).ended().await;
    assert!(!status.success() && said.contains("give --advertise"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_announces_loopback_to_a_gateway_elsewhere_is_warned() {
    let place = Workplace::new();
    let mut command = without_gateway(place.node());
    // An address for documentation (RFC 5737), without a host.
    command.args(["--gateway", "192.0.2.1:3002"]);
    let node = Process::spawn("db-0", command);
    node.says("nodes on other machines cannot reach this address").await;
    node.stop().await;
}

/// The same command without `--gateway`.
fn without_gateway(command: Command) -> Command {
    let command = command.into_std();
    let mut arguments = command.get_args().map(ToOwned::to_owned).collect::<Vec<_>>();
    let gateway = arguments.iter().position(|flag| flag == "--gateway").expect("it has one");
    arguments.drain(gateway..=gateway + 1);
    let mut without = Command::new(command.get_program());
    without.args(arguments);
    without
}
