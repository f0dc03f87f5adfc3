//! A stand-in for the gateway: welcomes two nodes under views with both copies in sync, and
//! forwards their replies.

use anyhow::Context;
use link::{Acceptor, Admission, CloseReason, Handler, Sender};
use protocol::hello::{Authenticated, GatewayPeer, Hello, NodeHello, Secret};
use protocol::id::{ClusterId, Epoch, GatewayBoot, NodeId, PartitionId};
use protocol::message::{FromNode, Neighbour, Reply, ToNode, Welcome};
use protocol::refusal::Refusal;
use protocol::view::{InSync, View};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use uuid::Uuid;

pub(crate) const NODES: [&str; 2] = ["db-0", "db-1"];

type Linked = (NodeHello, Sender<ToNode>);

/// Admits the nodes.
pub(crate) struct Nodes {
    secret: Secret,
    come: UnboundedSender<Linked>,
    replies: UnboundedSender<Vec<Reply>>,
}

/// Receives the linked nodes, and their replies.
pub(crate) struct NodesCome {
    come: UnboundedReceiver<Linked>,
    replies: UnboundedReceiver<Vec<Reply>>,
}

pub(crate) fn nodes(secret: Secret) -> (Nodes, NodesCome) {
    let (come, nodes) = unbounded_channel();
    let (replies, replied) = unbounded_channel();
    (Nodes { secret, come, replies }, NodesCome { come: nodes, replies: replied })
}

impl Acceptor for Nodes {
    type Out = ToNode;
    type In = FromNode;

    fn admit(&self, auth: &serde_json::Value) -> Result<Admission<ToNode, FromNode>, Refusal> {
        let Authenticated { role, version } = Hello::authenticate(auth, &self.secret)?;
        let GatewayPeer::Node(hello) = role else {
            return Ok(Admission::observer(drop));
        };
        let (come, replies) = (self.come.clone(), self.replies.clone());
        Ok(Admission::link(hello.node.to_string(), version, move |sender| {
            let _ = come.send((hello, sender));
            Replies(replies)
        }))
    }
}

/// Forwards the replies of a node.
struct Replies(UnboundedSender<Vec<Reply>>);

impl Handler<FromNode> for Replies {
    fn messages(&mut self, batch: Vec<FromNode>) {
        let reply = |message| match message {
            FromNode::Reply { reply, .. } => Some(reply),
            _ => None,
        };
        let replies = batch.into_iter().filter_map(reply).collect::<Vec<_>>();
        if !replies.is_empty() {
            let _ = self.0.send(replies);
        }
    }

    fn closed(&mut self, _: CloseReason) {}
}

impl NodesCome {
    /// Waits for both nodes, and welcomes them. Returns their senders in the order of the ring,
    /// and the replies.
    pub(crate) async fn welcome(
        mut self,
        boot: GatewayBoot,
    ) -> anyhow::Result<([Sender<ToNode>; 2], UnboundedReceiver<Vec<Reply>>)> {
        let first = self.come.recv().await.context("no node comes")?;
        let second = self.come.recv().await.context("one node does not come")?;
        let mut linked = [first, second];
        linked.sort_by(|one, other| one.0.node.cmp(&other.0.node));
        let ring =
            NODES.map(|node| node.parse::<NodeId>()).into_iter().collect::<Result<Vec<_>, _>>()?;
        let known = linked.iter().find_map(|(hello, _)| Some(hello.membership.as_ref()?.cluster));
        let data = linked.each_ref().map(|(hello, _)| hello.incarnation);
        let both = |partition: u16, home: usize| View {
            partition: PartitionId(partition),
            epoch: Epoch(1),
            in_sync: InSync::Both { home: data[home], next: data[1 - home] },
            decided_by: GatewayBoot(Uuid::nil()),
            accepted_loss: None,
        };
        for (place, (_, sender)) in linked.iter().enumerate() {
            let (next, _) = &linked[1 - place];
            let (incarnation, address) = (next.incarnation, next.address.clone());
            let welcome = Welcome {
                cluster: known.unwrap_or(ClusterId(Uuid::from_u128(1))),
                ring: ring.clone(),
                gateway_boot: boot,
                views: vec![both(0, 0), both(1, 1)],
                next: Some(Neighbour { incarnation, address }),
                home_is_linked: true,
            };
            sender.send(&ToNode::Welcome(welcome))?;
        }
        Ok((linked.map(|(_, sender)| sender), self.replies))
    }
}
