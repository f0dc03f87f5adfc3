//! Requests certainly not done, and requests with an unknown outcome.

use std::time::Duration;

use protocol::id::PartitionId;
use protocol::problem::ProblemType;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::client::{Answer, Rest, made_up, user};
use crate::harness::cluster::Cluster;

/// Enough time to detect the loss of a node, to change views, and to bring the node back.
const SOON: Duration = Duration::from_secs(30);

/// Slightly longer than the shortest deadline accepted with the default heartbeats.
const SHORT_DEADLINE: [&str; 2] = ["--request-deadline-ms", "2600"];

#[tokio::test(flavor = "multi_thread")]
async fn updates_whose_home_is_down_are_refused_at_once_and_all_else_goes_on() {
    let mut cluster = Cluster::start(2).await;
    let rest = Rest::new(&cluster.url());
    let [lost, kept] = [0, 1].map(|partition| cluster.user_of(PartitionId(partition)));
    for id in [&lost, &kept] {
        rest.created(id).await;
    }
    cluster.kill_node(0).await;
    cluster.status_within(SOON, |status| !status.nodes[0].linked).await;

    // Soon after its start, the gateway still waits for nodes. This first update waits with it.
    let changes = json!({ "id": lost, "group": 1 });
    rest.change(&changes).await.problem(ProblemType::Unavailable);
    let start = Instant::now();
    let refused =
        [rest.change(&changes).await, rest.create(&user(&lost)).await, rest.delete(&lost).await];
    assert!(start.elapsed() < Duration::from_secs(1), "it took {:?}", start.elapsed());
    for answer in refused {
        let detail = &answer.problem(ProblemType::Unavailable)["detail"];
        let words = "no copy takes this user's updates now: the primary's node is not linked, or its copy is being restored; \
                     nothing was changed";
        assert_eq!(detail, words);
    }
    assert_eq!(rest.read(&lost).await.record(StatusCode::OK), user(&lost));
    assert_eq!(rest.read(&kept).await.record(StatusCode::OK), user(&kept));
    let changed = rest.change(&json!({ "id": kept, "group": 1 })).await;
    assert_eq!(changed.record(StatusCode::OK)["group"], 1);
    assert_eq!(rest.get("/readyz").await.status, StatusCode::OK, "half of the users are served");
    assert_says_why(&cluster).await;

    cluster.start_node(0);
    cluster.healthy_within(SOON).await;
    assert_eq!(rest.change(&changes).await.record(StatusCode::OK)["group"], 1);
}

async fn assert_says_why(cluster: &Cluster) {
    let status = cluster.status().await.expect("the gateway tells");
    assert!(!status.healthy, "{status:#?}");
    let [of_lost, of_kept] = &status.partitions[..] else { panic!("{status:#?}") };
    let words = ["no updates: db-0, with the primary, is not linked; start it"];
    assert_eq!(of_lost.problems, words);
    let words = ["one copy only: db-0, with the replica, is not linked; start it"];
    assert_eq!(of_kept.problems, words);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_update_that_nobody_answered_may_have_been_done_and_names_the_user_that_it_was_to_make()
{
    let cluster = ring_with(&SHORT_DEADLINE).await;
    let rest = Rest::new(&cluster.url());
    rest.created("known").await;
    pause(&cluster).await;
    let new = json!({ "name": "Ada", "email": "ada@example.org", "group": 1 });
    let [given, change] = [user("given"), json!({ "id": "known", "group": 1 })];
    let (made, given, changed, deleted) = tokio::join!(
        rest.create(&new),
        rest.create(&given),
        rest.change(&change),
        rest.delete("known"),
    );
    resume(&cluster);

    let made = made.problem(ProblemType::OutcomeUnknown)["id"].clone();
    let made = made.as_str().expect("it names the id that it made");
    made_up(made);
    assert_eq!(given.problem(ProblemType::OutcomeUnknown)["id"], "given");
    assert_eq!(changed.problem(ProblemType::OutcomeUnknown)["id"], Value::Null);
    deleted.problem(ProblemType::OutcomeUnknown);

    cluster.healthy_within(SOON).await;
    for id in [made, "given"] {
        assert_was_done_or_not(&rest, id).await;
    }
}

/// Asserts that the update was either done or not done, and that the outcome is now final.
async fn assert_was_done_or_not(rest: &Rest, id: &str) {
    let read = rest.read(id).await;
    let again = rest.create(&user(id)).await;
    match read.status {
        StatusCode::OK => drop(again.problem(ProblemType::UserExists)),
        StatusCode::NOT_FOUND => drop(again.record(StatusCode::CREATED)),
        _ => panic!("{read:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_answered_is_safe_to_repeat() {
    let cluster = ring_with(&SHORT_DEADLINE).await;
    let rest = Rest::new(&cluster.url());
    rest.created("ada").await;
    pause(&cluster).await;
    let start = Instant::now();
    let detail = rest.read("ada").await.problem(ProblemType::Unavailable)["detail"].clone();
    assert_eq!(detail, "no node could serve the request in time; nothing was changed");
    assert!(start.elapsed() < Duration::from_secs(4), "it took {:?}", start.elapsed());
    resume(&cluster);
    cluster.healthy_within(SOON).await;
    assert_eq!(rest.read("ada").await.record(StatusCode::OK), user("ada"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_of_a_formed_ring_without_nodes_is_not_ready_and_says_why() {
    let mut cluster = Cluster::start(2).await;
    let rest = Rest::new(&cluster.url());
    for node in 0..2 {
        cluster.kill_node(node).await;
    }
    cluster.status_within(SOON, |status| status.nodes.iter().all(|node| !node.linked)).await;
    assert_no_node_is_linked(&rest).await;
    // A restarted gateway knows the ring from its state.
    cluster.kill_gateway().await;
    cluster.start_gateway();
    cluster.status_within(SOON, |status| status.cluster.is_some()).await;
    assert_no_node_is_linked(&rest).await;
    cluster.start_node(1);
    cluster.status_within(SOON, |status| status.nodes[1].linked).await;
    assert_eq!(rest.get("/readyz").await.status, StatusCode::OK);
}

async fn assert_no_node_is_linked(rest: &Rest) {
    let detail = &rest.get("/readyz").await.problem(ProblemType::Unavailable)["detail"];
    let words =
        "no node is linked to the gateway, so no user can be served; /api/cluster names the nodes";
    assert_eq!(detail, words);
    assert_eq!(rest.get("/healthz").await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_has_as_much_to_do_as_it_can_bear_refuses_more() {
    let cluster = ring_with(&["--in-flight-max", "1", "--request-deadline-ms", "2600"]).await;
    let rest = Rest::new(&cluster.url());
    rest.created("ada").await;
    pause(&cluster).await;
    let change = json!({ "id": "ada", "group": 1 });
    let start = Instant::now();
    let (first, second) =
        tokio::join!(timed(start, rest.read("ada")), timed(start, rest.change(&change)));
    resume(&cluster);
    let (first, second, sooner) = (first.0, second.0, first.1.min(second.1));
    // The refused request is answered neither at once, nor as late as the deadline.
    assert!(sooner >= Duration::from_millis(250), "it took {sooner:?}");
    assert!(sooner < Duration::from_millis(2000), "it took {sooner:?}");
    let kind = |answer: &Answer| {
        let body: Value = serde_json::from_str(&answer.body).expect("a problem");
        let code = body["type"].as_str().and_then(|kind| kind.rsplit(':').next());
        code.expect("a type").to_owned()
    };
    // Either request may have come first.
    let (taken, refused) = if kind(&first) == ProblemType::Overloaded.code() {
        (second.problem(ProblemType::OutcomeUnknown), first)
    } else {
        (first.problem(ProblemType::Unavailable), second)
    };
    let detail = &refused.problem(ProblemType::Overloaded)["detail"];
    assert_eq!(detail, "too many requests are under way; nothing was changed", "{taken}");
    cluster.healthy_within(SOON).await;
    rest.read("ada").await.record(StatusCode::OK);
}

async fn ring_with(gateway_flags: &[&str]) -> Cluster {
    let mut cluster = Cluster::new(2).with_gateway_flags(gateway_flags);
    cluster.start_all();
    cluster.healthy_within(SOON).await;
    cluster
}

/// An answer, and the time from `start` until it came.
async fn timed(start: Instant, answer: impl Future<Output = Answer>) -> (Answer, Duration) {
    (answer.await, start.elapsed())
}

/// Pauses both nodes. They keep their connections and answer nothing.
async fn pause(cluster: &Cluster) {
    for node in 0..cluster.ring.size() {
        cluster.node(node).pause().await;
    }
}

fn resume(cluster: &Cluster) {
    (0..cluster.ring.size()).for_each(|node| cluster.node(node).resume());
}
