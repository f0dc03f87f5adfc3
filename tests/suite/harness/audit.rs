//! Compares the nodes' storage, once the processes have ended, with the clients' answers.

use db_process::storage::rocks::RocksStorage;
use db_process::store::StoreError;
use db_process::store::audit::{Audit, CopyAudit, audit};
use history::users::rest::fields_of;
use history::users::{Input, Output, check_users};
use history::{Budget, ClientId, Outcome, Recorder};
use protocol::view::Member;

use super::cluster::Cluster;

/// Enough for any history of these tests. A history that needs more must be looked into.
const STEPS_PER_USER: u64 = 10_000_000;

/// The audits of all nodes. No process may run on their directories. Panics if a storage is
/// damaged.
pub(crate) fn audits(cluster: &Cluster) -> Vec<Audit> {
    let audits = try_audits(cluster).into_iter();
    let audits = audits.collect::<Result<Vec<_>, _>>().expect("the storage is whole");
    for copy in audits.iter().flat_map(|audit| [&audit.home, &audit.next]) {
        assert_eq!(copy.unreadable, None, "the storage is whole");
    }
    audits
}

/// The audits of all nodes, where a storage may be damaged.
pub(crate) fn try_audits(cluster: &Cluster) -> Vec<Result<Audit, StoreError>> {
    let audit_of = |node| {
        let storage = RocksStorage::open_read_only(&cluster.data(node))?;
        audit(&storage)
    };
    (0..cluster.ring.size()).map(audit_of).collect()
}

/// Both copies of every partition must be equal: the records, the applied ids, and the log as
/// far as both keep it.
pub(crate) fn assert_copies_agree(cluster: &Cluster, audits: &[Audit]) {
    for place in cluster.ring.places() {
        let partition = place.partition();
        let (home, next) =
            (&audits[place.index()].home, &audits[cluster.ring.next(place).index()].next);
        assert_eq!(home.records, next.records, "{partition}: the copies hold different records");
        assert_eq!(home.applied, next.applied, "{partition}: the copies know different requests");
        assert_eq!(
            home.log.last(),
            next.log.last(),
            "{partition}: the copies end at different entries"
        );
    }
}

/// Stops the cluster. Then its copies must be equal, and hold every update that clients were
/// told of.
pub(crate) async fn assert_nothing_is_lost(
    cluster: &mut Cluster,
    recorder: &Recorder<Input, Output>,
    users: u64,
) {
    cluster.stop_all().await;
    let audits = audits(cluster);
    assert_copies_agree(cluster, &audits);
    assert_linearizable_up_to(cluster, &audits, recorder, users);
}

/// The whole history must be linearizable, including a last read of every user from the storage
/// of each copy. So every acknowledged update, or a later one of the same user, is in both
/// copies.
fn assert_linearizable_up_to(
    cluster: &Cluster,
    audits: &[Audit],
    recorder: &Recorder<Input, Output>,
    users: u64,
) {
    for user in 0..users {
        let id = format!("user-{user}").parse().expect("an id");
        let partition = cluster.ring.partition_of(&id);
        for member in [Member::Home, Member::Next] {
            let audit = &audits[cluster.ring.holder(partition, member).index()];
            let copy = match member {
                Member::Home => &audit.home,
                Member::Next => &audit.next,
            };
            let read = recorder.invoke(ClientId(u64::MAX), Input::Read { id: id.to_string() });
            read.complete(Outcome::Done(found(copy, &id)));
        }
    }
    let verdict = check_users(&recorder.history(), Budget::steps(STEPS_PER_USER));
    assert!(verdict.is_good(), "{verdict:#?}");
}

fn found(copy: &CopyAudit, id: &protocol::user::UserId) -> Output {
    match copy.records.get(id) {
        Some(stored) => Output::Found {
            fields: fields_of(id.as_str(), &stored.record).expect("a record of this user"),
            etag: Some(format!("\"{}\"", stored.position)),
        },
        None => Output::NotFound,
    }
}
