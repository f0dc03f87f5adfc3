//! Users for operations beyond the plan: unknown to all clients before. The prefix of an id
//! tells the purpose of its operations.

use history::users::Input;
use protocol::id::PartitionId;
use ring_core::placement::Ring;

/// The number of ids looked through for the users of a partition.
const IDS: u32 = 10_000;

/// The purpose of operations beyond the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NewUsers {
    /// Everything is back, and each of these operations must succeed.
    Fresh,
    /// A node with a slow disk comes back while these updates keep the others busy.
    Loaded,
}

impl NewUsers {
    /// The purpose of an operation; none if it is part of the plan.
    pub fn of(input: &Input) -> Option<Self> {
        [Self::Fresh, Self::Loaded].into_iter().find(|users| input.id().starts_with(users.prefix()))
    }

    /// The users of a partition.
    pub fn of_partition(
        self,
        ring: &Ring,
        partition: PartitionId,
    ) -> impl Iterator<Item = String> + use<'_> {
        let ids = (0..IDS).map(move |number| format!("{}{number}", self.prefix()));
        ids.filter(move |id| id.parse().is_ok_and(|id| ring.partition_of(&id) == partition))
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Fresh => "fresh-",
            Self::Loaded => "load-",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::host::Host;

    #[test]
    fn the_id_of_a_new_user_tells_its_purpose_and_its_partition() {
        let ring = Ring::new((0..3).map(Host::node_id).collect()).unwrap();
        for users in [NewUsers::Fresh, NewUsers::Loaded] {
            let id = users.of_partition(&ring, PartitionId(2)).nth(3).unwrap();
            assert_eq!(ring.partition_of(&id.parse().unwrap()), PartitionId(2));
            assert_eq!(NewUsers::of(&Input::Read { id }), Some(users));
        }
        assert_eq!(NewUsers::of(&Input::Read { id: "user-1".to_owned() }), None);
    }
}
