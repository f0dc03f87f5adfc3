//! A home copy, and what next says to it.

use protocol::id::{Epoch, PartitionId, Position, RequestId, Seq};
use protocol::message::{Action, CallId, FromNext, Operation, Request, ToNext, ToNode, Update};
use protocol::user::User;
use protocol::view::{Member, View};
use ring::link::LinkId;
use ring::node::{Node, NodeEffect, NodeEvent};
use ring::store::{Mark, Mutation};

use crate::support::{
    BOOT, both, from_gateway, handle, home_only, incarnation, node, user_of, view,
};

const NEXT: LinkId = LinkId(3);

/// Node db-1 under the view *both* of epoch 1, with an open session with next, which holds nothing.
fn linked_to_next() -> Node {
    let mut node = node(view(1, 1, both(1)), view(0, 1, both(0)));
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    says(&mut node, FromNext::Greeting { view: None, position: Position::ZERO });
    node
}

fn says(node: &mut Node, message: FromNext) -> Vec<NodeEffect> {
    handle(node, NodeEvent::NextSays { link: NEXT, message })
}

fn update(node: &mut Node, counter: u64, action: Action) -> Vec<NodeEffect> {
    let request = RequestId { boot: BOOT, counter };
    let update = Update { request, unsettled_from: 1, action };
    let request = Request {
        call: CallId(counter),
        partition: PartitionId(1),
        member: Member::Home,
        epoch: Epoch(1),
        operation: Operation::Update(update),
    };
    handle(node, from_gateway(ToNode::Request(request)))
}

/// Two updates, durable at home and sent to next.
fn two_entries(node: &mut Node) {
    let json =
        format!(r#"{{"id":"{}","name":"Ada","email":"ada@example.org","group":1}}"#, user_of(1));
    let user = User::from_json(json.as_bytes()).expect("a user");
    let mut effects = update(node, 1, Action::Create(user));
    effects.extend(update(node, 2, Action::Delete { id: user_of(1), if_match: None }));
    sync(node, &effects);
}

fn sync(node: &mut Node, effects: &[NodeEffect]) -> Vec<NodeEffect> {
    let marks = effects.iter().filter_map(|effect| match effect {
        NodeEffect::Write { mark, .. } => Some(*mark),
        _ => None,
    });
    let mark = marks.max().unwrap_or(Mark(0));
    handle(node, NodeEvent::Synced { mark })
}

fn drops_next(effects: &[NodeEffect]) -> bool {
    effects.iter().any(|effect| matches!(effect, NodeEffect::Drop { link, .. } if *link == NEXT))
}

#[test]
fn what_next_has_acknowledged_after_fencing_is_trimmed_and_not_sent_again() {
    let mut node = linked_to_next();
    two_entries(&mut node);
    let newer = view(1, 2, both(1));
    let fenced = says(&mut node, FromNext::Fenced { view: newer });
    let acked = says(&mut node, FromNext::Durable { seq: Seq(2) });
    let trimmed = acked.iter().any(|effect| {
        matches!(
            effect,
            NodeEffect::Write { mutation: Mutation::TrimLog { below: Seq(2), .. }, .. }
        )
    });
    assert!(trimmed, "{acked:?}");
    let effects = sync(&mut node, &fenced);
    assert_eq!(node.home().and_then(|home| home.view().copied()), Some(newer));
    let sent = effects.iter().filter(|effect| {
        matches!(effect, NodeEffect::ToNext { message: ToNext::Append { entries, .. }, .. } if !entries.is_empty())
    });
    assert_eq!(sent.count(), 0, "{effects:?}");
}

#[test]
fn a_next_that_lost_what_is_trimmed_is_dropped_and_home_lives() {
    let mut node = linked_to_next();
    two_entries(&mut node);
    says(&mut node, FromNext::Durable { seq: Seq(2) });
    handle(&mut node, NodeEvent::NextLost { link: NEXT });
    handle(&mut node, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(9) });
    let effects = says(&mut node, FromNext::Greeting { view: None, position: Position::ZERO });
    assert!(drops_next(&effects), "{effects:?}");
}

#[test]
fn a_view_of_another_partition_is_not_taken_from_next() {
    let of_another = view(2, 7, home_only(2));
    let greeting = |view: Option<View>| FromNext::Greeting { view, position: Position::ZERO };
    let mut ungreeted = node(view(1, 1, both(1)), view(0, 1, both(0)));
    handle(&mut ungreeted, NodeEvent::NextLinked { link: NEXT, incarnation: incarnation(2) });
    let mut greeted = linked_to_next();
    for effects in [
        says(&mut ungreeted, greeting(Some(of_another))),
        says(&mut greeted, FromNext::Fenced { view: of_another }),
    ] {
        assert!(drops_next(&effects), "{effects:?}");
        let stores = effects.iter().any(|effect| matches!(effect, NodeEffect::Write { .. }));
        assert!(!stores, "{effects:?}");
    }
}
