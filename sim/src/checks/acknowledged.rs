//! Rule 13, *three outcomes*: an update answered as *done* is in the log of every copy in sync,
//! in the place named by its etag. Where the log does not reach back so far, the user's record
//! is at least as new.
//!
//! A deletion is answered without an etag. It is left to `durability`, as is every effect on the
//! records.

use db_process::store::audit::CopyAudit;
use history::users::rest::fields_of;
use history::users::{Input, Output};
use history::{HistoryOperation, Outcome};
use protocol::entry::Change;
use protocol::id::Position;
use protocol::user::UserId;

use super::check::{Check, End};
use crate::model::{Model, copies_of};
use crate::seen::Moment;
use crate::violation::{Finding, Rule};

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Acknowledged;

impl Check for Acknowledged {
    fn rule(&self) -> Rule {
        Rule {
            check: "acknowledged",
            says: "rule 13: what was answered as done is in the log of every copy in sync",
        }
    }

    fn finish(&mut self, model: &Model, at: Moment, end: &End) -> Result<(), Finding> {
        for operation in end.history.operations() {
            let Some(done) = Done::of(&operation) else { continue };
            for copy in copies_of(model.ring.partition_of(&done.user)) {
                let held = end.in_sync(model, copy);
                // `durability` judges damage.
                let held = held.filter(|held| held.unreadable.is_none());
                if let Err(why) = held.map_or(Ok(()), |held| done.is_in(held)) {
                    let detail = format!(
                        "{} of {} was done at {}: the {} copy of {} {why}",
                        operation.id(),
                        done.user,
                        done.position,
                        copy.member,
                        copy.partition
                    );
                    return Err(Finding::safety(at, detail).of_user(done.user.as_str()));
                }
            }
        }
        Ok(())
    }
}

/// An update answered as *done*.
struct Done<'a> {
    user: UserId,
    /// The written name, if the update writes one.
    name: Option<&'a str>,
    position: Position,
}

impl<'a> Done<'a> {
    fn of(operation: &HistoryOperation<'a, Input, Output>) -> Option<Self> {
        let Outcome::Done(
            Output::Created { etag: Some(etag) } | Output::Changed { etag: Some(etag), .. },
        ) = operation.outcome()
        else {
            return None;
        };
        let input = operation.input();
        let name = match input {
            Input::Create { fields, .. } => Some(fields.name.as_str()),
            Input::Change { patch, .. } => patch.name.as_deref(),
            Input::Read { .. } | Input::Delete { .. } => None,
        };
        let position = etag.trim_matches('"').parse().ok()?;
        Some(Self { user: input.id().parse().ok()?, name, position })
    }

    /// Objects to a copy without the update.
    fn is_in(&self, copy: &CopyAudit) -> Result<(), String> {
        let seq = self.position.seq;
        let reaches_back = copy.log.first().is_some_and(|first| first.position.seq <= seq);
        match copy.log.binary_search_by_key(&seq, |entry| entry.position.seq) {
            Ok(found) => {
                let entry = &copy.log[found];
                let is_it = entry.position == self.position && self.fits(&entry.change);
                is_it.then_some(()).ok_or_else(|| {
                    let id = entry.change.id();
                    format!("has entry {} of {id} in that place", entry.position)
                })
            }
            Err(_) if reaches_back => {
                let last = copy.log.last().map(|last| last.position.to_string());
                Err(format!("has a log up to {} without it", last.unwrap_or_default()))
            }
            Err(_) => match copy.records.get(&self.user) {
                Some(stored) if stored.position < self.position => {
                    Err(format!("has an older record, of {}", stored.position))
                }
                _ => Ok(()),
            },
        }
    }

    fn fits(&self, change: &Change) -> bool {
        let (Change::Create { id, record } | Change::Replace { id, record }) = change else {
            return false;
        };
        let written = fields_of(id.as_str(), record).map(|fields| fields.name);
        *id == self.user && (self.name.is_none() || self.name == written.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use protocol::entry::Entry;
    use protocol::view::Member;

    use super::super::support::*;
    use super::*;

    const USER: &str = "user-1";

    /// The end of a run with one answered update, whose etag is of epoch 1. All copies have this
    /// log, and the record of entry 1.
    fn end(etag_seq: u64, log: &[Entry]) -> End {
        let etag = Some(format!("\"1.{etag_seq}\""));
        let input = Input::Create { id: USER.to_owned(), fields: fields("ada") };
        let created = Outcome::Done(Output::Created { etag });
        let mut end = end_with(USER, "ada", &[(input, created)]);
        for audit in end.audits.values_mut() {
            let audit = audit.as_mut().unwrap();
            audit.home.log = log.to_vec();
            audit.next.log = log.to_vec();
        }
        end
    }

    fn entry(seq: u64, name: &str) -> Entry {
        let json =
            format!(r#"{{"id":"{USER}","name":"{name}","email":"{name}@example.org","group":1}}"#);
        let change = Change::Create { id: USER.parse().unwrap(), record: json.into() };
        Entry { position: position(1, seq), request: request(seq), unsettled_from: 0, change }
    }

    fn judge(end: &End) -> Result<(), Finding> {
        let scene = Scene::formed(Acknowledged);
        Acknowledged.finish(&scene.model, Moment::default(), end)
    }

    #[test]
    fn a_done_update_is_in_its_place_in_the_log() {
        judge(&end(1, &[entry(1, "ada")])).unwrap();
        judge(&end(2, &[entry(1, "bob"), entry(2, "ada")])).unwrap();
    }

    #[test]
    fn a_done_update_that_is_not_in_a_log_is_seen() {
        let mut end = end(2, &[entry(1, "bob"), entry(2, "ada")]);
        let partition = ring().partition_of(&USER.parse().unwrap());
        let next = ring().holder(partition, Member::Next).index();
        end.audits.get_mut(&next).unwrap().as_mut().unwrap().next.log.pop();
        assert!(judge(&end).unwrap_err().detail.contains("without it"));
    }

    #[test]
    fn another_entry_in_the_place_of_a_done_update_is_seen() {
        assert!(judge(&end(1, &[entry(1, "bob")])).unwrap_err().detail.contains("in that place"));
    }

    #[test]
    fn a_done_update_from_before_the_log_is_in_the_record() {
        judge(&end(1, &[entry(5, "eve")])).unwrap();
        judge(&end(1, &[])).unwrap();
        assert!(judge(&end(3, &[entry(5, "eve")])).unwrap_err().detail.contains("older record"));
    }
}
