//! A joiner's reports about a snapshot, and their time.

use protocol::entry::Entry;
use protocol::id::Seq;
use protocol::message::{AppliedRow, Condition, Cursor, Data, Holds, RecordRow, Rows};
use protocol::view::Member;
use ring_core::node::{Node, NodeEffect, NodeEvent};
use ring_core::store::Mutation;

use crate::damage::{conditions, greetings};
use crate::home::sync;
use crate::node::{data, drops_home, entry, hello_of_home, position};
use crate::support::{HOME, both, handle, home_only, node, user_of, view};

/// Node db-1 with its next copy out of sync, after it received a complete snapshot of an empty
/// copy. Returns also the node's unsynced writes.
fn with_a_snapshot() -> (Node, Vec<NodeEffect>) {
    let alone = view(0, 3, home_only(0));
    let mut node = node(view(1, 3, both(1)), alone);
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    let applied =
        Data::Chunk { rows: Rows::Applied(Vec::new()), then: Some(Cursor::Records(None)) };
    for part in [Data::Install { base: None }, applied] {
        let written = handle(&mut node, data(alone, part));
        sync(&mut node, &written);
    }
    let records = Data::Chunk { rows: Rows::Records(Vec::new()), then: None };
    let written = handle(&mut node, data(alone, records));
    (node, written)
}

/// The effects of node db-1 on a new link to home.
fn greets_again(node: &mut Node) -> Vec<NodeEffect> {
    handle(node, NodeEvent::NeighbourLost { from: Member::Home, link: HOME });
    handle(node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() })
}

/// The rows of applied ids describe an entry that may be later than the first one of the
/// snapshot.
#[test]
fn a_joiner_keeps_no_row_for_a_request_that_its_log_tells_of() {
    let alone = view(0, 3, home_only(0));
    let mut node = node(view(1, 3, both(1)), alone);
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    let entries = [6, 7].map(|seq| entry(position(3, seq)));
    let row = |seq| {
        let Entry { request, position, .. } = entry(position(3, seq));
        AppliedRow { request, seq: position.seq, answer: entry(position).answer() }
    };
    let rows = Rows::Applied([5, 6, 7].map(row).to_vec());
    let then = Some(Cursor::Records(None));
    let (base, previous) = (entry(position(3, 5)), position(3, 5));
    let mut effects = handle(&mut node, data(alone, Data::Install { base: Some(base) }));
    let append = Data::Append { previous, entries: entries.to_vec() };
    effects.extend(handle(&mut node, data(alone, append)));
    effects.extend(handle(&mut node, data(alone, Data::Chunk { rows, then })));
    let records = Data::Chunk { rows: Rows::Records(Vec::new()), then: None };
    effects.extend(handle(&mut node, data(alone, records)));
    let (mut kept, mut trimmed) = (Vec::new(), Vec::new());
    effects.extend(sync(&mut node, &effects.clone()));
    for effect in effects {
        match effect {
            NodeEffect::Write {
                mutation: Mutation::Chunk { rows: Rows::Applied(rows), .. },
                ..
            } => kept.extend(rows),
            NodeEffect::Write { mutation: Mutation::TrimLog { below, .. }, .. } => {
                trimmed.push(below);
            }
            _ => {}
        }
    }
    assert_eq!(kept, [row(5)]);
    assert_eq!(trimmed, [Seq(6)], "the log tells of the others");
}

#[test]
fn a_joiner_says_that_it_is_whole_once_that_is_durable() {
    let (mut node, written) = with_a_snapshot();
    assert_eq!(greetings(&greets_again(&mut node)), [], "neither a part of it nor all");
    let synced = sync(&mut node, &written);
    assert!(matches!(greetings(&synced)[..], [Holds::Whole(_)]), "{synced:?}");
    assert_eq!(conditions(&synced), [Condition::Whole]);
}

/// Otherwise the source would assume a snapshot taken before the first entry.
#[test]
fn a_joiner_speaks_of_a_snapshot_once_the_first_entry_of_that_is_durable() {
    let alone = view(0, 3, home_only(0));
    let mut node = node(view(1, 3, both(1)), alone);
    handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
    let base = Some(entry(position(3, 5)));
    let written = handle(&mut node, data(alone, Data::Install { base }));
    assert_eq!(greetings(&greets_again(&mut node)), [], "what was there is dropped");
    let synced = sync(&mut node, &written);
    assert_eq!(greetings(&synced), [Holds::Part(position(3, 5), Cursor::START)]);
}

#[test]
fn a_snapshot_of_a_view_that_is_yet_to_come_drops_the_link() {
    let alone = view(0, 3, home_only(0));
    for (epoch, is_dropped) in [(3, false), (4, true)] {
        let mut node = node(view(1, 3, both(1)), alone);
        handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
        let base = Some(entry(position(epoch, 7)));
        let effects = handle(&mut node, data(alone, Data::Install { base }));
        assert_eq!(drops_home(&effects), is_dropped, "{effects:?}");
    }
}

#[test]
fn a_row_of_a_view_that_is_yet_to_come_drops_the_link() {
    let alone = view(0, 3, home_only(0));
    for (epoch, is_dropped) in [(3, false), (4, true)] {
        let mut node = node(view(1, 3, both(1)), alone);
        handle(&mut node, NodeEvent::HomeLinked { link: HOME, hello: hello_of_home() });
        let applied =
            Data::Chunk { rows: Rows::Applied(Vec::new()), then: Some(Cursor::Records(None)) };
        for part in [Data::Install { base: None }, applied] {
            handle(&mut node, data(alone, part));
        }
        let record = br#"{"id":"ada"}"#.to_vec().into();
        let row = RecordRow { id: user_of(0), position: position(epoch, 7), record };
        let chunk = Data::Chunk { rows: Rows::Records(vec![row]), then: None };
        let effects = handle(&mut node, data(alone, chunk));
        assert_eq!(drops_home(&effects), is_dropped, "{effects:?}");
    }
}
