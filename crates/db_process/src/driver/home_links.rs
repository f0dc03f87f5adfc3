//! The links dialled by the node before this one.

use std::sync::Arc;

use link::{Acceptor, Admission};
use protocol::hello::{Authenticated, Hello, NodePeer};
use protocol::message::CopyMessage;
use protocol::refusal::Refusal;
use protocol::view::Member;
use ring_core::node::NodeEvent;

use super::Driver;
use super::to_driver::ToDriver;
use crate::config::Config;

/// Admits every peer with the right secret. The core checks whether it is the right node.
pub(crate) struct HomeLinks {
    config: Arc<Config>,
    driver: Arc<Driver>,
}

impl HomeLinks {
    pub(crate) fn new(config: Arc<Config>, driver: Arc<Driver>) -> Self {
        Self { config, driver }
    }
}

impl Acceptor for HomeLinks {
    type Out = CopyMessage;
    type In = CopyMessage;

    fn admit(
        &self,
        auth: &serde_json::Value,
    ) -> Result<Admission<CopyMessage, CopyMessage>, Refusal> {
        let Authenticated { role: NodePeer::Home(hello), version } =
            Hello::authenticate(auth, &self.config.secret)?;
        let driver = Arc::clone(&self.driver);
        Ok(Admission::link(hello.node.to_string(), version, move |sender| {
            let link = driver.home_linked(sender, hello);
            ToDriver {
                driver,
                link,
                says: |link, message| NodeEvent::NeighbourSays {
                    from: Member::Home,
                    link,
                    message,
                },
                undecodable: |link| NodeEvent::NeighbourUndecodable { from: Member::Home, link },
                lost: |link| NodeEvent::NeighbourLost { from: Member::Home, link },
                when_closed: None,
            }
        }))
    }
}
