use std::collections::BTreeSet;
use std::fmt::Debug;

use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde::de::DeserializeOwned;

use super::*;
use crate::user::{EMAIL_LENGTH_MAX, NAME_LENGTH_MAX, USER_ID_LENGTH_MAX};

const DRAWN: usize = 1_000;

fn draw<T: Arbitrary>() -> impl Iterator<Item = T> {
    let mut runner = TestRunner::deterministic();
    let strategy = any::<T>();
    (0..DRAWN).map(move |_| strategy.new_tree(&mut runner).expect("a value").current())
}

/// The names of an enum's variants. The decoder lists them in its error about an unknown variant.
fn variants<T: DeserializeOwned + Debug>() -> BTreeSet<String> {
    let error = serde_json::from_str::<T>(r#""no variant""#).expect_err("no variant").to_string();
    let names: BTreeSet<_> = error.split('`').skip(3).step_by(2).map(str::to_owned).collect();
    assert!(names.len() > 1, "{error}");
    names
}

fn every_variant_is_drawn<T: Arbitrary + DeserializeOwned>() {
    let name = |value: T| {
        let text = format!("{value:?}");
        text.split(|end: char| !end.is_alphanumeric()).next().unwrap_or_default().to_owned()
    };
    assert_eq!(draw().map(name).collect::<BTreeSet<_>>(), variants::<T>());
}

#[test]
fn every_variant_of_each_message_is_drawn() {
    every_variant_is_drawn::<ToNode>();
    every_variant_is_drawn::<FromNode>();
    every_variant_is_drawn::<CopyMessage>();
    every_variant_is_drawn::<Operation>();
    every_variant_is_drawn::<Action>();
    every_variant_is_drawn::<Reply>();
    every_variant_is_drawn::<Answer>();
    every_variant_is_drawn::<Change>();
    every_variant_is_drawn::<Data>();
    every_variant_is_drawn::<Holds>();
    every_variant_is_drawn::<Rows>();
    every_variant_is_drawn::<Cursor>();
}

#[test]
fn numbers_are_drawn_at_both_ends_of_their_range() {
    let counted: BTreeSet<_> = draw::<Seq>().map(|seq| seq.0).collect();
    let numbers: BTreeSet<_> = draw::<CallId>().map(|call| call.0).collect();
    for (drawn, max) in [(&counted, COUNTED_MAX), (&numbers, u64::MAX)] {
        for edge in [0, 1, max - 1, max] {
            assert!(drawn.contains(&edge), "{edge}");
        }
    }
    let groups: BTreeSet<_> = draw::<User>().map(|user| user.group).collect();
    assert!(groups.contains(&0) && groups.contains(&u32::MAX));
    let partitions: BTreeSet<_> = draw::<PartitionId>().map(|partition| partition.0).collect();
    assert!(partitions.contains(&0) && partitions.contains(&u16::MAX));
}

#[test]
fn fields_are_drawn_at_their_shortest_and_longest() {
    let users: Vec<User> = draw().collect();
    let drawn = |what: &str, is_drawn: &dyn Fn(&User) -> bool| {
        assert!(users.iter().any(is_drawn), "{what}");
    };
    drawn("the shortest id", &|user| user.id.as_str().len() == 1);
    drawn("the longest id", &|user| user.id.as_str().len() == USER_ID_LENGTH_MAX);
    drawn("the longest name", &|user| user.name.as_str().len() == 4 * NAME_LENGTH_MAX);
    drawn("a control character", &|user| user.name.as_str().contains('\u{0}'));
    drawn("the longest address", &|user| user.email.as_str().len() == EMAIL_LENGTH_MAX);
    drawn("an address beyond ASCII", &|user| !user.email.as_str().is_ascii());
    drawn("all at once", &|user| {
        user.id.as_str().len() == USER_ID_LENGTH_MAX
            && user.name.as_str().len() == 4 * NAME_LENGTH_MAX
            && user.email.as_str().len() == EMAIL_LENGTH_MAX
    });
}
