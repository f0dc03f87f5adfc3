//! The links that the node before this one dials.

use std::sync::Arc;

use link::{Acceptor, Admission};
use protocol::hello::{Hello, NodePeer};
use protocol::message::CopyMessage;
use protocol::refusal::Refusal;
use protocol::view::Member;

use super::input::{Inputs, LinkInput, ToDriver};
use crate::config::Config;

/// Lets in whoever knows the secret; whether it is the right node is for the core to say.
pub(crate) struct HomeLinks {
    config: Arc<Config>,
    inputs: Inputs,
}

impl HomeLinks {
    pub(crate) fn new(config: Arc<Config>, inputs: Inputs) -> Self {
        Self { config, inputs }
    }
}

impl Acceptor for HomeLinks {
    type Out = CopyMessage;
    type In = CopyMessage;

    fn admit(
        &self,
        auth: &serde_json::Value,
    ) -> Result<Admission<CopyMessage, CopyMessage>, Refusal> {
        let NodePeer::Home(hello) = Hello::authenticate(auth, &self.config.secret)?;
        let inputs = self.inputs.clone();
        Ok(Admission::link(hello.node.to_string(), move |sender| {
            let link = inputs.new_link();
            inputs.send_link(LinkInput::HomeOpen { link, sender, hello });
            ToDriver {
                link,
                inputs,
                says: |link, messages| LinkInput::NeighbourSays {
                    from: Member::Home,
                    link,
                    messages,
                },
                closed: |link| LinkInput::NeighbourClosed { from: Member::Home, link },
                when_closed: None,
            }
        }))
    }
}
