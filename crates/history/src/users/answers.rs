//! The contents shown by the answers of a whole history, collected before it is judged.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fields, Input, Output, Patch, UserHistory};
use crate::operation::{OperationId, Outcome};

/// The contents shown of every user.
#[derive(Debug, Clone, Default)]
pub(super) struct Answers {
    users: BTreeMap<String, AnswersOfUser>,
    /// For users without an entry. Nothing is known of them.
    of_others: AnswersOfUser,
}

/// The contents shown of one user.
#[derive(Debug, Clone, Default)]
pub(super) struct AnswersOfUser {
    /// Every value shown by an answer; none if that is not known.
    shown: Option<ShownValues>,
    /// The content of each etag; `None` for an etag seen with several contents.
    contents: BTreeMap<String, Option<Fields>>,
}

#[derive(Debug, Clone, Default)]
struct ShownValues {
    names: BTreeSet<String>,
    emails: BTreeSet<String>,
    groups: BTreeSet<u32>,
}

/// Name, email and group; see [`AnswersOfUser::shown_part`].
pub(super) type ShownPart = (Option<Option<String>>, Option<Option<String>>, Option<Option<u32>>);

impl Answers {
    pub(super) fn of_history(history: &UserHistory) -> Self {
        let mut answers = Self::default();
        for operation in history.operations() {
            let id = operation.input().id();
            let of_user = answers.users.entry(id.to_owned()).or_default();
            let shown = of_user.shown.get_or_insert_default();
            let Outcome::Done(output) = operation.outcome() else {
                continue;
            };
            let Some((fields, etag)) = shown_content(operation.input(), output) else {
                continue;
            };
            shown.names.insert(fields.name.clone());
            shown.emails.insert(fields.email.clone());
            shown.groups.insert(fields.group);
            if let Some(etag) = etag {
                of_user
                    .contents
                    .entry(etag.to_owned())
                    .and_modify(|content| *content = content.take().filter(|old| old == fields))
                    .or_insert_with(|| Some(fields.clone()));
            }
        }
        answers
    }

    pub(super) fn of_user(&self, id: &str) -> &AnswersOfUser {
        self.users.get(id).unwrap_or(&self.of_others)
    }
}

impl AnswersOfUser {
    /// The content of an etag, as far as the answers show it.
    pub(super) fn content_of(&self, etag: &str) -> Option<&Fields> {
        self.contents.get(etag)?.as_ref()
    }

    /// The values set by a patch, without the values never shown by an answer. The outer `None`
    /// is a field not set by the patch, the inner one a value never shown.
    pub(super) fn shown_part(&self, patch: &Patch) -> ShownPart {
        let Patch { name, email, group } = patch;
        (
            name.as_ref().map(|name| self.shown_name(name)),
            email.as_ref().map(|email| self.shown_email(email)),
            group.map(|group| self.shown_group(group)),
        )
    }

    /// The name, if an answer shows it. The methods below do the same for the other fields.
    pub(super) fn shown_name(&self, name: &str) -> Option<String> {
        let is_shown = self.shown.as_ref().is_none_or(|shown| shown.names.contains(name));
        is_shown.then(|| name.to_owned())
    }

    pub(super) fn shown_email(&self, email: &str) -> Option<String> {
        let is_shown = self.shown.as_ref().is_none_or(|shown| shown.emails.contains(email));
        is_shown.then(|| email.to_owned())
    }

    pub(super) fn shown_group(&self, group: u32) -> Option<u32> {
        let is_shown = self.shown.as_ref().is_none_or(|shown| shown.groups.contains(&group));
        is_shown.then_some(group)
    }
}

/// The content shown by an answer, with its etag if the answer shows it too.
fn shown_content<'a>(
    input: &'a Input,
    output: &'a Output,
) -> Option<(&'a Fields, Option<&'a str>)> {
    match (input, output) {
        (Input::Create { fields, .. }, Output::Created { etag }) => Some((fields, etag.as_deref())),
        (_, Output::Found { fields, etag } | Output::Changed { fields, etag }) => {
            Some((fields, etag.as_deref()))
        }
        _ => None,
    }
}

/// An etag seen with two contents of the same record. Linearizability alone does not rule this
/// out, but a store that gives a version twice breaks every `If-Match`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReusedEtag {
    /// The user of the etag.
    pub id: String,
    /// The etag.
    pub etag: String,
    /// The first operation with the etag, and its content.
    pub first: (OperationId, Fields),
    /// The first operation with the etag and another content.
    pub second: (OperationId, Fields),
}

/// Finds an etag with two contents of one record; the first in the order of invocations.
pub fn find_reused_etag(history: &UserHistory) -> Option<ReusedEtag> {
    let mut seen: BTreeMap<(&str, &str), (OperationId, &Fields)> = BTreeMap::new();
    for operation in history.operations() {
        let Outcome::Done(output) = operation.outcome() else {
            continue;
        };
        let Some((fields, Some(etag))) = shown_content(operation.input(), output) else {
            continue;
        };
        let key = (operation.input().id(), etag);
        let (first_id, first_fields) = *seen.entry(key).or_insert((operation.id(), fields));
        if first_fields != fields {
            return Some(ReusedEtag {
                id: key.0.to_owned(),
                etag: key.1.to_owned(),
                first: (first_id, first_fields.clone()),
                second: (operation.id(), fields.clone()),
            });
        }
    }
    None
}
