//! A simulated bus. Each direction of a link is an ordered queue, and delivers only when told
//! to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::message::{CopyMessage, FromNode, ToNode};
use protocol::view::Member;
use ring_core::link::LinkId;

/// The two hosts of a link. The client is the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ends {
    /// A node and the gateway.
    Gateway { node: usize },
    /// The node of a home copy and the node of its next copy.
    Neighbours { home: usize },
}

#[derive(Debug)]
pub(crate) enum Message {
    FromNode(FromNode),
    ToNode(Box<ToNode>),
    /// For the neighbour's copy `to`.
    ToNeighbour {
        to: Member,
        message: CopyMessage,
    },
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) ends: Ends,
    /// Messages under way: `forth` has the client's, `back` the server's.
    pub(crate) forth: VecDeque<Message>,
    pub(crate) back: VecDeque<Message>,
    /// Whether each end regards the link as open.
    pub(crate) client_open: bool,
    pub(crate) server_open: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Network {
    pub(crate) links: BTreeMap<LinkId, Link>,
    pub(crate) cut: BTreeSet<Ends>,
    next_id: u64,
}

impl Network {
    pub(crate) fn open(&mut self, ends: Ends) -> LinkId {
        self.next_id += 1;
        let link = LinkId(self.next_id);
        let (forth, back) = Default::default();
        self.links.insert(link, Link { ends, forth, back, client_open: true, server_open: true });
        link
    }

    /// The link open at the client of these ends.
    pub(crate) fn of_client(&self, ends: Ends) -> Option<LinkId> {
        let open = |link: &&LinkId| {
            self.links.get(link).is_some_and(|link| link.ends == ends && link.client_open)
        };
        self.links.keys().find(open).copied()
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

    /// Forgets the links closed at both ends.
    pub(crate) fn tidy(&mut self) {
        self.links.retain(|_, link| link.client_open || link.server_open);
    }
}
