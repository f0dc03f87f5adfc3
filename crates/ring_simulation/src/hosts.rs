//! Processes and disks: how they start and end, and how writes become durable.

use std::time::Duration;

use protocol::id::{Boot, ClusterId, GatewayBoot, Incarnation, PartitionId};
use protocol::view::Member;
use ring_core::gateway::{Gateway, GatewayEvent, GatewaySettings};
use ring_core::link::LinkId;
use ring_core::node::{Node, NodeEvent, NodeIdentity, NodeSettings};
use uuid::Uuid;

use crate::disk::Disk;
use crate::network::Ends;
use crate::schedule::WhoKnows;
use crate::world::World;

impl World {
    pub(crate) fn start_node(&mut self, i: usize) {
        let now = self.now;
        let host = &mut self.nodes[i];
        if host.node.is_some() {
            return;
        }
        host.boots += 1;
        let nonce = Uuid::from_u128((i as u128) << 64 | u128::from(host.boots));
        let identity = NodeIdentity {
            node: host.id.clone(),
            incarnation: host.incarnation,
            boot: Boot { count: host.boots, nonce },
            address: format!("host-{i}:1"),
        };
        let settings = NodeSettings {
            log_entries_kept: self.log_entries_kept,
            // A schedule may let any time pass without a sync.
            disk_deadline: Duration::MAX,
            ..NodeSettings::default()
        };
        let node = Node::recovered(identity, settings, host.disk.recover(), now);
        host.node = Some(node.expect("a node finds its place again"));
    }

    pub(crate) fn kill_node(&mut self, i: usize) {
        let host = &mut self.nodes[i];
        if host.node.take().is_none() {
            return;
        }
        host.syncing = None;
        host.reads.clear();
        host.dialling = None;
        self.totals.node_deaths += 1;
        let of_node = |ends: Ends| match ends {
            Ends::Gateway { node } => node == i,
            Ends::Neighbours { home } => home == i || (home + 1) % self.nodes.len() == i,
        };
        let links = self.network.links.iter().filter(|(_, link)| of_node(link.ends));
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.close_ends_at(link, i);
        }
    }

    /// Destroys the disk of a host, if the design promises to survive the loss of each copy on
    /// it.
    pub(crate) fn lose_data(&mut self, i: usize) {
        let is_borne = Member::ALL.into_iter().all(|member| self.can_lose(i, member));
        if !is_borne {
            return;
        }
        self.kill_node(i);
        self.totals.data_losses += 1;
        self.incarnations += 1;
        let host = &mut self.nodes[i];
        host.disk = Disk::new(self.is_cold);
        host.boots = 0;
        host.incarnation = Incarnation(Uuid::from_u128(1_000 + self.incarnations));
    }

    /// Whether the partition survives the loss of a copy. The other copy must be sound. In each
    /// view, durable or being saved, the copy is not a member, or the other member still has its
    /// data.
    fn can_lose(&self, i: usize, member: Member) -> bool {
        let place = self.ring.places().nth(i).expect("a place");
        let partition = self.ring.partition_at(place, member);
        let states = [&self.gateway_disk.durable, &self.gateway_disk.saving];
        let mut known = states.into_iter().flatten().map(|state| state.view(partition)).peekable();
        known.peek().is_some()
            && self.is_sound(partition, member.other())
            && known.all(|view| {
                let Some(view) = view else { return false };
                let has = |member| {
                    let host = &self.nodes[self.holder(partition, member)];
                    view.in_sync.incarnation(member) == Some(host.incarnation)
                };
                !has(member) || has(member.other())
            })
    }

    /// Whether a copy has no damage on its own disk.
    pub(crate) fn is_sound(&self, partition: PartitionId, member: Member) -> bool {
        let disk = &self.nodes[self.holder(partition, member)].disk;
        [&disk.current, &disk.durable].into_iter().all(|content| {
            let copy = content.copy(member);
            copy.rotten.is_empty() && !copy.is_damaged
        })
    }

    /// Makes a record of a copy unreadable. The other copy may fall out of the view before
    /// anything finds the damage. Without an operator, the other copy must be able to come back
    /// by the log, because a damaged copy cannot make a snapshot.
    pub(crate) fn rot(&mut self, i: usize, member: Member, user: u8) {
        let place = self.ring.places().nth(i).expect("a place");
        let partition = self.ring.partition_at(place, member);
        let is_kept = self.log_entries_kept > 1_000;
        let id = crate::client::user(user);
        let has = self.nodes[i].disk.current.copy(member).records.contains_key(&id);
        let is_borne = is_kept && self.can_lose(i, member) && self.is_sound(partition, member);
        if has && (is_borne || self.has_operator) {
            self.totals.rotten += 1;
            self.nodes[i].disk.rot(member, &id);
            self.rot_in_both(partition, member, &id);
        }
    }

    /// Kills the gateway and deletes its state, if its nodes know enough to rebuild it.
    pub(crate) fn lose_state(&mut self) {
        let accounted = |partition| {
            Member::ALL.into_iter().all(|member| {
                let host = &self.nodes[self.holder(partition, member)];
                host.disk.durable.copy(member).view.is_some_and(|view| {
                    view.in_sync.incarnation(member).is_none_or(|named| named == host.incarnation)
                })
            })
        };
        if !self.partitions().into_iter().all(accounted) {
            return;
        }
        self.kill_gateway();
        self.gateway_disk.durable = None;
        self.totals.state_losses += 1;
        self.forget_views_that_nobody_has();
    }

    pub(crate) fn close_ends_at(&mut self, link: LinkId, i: usize) {
        let Some(entry) = self.network.links.get_mut(&link) else { return };
        let is_client = match entry.ends {
            Ends::Gateway { node } => node == i,
            Ends::Neighbours { home } => home == i,
        };
        if is_client {
            entry.client_open = false;
        } else {
            entry.server_open = false;
        }
        self.network.tidy();
        // The kernel of a killed process tells its peers at once. The messages under way are
        // lost.
        self.break_link(link, WhoKnows::Both);
    }

    pub(crate) fn start_gateway(&mut self) {
        if self.gateway.is_some() {
            return;
        }
        self.gateway_boots += 1;
        let boot = GatewayBoot(Uuid::from_u128(u128::from(self.gateway_boots)));
        let cluster = ClusterId(Uuid::from_u128(1_000 + u128::from(self.gateway_boots)));
        let saved = self.gateway_disk.durable.clone();
        let settings = GatewaySettings::default();
        let gateway =
            Gateway::recovered(self.ring.clone(), boot, cluster, saved, &settings, self.now);
        self.gateway = Some(gateway.expect("its own state"));
    }

    pub(crate) fn kill_gateway(&mut self) {
        if self.gateway.take().is_none() {
            return;
        }
        self.totals.gateway_deaths += 1;
        self.clients.abandon_open();
        self.requests.clear();
        // The atomic replacement of the file may or may not be durable. The elapsed time
        // decides.
        if let Some(saving) = self.gateway_disk.saving.take()
            && self.elapsed.as_millis().is_multiple_of(2)
        {
            self.gateway_disk.durable = Some(saving);
        }
        let links =
            self.network.links.iter().filter(|(_, link)| matches!(link.ends, Ends::Gateway { .. }));
        for link in links.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.break_link(link, WhoKnows::Both);
        }
    }

    // Disks.

    pub(crate) fn sync(&mut self, i: usize) {
        let host = &mut self.nodes[i];
        if host.node.is_none() {
            return;
        }
        match host.syncing.take() {
            Some(mark) => {
                host.disk.sync(mark);
                self.node_event(i, NodeEvent::Synced { mark });
            }
            None => host.syncing = host.disk.written(),
        }
    }

    pub(crate) fn save_returns(&mut self) {
        if let Some(state) = self.gateway_disk.saving.take() {
            self.gateway_disk.durable = Some(state);
            self.gateway_event(GatewayEvent::Saved);
        }
    }
}
