//! A simulated bus. Each direction of a link is an ordered queue, and delivers only when told
//! to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::message::{CopyMessage, FromNode, ToNode};
use protocol::view::Member;
use ring_core::link::LinkId;
use ring_core::placement::Place;

use crate::schedule::WhoKnows;

/// The two machines of a link. The client is the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ends {
    /// A node and the gateway.
    Gateway { node: Place },
    /// The node of a home copy and the node of its next copy.
    Neighbours { home: Place, next: Place },
}

/// A process at one end of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The gateway.
    Gateway,
    /// A node, on its link to the gateway.
    Node(Place),
    /// A node, on a link to a neighbour with this copy.
    Neighbour { node: Place, of: Member },
}

impl Ends {
    fn client(self) -> End {
        match self {
            Self::Gateway { node } => End::Node(node),
            Self::Neighbours { home, .. } => End::Neighbour { node: home, of: Member::Next },
        }
    }

    fn server(self) -> End {
        match self {
            Self::Gateway { .. } => End::Gateway,
            Self::Neighbours { next, .. } => End::Neighbour { node: next, of: Member::Home },
        }
    }
}

impl End {
    fn is_at(self, place: Place) -> bool {
        match self {
            Self::Gateway => false,
            Self::Node(node) | Self::Neighbour { node, .. } => node == place,
        }
    }
}

/// A message of a link.
#[derive(Debug)]
pub(crate) enum Message {
    /// From a node to the gateway.
    FromNode(FromNode),
    /// From the gateway to a node.
    ToNode(Box<ToNode>),
    /// For the neighbour's copy `to`.
    ToNeighbour { to: Member, message: CopyMessage },
}

/// A direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    /// From the client to the server.
    Forth,
    /// From the server to the client.
    Back,
}

/// The messages under way in one direction of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkQueue {
    /// The link of the queue.
    pub(crate) link: LinkId,
    /// One of its two directions.
    direction: Direction,
}

/// A message at the end of its way.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The receiver.
    pub(crate) at: End,
    /// The content.
    pub(crate) message: Message,
}

/// A link, until both of its ends have closed it.
#[derive(Debug)]
struct Link {
    /// Its two machines.
    ends: Ends,
    /// The messages under way from the client.
    forth: VecDeque<Message>,
    /// The messages under way from the server.
    back: VecDeque<Message>,
    /// Whether the client regards the link as open.
    client_open: bool,
    /// Whether the server regards the link as open.
    server_open: bool,
}

/// The links and the cuts of a run.
#[derive(Debug, Default)]
pub(crate) struct Network {
    /// The links with an open end.
    links: BTreeMap<LinkId, Link>,
    /// The pairs of machines without a way to each other.
    cut: BTreeSet<Ends>,
    /// The number of the newest link.
    last_id: u64,
}

impl Network {
    pub(crate) fn open(&mut self, ends: Ends) -> LinkId {
        self.last_id += 1;
        let link = LinkId(self.last_id);
        let (forth, back) = Default::default();
        self.links.insert(link, Link { ends, forth, back, client_open: true, server_open: true });
        link
    }

    /// Whether the client of these ends may open a link: it has none, and no cut prevents it.
    pub(crate) fn may_open(&self, ends: Ends) -> bool {
        let has_one = self.links.values().any(|link| link.ends == ends && link.client_open);
        !has_one && !self.cut.contains(&ends)
    }

    pub(crate) fn cut(&mut self, ends: Ends) {
        self.cut.insert(ends);
    }

    pub(crate) fn heal_cuts(&mut self) {
        self.cut.clear();
    }

    /// One of the links, if there is any: `nth` is taken modulo their number.
    pub(crate) fn any_link(&self, nth: usize) -> Option<LinkId> {
        self.links.keys().nth(nth.checked_rem(self.links.len())?).copied()
    }

    pub(crate) fn links_between(&self, ends: Ends) -> Vec<LinkId> {
        self.links_where(|link| link.ends == ends)
    }

    pub(crate) fn links_of_node(&self, node: Place) -> Vec<LinkId> {
        self.links_where(|link| link.ends.client().is_at(node) || link.ends.server().is_at(node))
    }

    pub(crate) fn links_of_gateway(&self) -> Vec<LinkId> {
        self.links_where(|link| link.ends.server() == End::Gateway)
    }

    /// The links that only one end regards as open.
    pub(crate) fn half_open_links(&self) -> Vec<LinkId> {
        self.links_where(|link| !(link.client_open && link.server_open))
    }

    fn links_where(&self, is_meant: impl Fn(&Link) -> bool) -> Vec<LinkId> {
        let meant = self.links.iter().filter(|(_, link)| is_meant(link));
        meant.map(|(id, _)| *id).collect()
    }

    pub(crate) fn send(&mut self, link: LinkId, message: Message) {
        let Some(link) = self.links.get_mut(&link) else { return };
        match message {
            Message::FromNode(_) | Message::ToNeighbour { to: Member::Next, .. }
                if link.client_open =>
            {
                link.forth.push_back(message)
            }
            Message::ToNode(_) | Message::ToNeighbour { to: Member::Home, .. }
                if link.server_open =>
            {
                link.back.push_back(message)
            }
            _ => {}
        }
    }

    /// The queues with a message to deliver. A message to a closed end is never delivered.
    pub(crate) fn queues(&self) -> impl Iterator<Item = LinkQueue> {
        self.links.iter().flat_map(|(id, link)| {
            let queue = |direction| LinkQueue { link: *id, direction };
            let has_forth = !link.forth.is_empty() && link.server_open;
            let has_back = !link.back.is_empty() && link.client_open;
            let forth = has_forth.then_some(queue(Direction::Forth));
            let back = has_back.then_some(queue(Direction::Back));
            forth.into_iter().chain(back)
        })
    }

    /// Takes the first message of a queue.
    pub(crate) fn take(&mut self, queue: LinkQueue) -> Option<Arrival> {
        let link = self.links.get_mut(&queue.link)?;
        match queue.direction {
            Direction::Forth => {
                let message = link.forth.pop_front()?;
                Some(Arrival { at: link.ends.server(), message })
            }
            Direction::Back => {
                let message = link.back.pop_front()?;
                Some(Arrival { at: link.ends.client(), message })
            }
        }
    }

    /// Breaks a link. The messages under way are lost. Returns the ends that learn of it.
    pub(crate) fn break_link(&mut self, id: LinkId, who_knows: WhoKnows) -> Vec<End> {
        let Some(link) = self.links.get_mut(&id) else { return Vec::new() };
        link.forth.clear();
        link.back.clear();
        let knows_client = matches!(who_knows, WhoKnows::Client | WhoKnows::Both);
        let knows_server = matches!(who_knows, WhoKnows::Server | WhoKnows::Both);
        let client = knows_client && std::mem::take(&mut link.client_open);
        let server = knows_server && std::mem::take(&mut link.server_open);
        let ends = link.ends;
        self.tidy();
        let client = client.then_some(ends.client());
        client.into_iter().chain(server.then_some(ends.server())).collect()
    }

    /// Closes the end of a link at a node. The node does not learn of it.
    pub(crate) fn close_end_at(&mut self, id: LinkId, node: Place) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if link.ends.client().is_at(node) {
            link.client_open = false;
        } else {
            link.server_open = false;
        }
        self.tidy();
    }

    /// Forgets the links closed at both ends.
    fn tidy(&mut self) {
        self.links.retain(|_, link| link.client_open || link.server_open);
    }
}
