//! The data sent to the other copy after a salvage.

use super::*;

/// Next greets with its position.
fn greets(node: &mut Node, shelf: &mut Shelf, session: u64, seq: u64) -> Vec<NodeEffect> {
    let linked = NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) };
    play(node, shelf, linked);
    play(node, shelf, greets_with(session, position(2, seq)))
}

fn begins_with_a_snapshot(effects: &[NodeEffect]) -> bool {
    matches!(sent(effects).first(), Some(Data::Install { .. }))
}

#[test]
fn the_other_copy_gets_a_snapshot_of_what_was_salvaged_though_its_log_fits() {
    let mut shelf = Shelf::of_two_users().with_rotten(user_of(1));
    let mut node = started(found(|_| {}));
    let asked = greets(&mut node, &mut shelf, 1, 5);
    assert_eq!(asks(&asked), [incarnation(2)], "it may come level by itself before that");
    let effects = play(&mut node, &mut shelf, tells(accepting(9)));
    assert!(begins_with_a_snapshot(&effects), "{effects:?}");
    assert_eq!(asks(&effects), []);
    let effects = greets(&mut node, &mut shelf, 2, 5);
    assert!(begins_with_a_snapshot(&effects), "{effects:?}");
}

#[test]
fn a_joiner_gets_a_snapshot_until_the_other_copy_was_restored() {
    let mut shelf = Shelf::of_two_users();
    let started = |shelf: &mut Shelf| {
        let mut node = started(found(|home| {
            home.view = Some(accepting(9));
            home.damage = None;
            let salvage = ended_salvage(9, &[]);
            home.salvage = Some(SalvageRow { salvage, snapshot_to: Some(Seq(5)) });
        }));
        play(&mut node, shelf, NodeEvent::Tick);
        node
    };
    let mut node = started(&mut shelf);
    let effects = greets(&mut node, &mut shelf, 1, 5);
    assert!(begins_with_a_snapshot(&effects), "{effects:?}");
    let mut node = started(&mut shelf);
    play(&mut node, &mut shelf, tells(View { in_sync: both(1), epoch: Epoch(10), ..accepting(9) }));
    play(&mut node, &mut shelf, tells(View { epoch: Epoch(11), ..accepting(9) }));
    let effects = greets(&mut node, &mut shelf, 1, 5);
    assert!(!begins_with_a_snapshot(&effects), "{effects:?}");
    assert_eq!(asks(&effects), [incarnation(2)]);
}
