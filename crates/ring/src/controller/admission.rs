//! Who may take a node's place in the ring.

use protocol::hello::{Membership, NodeHello};
use protocol::refusal::{Refusal, RefusalCode};

use super::{ClusterState, Controller};

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
        match self.saving.as_ref().or(self.published.as_ref()) {
            Some(state) => self.admit_member(state, hello)?,
            None => self.admit_founder(hello)?,
        }
        self.admit_beside(hello, place)
    }

    /// Into a cluster that exists.
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
        if state.incarnation_of(&hello.node) != Some(hello.incarnation) {
            let detail = format!(
                "{} has other data than the ring knows it by (its data directory was lost or replaced), and restoring a \
                 node is not supported yet: start it with its own data directory",
                hello.node,
            );
            return Err(Refusal::new(RefusalCode::LostData, detail));
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

    /// Beside the link that the node has, and the starts that were seen of it.
    fn admit_beside(
        &self,
        hello: &NodeHello,
        place: crate::placement::Place,
    ) -> Result<(), Refusal> {
        let seen = self.nodes.get(&place).map_or(0, |node| node.boot_count);
        let cloned = |detail: String| Err(Refusal::new(RefusalCode::ClonedDirectory, detail));
        if let Some(linked) = self.linked(place) {
            let (known, new) = (&linked.hello, hello);
            if new.incarnation != known.incarnation {
                let detail = format!(
                    "another node {} is connected: give each node an id of its own",
                    hello.node
                );
                return Err(Refusal::new(RefusalCode::AlreadyConnected, detail));
            }
            if new.boot.count == known.boot.count && new.boot.nonce != known.boot.nonce {
                return cloned(format!(
                    "{} is connected, and this is a second process on a copy of its data directory: stop one of them",
                    hello.node,
                ));
            }
        }
        if hello.boot.count < seen {
            return cloned(format!(
                "{} was seen at its start number {seen}, this is number {}: its data directory is an old copy",
                hello.node, hello.boot.count,
            ));
        }
        Ok(())
    }
}

fn names(nodes: &[protocol::id::NodeId]) -> String {
    nodes.iter().map(protocol::id::NodeId::as_str).collect::<Vec<_>>().join(",")
}
