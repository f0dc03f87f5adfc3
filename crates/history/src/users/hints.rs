//! Which operations of unknown outcome can make a difference: the hints that keep the search small.
//!
//! In short: a change alters content and etag, a creation makes changes possible, a deletion creations.
//! What is overwritten, deleted or put elsewhere without a trace does not matter. An answer that shows
//! content, or an etag that stands for a content, follows directly only on effects that agree with it.

use super::answers::AnswersOfUser;
use super::{Input, Output, Patch, UserModel};

impl UserModel {
    /// See [`Model::may_matter_to`](crate::Model::may_matter_to).
    pub(super) fn unknown_may_matter_to(
        &self,
        unknown: &Input,
        later: &Input,
        output: Option<&Output>,
    ) -> bool {
        let answers = self.answers.of_user(later.id());
        match output {
            Some(output) => may_matter_to_answer(answers, unknown, later, output),
            None => may_matter_to_effect(answers, unknown, later),
        }
    }

    /// See [`Model::are_alike`](crate::Model::are_alike).
    pub(super) fn unknown_are_alike(&self, first: &Input, second: &Input) -> bool {
        let answers = self.answers.of_user(first.id());
        let shown = |patch: &Patch| {
            let Patch { name, email, group } = patch;
            (
                name.as_ref().map(|name| answers.shown_name(name)),
                email.as_ref().map(|email| answers.shown_email(email)),
                group.map(|group| answers.shown_group(group)),
            )
        };
        match (first, second) {
            (
                Input::Change { id: first_id, patch: first, if_match: None },
                Input::Change { id: second_id, patch: second, if_match: None },
            ) => first_id == second_id && shown(first) == shown(second),
            (
                Input::Create { id: first_id, fields: first },
                Input::Create { id: second_id, fields: second },
            ) => {
                first_id == second_id
                    && shown(&Patch::to_all_of(first)) == shown(&Patch::to_all_of(second))
            }
            _ => first == second,
        }
    }
}

/// Whether an unknown effect can be what makes `later`, of unknown outcome too, do what it does.
fn may_matter_to_effect(answers: &AnswersOfUser, unknown: &Input, later: &Input) -> bool {
    if !agrees_with_condition(answers, unknown, later) {
        return false;
    }
    match (unknown, later) {
        (
            Input::Change { patch: earlier, if_match: condition, .. },
            Input::Change { patch, if_match, .. },
        ) => {
            let is_overwritten = earlier.is_covered_by(patch);
            let is_elsewhere = condition.is_none() && !earlier.overlaps(patch);
            if_match.is_some() || !(is_overwritten || is_elsewhere)
        }
        (Input::Change { .. }, Input::Delete { if_match, .. }) => if_match.is_some(),
        (Input::Create { .. }, Input::Change { .. }) => true,
        (Input::Delete { .. }, Input::Create { .. }) => true,
        _ => false,
    }
}

/// Whether an unknown effect can be what makes `later` give `output`.
fn may_matter_to_answer(
    answers: &AnswersOfUser,
    unknown: &Input,
    later: &Input,
    output: &Output,
) -> bool {
    match output {
        Output::NotFound | Output::Created { .. } => matches!(unknown, Input::Delete { .. }),
        Output::AlreadyExists => matches!(unknown, Input::Create { .. }),
        Output::PreconditionFailed => {
            matches!(unknown, Input::Create { .. } | Input::Change { .. })
        }
        Output::Found { fields, .. } => match unknown {
            Input::Create { fields: created, .. } => created == fields,
            Input::Change { patch, .. } => patch.agrees_with(fields),
            Input::Read { .. } | Input::Delete { .. } => false,
        },
        Output::Changed { fields, .. } => {
            let own = patch_of(later);
            let shown = match unknown {
                Input::Create { fields: created, .. } => Patch::to_all_of(created).without(&own),
                Input::Change { patch, .. } => patch.without(&own),
                Input::Read { .. } | Input::Delete { .. } => return false,
            };
            let is_overwritten = matches!(unknown, Input::Change { .. })
                && !has_condition(later)
                && shown == Patch::default();
            shown.agrees_with(fields)
                && !is_overwritten
                && agrees_with_condition(answers, unknown, later)
        }
        Output::Deleted => match unknown {
            Input::Create { .. } => agrees_with_condition(answers, unknown, later),
            Input::Change { .. } => {
                has_condition(later) && agrees_with_condition(answers, unknown, later)
            }
            Input::Read { .. } | Input::Delete { .. } => false,
        },
    }
}

/// Whether `later` can meet its `If-Match` directly after `unknown`, which leaves an etag unseen: not
/// where that etag stands for a content that `unknown` contradicts.
fn agrees_with_condition(answers: &AnswersOfUser, unknown: &Input, later: &Input) -> bool {
    let (Input::Change { if_match: Some(etag), .. } | Input::Delete { if_match: Some(etag), .. }) =
        later
    else {
        return true;
    };
    let Some(content) = answers.content_of(etag) else {
        return true;
    };
    match unknown {
        Input::Create { fields, .. } => fields == content,
        Input::Change { patch, .. } => patch.agrees_with(content),
        Input::Read { .. } | Input::Delete { .. } => true,
    }
}

fn has_condition(later: &Input) -> bool {
    match later {
        Input::Change { if_match, .. } | Input::Delete { if_match, .. } => if_match.is_some(),
        Input::Create { .. } | Input::Read { .. } => false,
    }
}

fn patch_of(later: &Input) -> Patch {
    match later {
        Input::Change { patch, .. } => patch.clone(),
        _ => Patch::default(),
    }
}

impl Patch {
    /// The patch that sets every field.
    fn to_all_of(fields: &super::Fields) -> Self {
        Self {
            name: Some(fields.name.clone()),
            email: Some(fields.email.clone()),
            group: Some(fields.group),
        }
    }

    /// The part that sets fields which `other` does not set.
    fn without(&self, other: &Self) -> Self {
        Self {
            name: self.name.clone().filter(|_| other.name.is_none()),
            email: self.email.clone().filter(|_| other.email.is_none()),
            group: self.group.filter(|_| other.group.is_none()),
        }
    }

    /// Whether `other` sets every field that this one sets.
    fn is_covered_by(&self, other: &Self) -> bool {
        self.without(other) == Self::default()
    }

    /// Whether some field is set by both.
    fn overlaps(&self, other: &Self) -> bool {
        self.without(other) != *self
    }
}
