//! Race: connects to a host with several addresses, in the spirit of *Happy Eyeballs* (RFC 8305).
//!
//! ```text
//!  address 1 ──dial────────────────────────────────────────► (drops packets)
//!  address 2        ──dial───► failed
//!  address 3                   ──dial────► connected: it wins, the others are dropped
//!            │stagger│        at once
//! ```
//!
//! The two address families alternate, so that a broken family costs one stagger.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::sleep;

/// How long an attempt has before the next address is dialled too (RFC 8305, section 8).
const STAGGER: Duration = Duration::from_millis(250);

/// When the last address is dialled at the latest: half of the default connect deadline.
const LAST_DIALLED_AFTER: Duration = Duration::from_secs(1);

/// Dials the addresses in turn until one connects. It has no deadline of its own.
///
/// # Errors
///
/// The error of the address that failed last, if all fail; `NotFound` if there is none.
pub(super) async fn race<S, D>(
    addresses: impl IntoIterator<Item = SocketAddr>,
    dial: impl Fn(SocketAddr) -> D,
) -> io::Result<S>
where
    D: Future<Output = io::Result<S>>,
{
    let addresses = alternating(addresses);
    let count = u32::try_from(addresses.len().max(1)).unwrap_or(u32::MAX);
    let stagger = STAGGER.min(LAST_DIALLED_AFTER.checked_div(count).unwrap_or(STAGGER));
    let mut left = addresses.into_iter();
    let mut dials = FuturesUnordered::new();
    let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        if let Some(address) = left.next() {
            dials.push(dial(address));
        } else if dials.is_empty() {
            return Err(failed);
        }
        tokio::select! {
            biased;
            dialled = dials.select_next_some() => match dialled {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            },
            () = sleep(stagger), if left.len() > 0 => {}
        }
    }
}

/// The addresses with the two families alternating. The first address stays the first.
fn alternating(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut addresses = addresses.into_iter().peekable();
    let first_is_ipv6 = addresses.peek().is_some_and(SocketAddr::is_ipv6);
    let (mut these, mut those): (Vec<_>, Vec<_>) =
        addresses.partition(|address| address.is_ipv6() == first_is_ipv6);
    these.reverse();
    those.reverse();
    let mut ordered = Vec::new();
    while let Some(address) = these.pop() {
        ordered.push(address);
        ordered.extend(those.pop());
    }
    those.reverse();
    ordered.extend(those);
    ordered
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use tokio::time::Instant;

    use super::*;

    /// The fate of an address, and its time in milliseconds.
    #[derive(Clone, Copy)]
    enum Fate {
        Connects(u64),
        Refuses(u64),
        Drops,
    }
    use Fate::{Connects, Drops, Refuses};

    /// Races addresses: the winner, the milliseconds until then, and the moment of each dial.
    async fn raced(fates: &[Fate]) -> (io::Result<usize>, u128, Vec<u128>) {
        let start = Instant::now();
        let dialled = RefCell::new(Vec::new());
        let address =
            |index: usize| SocketAddr::from(([127, 0, 0, 1], u16::try_from(index).unwrap()));
        let winner = race((0..fates.len()).map(address), |address| {
            dialled.borrow_mut().push(start.elapsed().as_millis());
            let index = usize::from(address.port());
            let fate = fates[index];
            async move {
                match fate {
                    Connects(after) => sleep(Duration::from_millis(after)).await,
                    Refuses(after) => {
                        sleep(Duration::from_millis(after)).await;
                        return Err(io::Error::other(index.to_string()));
                    }
                    Drops => std::future::pending().await,
                }
                Ok(index)
            }
        })
        .await;
        (winner, start.elapsed().as_millis(), dialled.into_inner())
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_drops_packets_costs_a_quarter_of_a_second() {
        let (winner, after, dialled) = raced(&[Drops, Connects(10)]).await;
        assert_eq!((winner.unwrap(), after, dialled), (1, 260, vec![0, 250]));
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_refuses_costs_no_time() {
        let (winner, after, dialled) = raced(&[Refuses(5), Refuses(5), Connects(5)]).await;
        assert_eq!((winner.unwrap(), after, dialled), (2, 15, vec![0, 5, 10]));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_connect_wins_even_if_it_was_dialled_before_another() {
        let (winner, after, _) = raced(&[Connects(300), Connects(100)]).await;
        assert_eq!((winner.unwrap(), after), (0, 300));
        let (winner, _, dialled) = raced(&[Connects(10), Connects(0)]).await;
        assert_eq!((winner.unwrap(), dialled), (0, vec![0]));
    }

    #[tokio::test(start_paused = true)]
    async fn of_many_addresses_the_last_is_dialled_within_a_second() {
        let mut fates = vec![Drops; 19];
        fates.push(Connects(0));
        let (winner, after, _) = raced(&fates).await;
        assert_eq!(winner.unwrap(), 19);
        assert!(after <= 1_000, "{after} ms");
    }

    #[tokio::test(start_paused = true)]
    async fn where_all_fail_the_last_error_is_told() {
        let (winner, after, _) = raced(&[Refuses(700), Refuses(1)]).await;
        assert_eq!((winner.unwrap_err().to_string(), after), ("0".to_owned(), 700));
        let (winner, ..) = raced(&[]).await;
        assert_eq!(winner.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn the_two_families_take_turns() {
        let addresses = ["[::1]:1", "[::1]:2", "[::1]:3", "1.1.1.1:4", "1.1.1.1:5"]
            .map(|text| text.parse().unwrap());
        let ports =
            |addresses: Vec<SocketAddr>| addresses.iter().map(SocketAddr::port).collect::<Vec<_>>();
        assert_eq!(ports(alternating(addresses)), [1, 4, 2, 5, 3]);
        let mut backwards = addresses;
        backwards.reverse();
        assert_eq!(ports(alternating(backwards)), [5, 3, 4, 2, 1]);
    }
}
