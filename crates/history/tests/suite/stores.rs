//! Correct stores, and histories of concurrent clients on them.

use history::users::{Fields, Patch};
use history::{ClientId, Event, History, Model, OperationId, Outcome, register, users};

use crate::choices::Choices;

/// A store that executes one operation after the other, written without the models.
pub(crate) trait Store: Default {
    type Model: Model<Input = Self::Input, Output = Self::Output>;
    type Input: Clone;
    type Output: Clone;

    /// The model for its histories.
    fn model(history: &HistoryOf<Self>) -> Self::Model;

    /// An operation worth a request now.
    fn draw(&self, choices: &mut Choices) -> Self::Input;

    fn execute(&mut self, input: &Self::Input) -> Self::Output;
}

/// The number of clients and operations, and the share of each outcome other than done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    pub(crate) clients: usize,
    pub(crate) operations: usize,
    pub(crate) unknown_percent: usize,
    pub(crate) not_done_percent: usize,
}

pub(crate) type HistoryOf<S> = History<<S as Store>::Input, <S as Store>::Output>;

/// The stage of an operation after its invocation.
enum Stage<S: Store> {
    Sent(OperationId, S::Input),
    Executed(OperationId, S::Output),
}

/// The history of clients with one shared store. It is linearizable, because the store executes
/// every done operation at one point between its invocation and its completion. An operation of
/// unknown outcome is executed at any time after its invocation, or never.
pub(crate) fn concurrent_history<S: Store>(choices: &mut Choices, shape: Shape) -> HistoryOf<S> {
    let mut store = S::default();
    let mut clients: Vec<Option<Stage<S>>> = (0..shape.clients).map(|_| None).collect();
    let mut adrift: Vec<S::Input> = Vec::new();
    let mut events = Vec::new();
    let mut operation_count = 0;
    loop {
        if !adrift.is_empty() && choices.percent(5) {
            store.execute(&adrift.swap_remove(choices.below(adrift.len())));
        }
        let client = choices.below(shape.clients);
        let time_ns = events.len() as u64 + 1;
        let (event, stage) = match clients[client].take() {
            None if operation_count == shape.operations => {
                if clients.iter().all(Option::is_none) {
                    break;
                }
                // Let the other clients finish, whichever client was chosen.
                clients.rotate_left(1);
                continue;
            }
            None => {
                let input = store.draw(choices);
                let operation = OperationId(operation_count as u64);
                operation_count += 1;
                let event = Event::Invocation {
                    client: ClientId(client as u64),
                    operation,
                    time_ns,
                    input: input.clone(),
                };
                (event, Some(Stage::Sent(operation, input)))
            }
            Some(Stage::Sent(operation, input)) => {
                let outcome = if choices.percent(shape.not_done_percent) {
                    Outcome::NotDone
                } else if choices.percent(shape.unknown_percent) {
                    adrift.push(input);
                    Outcome::Unknown
                } else {
                    let output = store.execute(&input);
                    clients[client] = Some(Stage::Executed(operation, output));
                    continue;
                };
                (completion(operation, time_ns, outcome), None)
            }
            Some(Stage::Executed(operation, output)) => {
                (completion(operation, time_ns, Outcome::Done(output)), None)
            }
        };
        clients[client] = stage;
        events.push(event);
    }
    History::from_events(events).unwrap()
}

fn completion<I, O>(operation: OperationId, time_ns: u64, outcome: Outcome<O>) -> Event<I, O> {
    Event::Completion { operation, time_ns, outcome }
}

/// The history with the outcomes of two operations exchanged. This often makes it impossible.
pub(crate) fn with_outcomes_exchanged<I: Clone, O: Clone>(
    choices: &mut Choices,
    history: &History<I, O>,
) -> History<I, O> {
    let mut events = history.events().to_vec();
    let completions: Vec<usize> = (0..events.len())
        .filter(|index| matches!(events[*index], Event::Completion { .. }))
        .collect();
    if completions.is_empty() {
        return history.clone();
    }
    let (first, second) = (choices.pick(&completions), choices.pick(&completions));
    let outcomes = [first, second].map(|index| match &events[index] {
        Event::Completion { outcome, .. } => outcome.clone(),
        Event::Invocation { .. } => unreachable!("only completions were chosen"),
    });
    let [of_first, of_second] = outcomes;
    for (index, exchanged) in [(first, of_second), (second, of_first)] {
        if let Event::Completion { outcome, .. } = &mut events[index] {
            *outcome = exchanged;
        }
    }
    History::from_events(events).unwrap()
}

/// A register with compare-and-set.
#[derive(Default)]
pub(crate) struct RegisterStore {
    value: Option<i64>,
}

impl Store for RegisterStore {
    type Model = register::Register;
    type Input = register::Input;
    type Output = register::Output;

    fn model(_: &register::RegisterHistory) -> register::Register {
        register::Register
    }

    fn draw(&self, choices: &mut Choices) -> register::Input {
        match choices.below(3) {
            0 => register::Input::Read,
            1 => register::Input::Write(choices.below(3) as i64),
            _ => register::Input::CompareAndSet {
                from: choices.below(3) as i64,
                to: choices.below(3) as i64,
            },
        }
    }

    fn execute(&mut self, input: &register::Input) -> register::Output {
        match *input {
            register::Input::Read => register::Output::Value(self.value),
            register::Input::CompareAndSet { from, .. } if self.value != Some(from) => {
                register::Output::Different
            }
            register::Input::Write(value) | register::Input::CompareAndSet { to: value, .. } => {
                self.value = Some(value);
                register::Output::Set
            }
        }
    }
}

/// A store of one user.
#[derive(Default)]
pub(crate) struct UserStore {
    record: Option<(Fields, String)>,
    versions: usize,
}

impl UserStore {
    fn put(&mut self, fields: Fields) -> String {
        self.versions += 1;
        let etag = format!("e{}", self.versions);
        self.record = Some((fields, etag.clone()));
        etag
    }

    /// `If-Match` and `If-None-Match`: mostly neither. Otherwise the etags of the last versions,
    /// or of a version yet to come.
    fn draw_condition(&self, choices: &mut Choices) -> (Option<String>, Option<String>) {
        if !choices.percent(40) {
            return (None, None);
        }
        let mut version = || (self.versions + 1).saturating_sub(choices.below(3));
        let (first, second) = (version(), version());
        match choices.below(12) {
            8 => (None, Some("*".to_owned())),
            9 => (None, Some(format!("W/e{first},e{second}"))),
            10 => (Some(format!("e{first}, e{second}")), None),
            11 => (Some(format!("W/e{first}, e{second}")), Some(format!("e{first}"))),
            _ => (Some(format!("e{first}")), None),
        }
    }
}

/// How etags are compared (RFC 9110, section 8.8.3.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Strong,
    Weak,
}

/// Whether a list contains an etag.
fn names(list: &str, etag: &str, comparison: Comparison) -> bool {
    let of = |listed: &str| match listed.trim().strip_prefix("W/") {
        Some(listed) => comparison == Comparison::Weak && listed == etag,
        None => matches!(listed.trim(), "*") || listed.trim() == etag,
    };
    list.split(',').any(of)
}

impl Store for UserStore {
    type Model = users::UserModel;
    type Input = users::Input;
    type Output = users::Output;

    fn model(history: &users::UserHistory) -> users::UserModel {
        users::UserModel::for_history(history)
    }

    fn draw(&self, choices: &mut Choices) -> users::Input {
        let id = String::from("u1");
        let texts = ["a", "b", "c"].map(String::from);
        match choices.below(8) {
            0 | 1 => users::Input::Create {
                id,
                fields: Fields {
                    name: choices.pick(&texts),
                    email: choices.pick(&texts),
                    group: choices.below(3) as u32,
                },
            },
            2 | 3 => users::Input::Read { id },
            4 => {
                let (if_match, if_none_match) = self.draw_condition(choices);
                users::Input::Delete { id, if_match, if_none_match }
            }
            _ => {
                let patch = Patch {
                    name: choices.percent(50).then(|| choices.pick(&texts)),
                    email: choices.percent(50).then(|| choices.pick(&texts)),
                    group: choices.percent(50).then(|| choices.below(3) as u32),
                };
                let (if_match, if_none_match) = self.draw_condition(choices);
                users::Input::Change { id, patch, if_match, if_none_match }
            }
        }
    }

    fn execute(&mut self, input: &users::Input) -> users::Output {
        let Some((present, etag)) = self.record.clone() else {
            return match input {
                users::Input::Create { fields, .. } => {
                    users::Output::Created { etag: Some(self.put(fields.clone())) }
                }
                _ => users::Output::NotFound,
            };
        };
        match input {
            users::Input::Create { .. } => users::Output::AlreadyExists,
            users::Input::Read { .. } => users::Output::Found { fields: present, etag: Some(etag) },
            users::Input::Change { if_match, if_none_match, .. }
            | users::Input::Delete { if_match, if_none_match, .. }
                if if_match
                    .as_ref()
                    .is_some_and(|listed| !names(listed, &etag, Comparison::Strong))
                    || if_none_match
                        .as_ref()
                        .is_some_and(|listed| names(listed, &etag, Comparison::Weak)) =>
            {
                users::Output::PreconditionFailed
            }
            users::Input::Delete { .. } => {
                self.record = None;
                users::Output::Deleted
            }
            users::Input::Change { patch, .. } => {
                let fields = Fields {
                    name: patch.name.clone().unwrap_or(present.name),
                    email: patch.email.clone().unwrap_or(present.email),
                    group: patch.group.unwrap_or(present.group),
                };
                let etag = Some(self.put(fields.clone()));
                users::Output::Changed { fields, etag }
            }
        }
    }
}

/// A store of one user. Its clients never write the same name, address or group twice. Tests
/// should write in this way, because wrong orders are then noticed at once.
#[derive(Default)]
pub(crate) struct DistinctUserStore(UserStore);

impl Store for DistinctUserStore {
    type Model = users::UserModel;
    type Input = users::Input;
    type Output = users::Output;

    fn model(history: &users::UserHistory) -> users::UserModel {
        users::UserModel::for_history(history)
    }

    fn draw(&self, choices: &mut Choices) -> users::Input {
        let mut input = self.0.draw(choices);
        let number = choices.distinct();
        match &mut input {
            users::Input::Create { fields, .. } => {
                *fields = Fields {
                    name: format!("name {number}"),
                    email: format!("email {number}"),
                    group: number as u32,
                };
            }
            users::Input::Change { patch, .. } => {
                *patch = Patch {
                    name: patch.name.as_ref().map(|_| format!("name {number}")),
                    email: patch.email.as_ref().map(|_| format!("email {number}")),
                    group: patch.group.map(|_| number as u32),
                };
            }
            users::Input::Read { .. } | users::Input::Delete { .. } => {}
        }
        input
    }

    fn execute(&mut self, input: &users::Input) -> users::Output {
        self.0.execute(input)
    }
}
