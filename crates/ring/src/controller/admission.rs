//! Who may take a node's place in the ring.

use protocol::hello::{Membership, NodeHello};
use protocol::refusal::{Refusal, RefusalCode};

use super::{ClusterState, Controller};
use crate::placement::Place;

impl Controller {
    /// Judges a node that connects.
    ///
    /// # Errors
    ///
    /// Why it is turned away, in words for its operator.
    pub(crate) fn admit(&self, hello: &NodeHello) -> Result<(), Refusal> {
        let Some(place) = self.ring.place_of(&hello.node) else {
            let ring = names(self.ring.nodes());
            let detail = format!(
                "the ring has no node {}, its nodes are {ring}: check the node's id",
                hello.node
            );
            return Err(Refusal::new(RefusalCode::UnknownNode, detail));
        };
        // What is decided counts already: a formation that is being saved is a formation.
        let state = self.saving.as_ref().or(self.published.as_ref());
        match state {
            Some(state) => self.admit_member(state, hello)?,
            None => self.admit_founder(hello)?,
        }
        self.admit_beside(hello, place)?;
        state.map_or(Ok(()), |state| admit_data(state, hello))?;
        self.admit_start(hello, place)
    }

    /// Into a cluster that exists: only its own members.
    fn admit_member(&self, state: &ClusterState, hello: &NodeHello) -> Result<(), Refusal> {
        if let Some(Membership { cluster, ring }) = &hello.membership {
            if *cluster != state.cluster {
                let detail = format!(
                    "the data of {} is of cluster {cluster}, this is cluster {}: start it with its own gateway, or with \
                     an empty data directory",
                    hello.node, state.cluster,
                );
                return Err(Refusal::new(RefusalCode::ForeignCluster, detail));
            }
            if ring != self.ring.nodes() {
                let detail = format!(
                    "the data of {} is of the ring {}, this is the ring {}",
                    hello.node,
                    names(ring),
                    names(self.ring.nodes()),
                );
                return Err(Refusal::new(RefusalCode::OtherRing, detail));
            }
        }
        Ok(())
    }

    /// Into a cluster that is about to be formed: only nodes that never were in one.
    fn admit_founder(&self, hello: &NodeHello) -> Result<(), Refusal> {
        let Some(Membership { cluster, .. }) = &hello.membership else { return Ok(()) };
        let detail = format!(
            "{} is of cluster {cluster}, and this gateway has no cluster state (it was lost, or is in another directory), \
             and rebuilding it is not supported yet: start the gateway with its own state directory",
            hello.node,
        );
        Err(Refusal::new(RefusalCode::ForeignCluster, detail))
    }

    /// Beside the link that the node has: not with other data.
    fn admit_beside(&self, hello: &NodeHello, place: Place) -> Result<(), Refusal> {
        let known = self.linked(place).map(|linked| linked.hello.incarnation);
        if known.is_none_or(|known| known == hello.incarnation) {
            return Ok(());
        }
        let detail =
            format!("another node {} is connected: give each node an id of its own", hello.node);
        Err(Refusal::new(RefusalCode::AlreadyConnected, detail))
    }

    /// After the starts that were seen: not on a copy of the node's data.
    fn admit_start(&self, hello: &NodeHello, place: Place) -> Result<(), Refusal> {
        let cloned = |detail: String| Err(Refusal::new(RefusalCode::ClonedDirectory, detail));
        let (node, boot) = (&hello.node, hello.boot);
        let linked = self.linked(place).map(|linked| linked.hello.boot);
        if linked.is_some_and(|known| boot.count == known.count && boot.nonce != known.nonce) {
            return cloned(format!(
                "{node} is connected, and this is a second process on a copy of its data directory: stop one of them",
            ));
        }
        let seen = self.nodes.get(&place).map_or(0, |node| node.boot_count);
        if boot.count < seen {
            return cloned(format!(
                "{node} was seen at its start number {seen}, this is number {}: its data directory is an old copy",
                boot.count,
            ));
        }
        Ok(())
    }
}

/// With the data that the ring knows the node by.
fn admit_data(state: &ClusterState, hello: &NodeHello) -> Result<(), Refusal> {
    if state.incarnation_of(&hello.node) == Some(hello.incarnation) {
        return Ok(());
    }
    let detail = format!(
        "{} has other data than the ring knows it by (its data directory was lost or replaced), and restoring a \
         node is not supported yet: start it with its own data directory",
        hello.node,
    );
    Err(Refusal::new(RefusalCode::LostData, detail))
}

fn names(nodes: &[protocol::id::NodeId]) -> String {
    nodes.iter().map(protocol::id::NodeId::as_str).collect::<Vec<_>>().join(",")
}
