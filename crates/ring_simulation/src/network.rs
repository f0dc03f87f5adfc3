//! A made-up bus: ordered queues, one for each direction of a link, that deliver when they are told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use protocol::message::{CopyMessage, FromNode, ToNode};
use protocol::view::Member;
use ring_core::link::LinkId;

/// The two hosts of a link; the client first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Ends {
    /// A node and the gateway.
    Gateway { node: usize },
    /// A home's node and its next's node.
    Neighbours { home: usize },
}

#[derive(Debug)]
pub(crate) enum Message {
    FromNode(FromNode),
    ToNode(Box<ToNode>),
    /// For the copy that this neighbour holds.
    ToNeighbour {
        to: Member,
        message: CopyMessage,
    },
}

#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) ends: Ends,
    /// Messages of the client and of the server, under way.
    pub(crate) forth: VecDeque<Message>,
    pub(crate) back: VecDeque<Message>,
    /// Whether each end still believes in it.
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

    /// The link that the client of these ends believes in.
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

    /// Forgets links in which nobody believes any more.
    pub(crate) fn tidy(&mut self) {
        self.links.retain(|_, link| link.client_open || link.server_open);
    }
}
