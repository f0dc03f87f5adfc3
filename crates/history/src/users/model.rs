//! The sequential meaning of operations on one user record.

use super::answers::{Answers, AnswersOfUser};
use super::condition::Condition;
use super::record::Record;
use super::{Fields, Input, Output, Patch, UserHistory};
use crate::model::Model;

/// The model of one user record; see the [module](super). The record is absent at the start.
#[derive(Debug, Clone, Default)]
pub struct UserModel {
    answers: Answers,
}

impl UserModel {
    /// The model for `history`. It knows beforehand the contents of all answers. So it is
    /// stricter (an etag of one content is never the etag of another), and the search is much
    /// faster. The default model knows nothing.
    pub fn for_history(history: &UserHistory) -> Self {
        Self { answers: Answers::of_history(history) }
    }
}

impl Model for UserModel {
    type State = Option<Record>;
    type Input = Input;
    type Output = Output;

    fn initial(&self) -> Self::State {
        None
    }

    fn step(
        &self,
        state: &Self::State,
        input: &Input,
        output: Option<&Output>,
    ) -> Option<Self::State> {
        let answers = self.answers.of_user(input.id());
        match (state, output) {
            (_, None) => {
                Some(effect(answers, state.as_ref(), input).unwrap_or_else(|| state.clone()))
            }
            (None, Some(output)) => answer_of_absent(input, output),
            (Some(record), Some(output)) => answer_of_present(answers, record, input, output),
        }
    }

    fn has_effect(&self, input: &Input, output: Option<&Output>) -> bool {
        let is_refused = matches!(
            output,
            Some(Output::AlreadyExists | Output::NotFound | Output::PreconditionFailed)
        );
        !is_refused && !matches!(input, Input::Read { .. })
    }

    fn are_alike(&self, first: &Input, second: &Input) -> bool {
        // Values never shown by an answer make no difference.
        let answers = self.answers.of_user(first.id());
        match (first, second) {
            (Input::Create { .. }, Input::Create { .. }) => {
                first.id() == second.id()
                    && effect(answers, None, first) == effect(answers, None, second)
            }
            (
                Input::Change { patch: first_patch, .. },
                Input::Change { patch: second_patch, .. },
            ) if Condition::of(first).is_none() && Condition::of(second).is_none() => {
                first.id() == second.id()
                    && answers.shown_part(first_patch) == answers.shown_part(second_patch)
            }
            _ => first == second,
        }
    }

    fn describe(&self, input: &Input, output: Option<&Output>) -> String {
        match output {
            Some(output) => format!("{input} -> {output}"),
            None => format!("{input} -> unknown"),
        }
    }

    fn describe_state(&self, state: &Self::State) -> String {
        match state {
            Some(record) => record.to_string(),
            None => String::from("absent"),
        }
    }
}

/// The state after an operation of unknown outcome took effect, with an etag unseen by all; none
/// if the operation has no effect in this state.
fn effect(
    answers: &AnswersOfUser,
    record: Option<&Record>,
    input: &Input,
) -> Option<Option<Record>> {
    match (record, input) {
        (None, Input::Create { fields, .. }) => Some(Some(Record {
            name: answers.shown_name(&fields.name),
            email: answers.shown_email(&fields.email),
            group: answers.shown_group(fields.group),
            etag: None,
        })),
        (Some(record), Input::Change { patch, .. })
            if Condition::of(input).may_hold(record, answers) =>
        {
            let (name, email, group) = answers.shown_part(patch);
            Some(Some(Record {
                name: name.unwrap_or_else(|| record.name.clone()),
                email: email.unwrap_or_else(|| record.email.clone()),
                group: group.unwrap_or(record.group),
                etag: None,
            }))
        }
        (Some(record), Input::Delete { .. }) => {
            Condition::of(input).may_hold(record, answers).then_some(None)
        }
        _ => None,
    }
}

fn answer_of_absent(input: &Input, output: &Output) -> Option<Option<Record>> {
    match (input, output) {
        (Input::Create { fields, .. }, Output::Created { etag }) => {
            Some(Some(Record::new(fields, etag.clone())))
        }
        (Input::Read { .. } | Input::Change { .. } | Input::Delete { .. }, Output::NotFound) => {
            Some(None)
        }
        _ => None,
    }
}

fn answer_of_present(
    answers: &AnswersOfUser,
    record: &Record,
    input: &Input,
    output: &Output,
) -> Option<Option<Record>> {
    let unchanged = || Some(record.clone());
    let condition = Condition::of(input);
    match (input, output) {
        (Input::Create { .. }, Output::AlreadyExists) => Some(unchanged()),
        (Input::Read { .. }, Output::Found { fields, etag }) => {
            let agrees = record.contains(fields) && record.may_have(etag, answers);
            let known = etag.clone().or_else(|| record.etag.clone());
            agrees.then(|| Some(Record::new(fields, known)))
        }
        (Input::Change { patch, .. }, Output::Changed { fields, etag }) => {
            let agrees = condition.may_hold(record, answers)
                && patch.agrees_with(fields)
                && record.contains_but_for(patch, fields);
            agrees.then(|| Some(Record::new(fields, etag.clone())))
        }
        (Input::Delete { .. }, Output::Deleted) => {
            condition.may_hold(record, answers).then_some(None)
        }
        (Input::Change { .. } | Input::Delete { .. }, Output::PreconditionFailed) => {
            condition.may_fail(record, answers).then(unchanged)
        }
        _ => None,
    }
}

impl Record {
    /// A record with all values known.
    fn new(fields: &Fields, etag: Option<String>) -> Self {
        Self {
            name: Some(fields.name.clone()),
            email: Some(fields.email.clone()),
            group: Some(fields.group),
            etag,
        }
    }

    pub(super) fn contains(&self, fields: &Fields) -> bool {
        self.contains_but_for(&Patch::default(), fields)
    }

    /// Whether its values are those of `fields`, ignoring the fields set by `patch`.
    fn contains_but_for(&self, patch: &Patch, fields: &Fields) -> bool {
        (patch.name.is_some() || self.name.as_ref() == Some(&fields.name))
            && (patch.email.is_some() || self.email.as_ref() == Some(&fields.email))
            && (patch.group.is_some() || self.group == Some(fields.group))
    }

    /// Whether it may have the requested etag. It may if no etag is requested; if its own etag
    /// is the requested one; or if nobody has seen its etag and the requested one does not stand
    /// for another content.
    fn may_have(&self, asked_for: &Option<String>, answers: &AnswersOfUser) -> bool {
        match (&self.etag, asked_for) {
            (_, None) => true,
            (Some(own), Some(asked_for)) => own == asked_for,
            (None, Some(asked_for)) => {
                answers.content_of(asked_for).is_none_or(|content| self.contains(content))
            }
        }
    }
}

impl Patch {
    /// Whether every value set by the patch is the one in `fields`.
    fn agrees_with(&self, fields: &Fields) -> bool {
        self.name.as_ref().is_none_or(|name| *name == fields.name)
            && self.email.as_ref().is_none_or(|email| *email == fields.email)
            && self.group.is_none_or(|group| group == fields.group)
    }
}
