//! A stretch of a copy's rows and its digest: what two copies are compared by.
//!
//! Source of the digest: XXH3 with 128 bits over each row's parts, those of variable length with
//! their length before them, so that no two different stretches give the same bytes. It guards
//! against faults, not against forgery.

use std::fmt;

use protocol::entry::Answer;
use protocol::id::Position;
use protocol::message::{Cursor, Rows, Stretch};
use xxhash_rust::xxh3::Xxh3;

use super::snapshot_parts::Part;

/// The stretch that begins after a row and has these.
pub(crate) fn stretch_of(after: Cursor, (rows, to): Part) -> Stretch {
    let mut digest = Digest::default();
    digest.add(&rows, to.as_ref());
    let (rows, digest) = digest.finish();
    Stretch { after, to, rows, digest }
}

/// A digest in the making.
#[derive(Default)]
pub(crate) struct Digest {
    hash: Xxh3,
    rows: u64,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Digest").field("rows", &self.rows).finish_non_exhaustive()
    }
}

impl Digest {
    /// Adds rows, as far as they are not behind the end.
    pub(crate) fn add(&mut self, rows: &Rows, to: Option<&Cursor>) {
        match rows {
            Rows::Applied(rows) => {
                for row in rows {
                    if to.is_none_or(|to| Cursor::Applied(Some(row.request)) <= *to) {
                        self.rows = self.rows.saturating_add(1);
                        self.hash.update(row.request.boot.0.as_bytes());
                        self.number(row.request.counter);
                        self.number(row.seq.0);
                        self.answer(&row.answer);
                    }
                }
            }
            Rows::Records(rows) => {
                for row in rows {
                    if to.is_none_or(|to| Cursor::Records(Some(row.id.clone())) <= *to) {
                        self.rows = self.rows.saturating_add(1);
                        self.bytes(row.id.as_str().as_bytes());
                        self.record(row.position, &row.record);
                    }
                }
            }
        }
    }

    /// How many rows were added.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    /// How many rows were added, and their digest.
    pub(crate) fn finish(&self) -> (u64, u128) {
        (self.rows, self.hash.digest128())
    }

    fn answer(&mut self, answer: &Answer) {
        let (kind, shown) = match answer {
            Answer::Found { position, record } => (0, Some((position, record))),
            Answer::NotFound => (1, None),
            Answer::Created { position, record } => (2, Some((position, record))),
            Answer::AlreadyExists => (3, None),
            Answer::Changed { position, record } => (4, Some((position, record))),
            Answer::Deleted => (5, None),
            Answer::PreconditionFailed => (6, None),
        };
        self.number(kind);
        if let Some((position, record)) = shown {
            self.record(*position, record);
        }
    }

    fn record(&mut self, position: Position, record: &[u8]) {
        self.number(position.epoch.0);
        self.number(position.seq.0);
        self.bytes(record);
    }

    #[expect(clippy::as_conversions, reason = "a usize has no more than 64 bits")]
    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.hash.update(bytes);
    }

    fn number(&mut self, number: u64) {
        self.hash.update(&number.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use protocol::id::{Epoch, Seq};
    use protocol::message::RecordRow;

    use super::*;

    fn digest(rows: Vec<RecordRow>, to: Option<&Cursor>) -> u128 {
        let mut digest = Digest::default();
        digest.add(&Rows::Records(rows), to);
        digest.finish().1
    }

    fn row(id: &str, seq: u64, record: &str) -> RecordRow {
        let position = Position { epoch: Epoch(1), seq: Seq(seq) };
        RecordRow { id: id.parse().unwrap(), position, record: record.to_owned().into() }
    }

    #[test]
    fn rows_behind_the_end_do_not_count() {
        let end = Cursor::Records(Some("b".parse().unwrap()));
        let rows = vec![row("a", 1, "x"), row("b", 2, "y"), row("c", 3, "z")];
        assert_eq!(digest(rows.clone(), Some(&end)), digest(rows[..2].to_vec(), None));
    }

    proptest! {
        #[test]
        fn different_rows_have_different_digests(
            one in vec(("[ab]{1,2}", 0_u64..3, "[ab]{0,2}"), 0..4),
            other in vec(("[ab]{1,2}", 0_u64..3, "[ab]{0,2}"), 0..4),
        ) {
            let rows = |of: &[(String, u64, String)]| {
                of.iter().map(|(id, seq, record)| row(id, *seq, record)).collect::<Vec<_>>()
            };
            let same = one == other;
            prop_assert_eq!(digest(rows(&one), None) == digest(rows(&other), None), same);
        }
    }
}
