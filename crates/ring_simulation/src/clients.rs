//! The clients' requests, and the history of their answers.

use std::collections::BTreeMap;
use std::time::Duration;

use history::users::{Fields, Input, Output, Patch, UserHistory};
use history::{ClientId, Event, OperationId};
use protocol::entry::Answer;
use protocol::id::Position;
use protocol::message::Action;
use protocol::precondition::{Precondition, Tags};
use protocol::user::{Email, Name, User, UserId, UserPatch};
use ring_core::gateway::{ClientRequest, GatewayEvent, Outcome, Ticket};

use crate::schedule::ClientOperation;

/// The time that a client allows for a request.
const TIME_ALLOWED: Duration = Duration::from_secs(5);

/// The clients of a run.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    /// Every request and every answer, in the order of the run.
    events: Vec<Event<Input, Output>>,
    /// The user of each open request.
    open: BTreeMap<Ticket, UserId>,
    /// How many requests were made.
    asked: u64,
    /// The newest position of each record in an answer.
    last_seen: BTreeMap<UserId, Position>,
    /// The names in updates with a definite outcome: `true` if the update was done.
    pub(crate) decided: BTreeMap<String, bool>,
    /// The name in each open update.
    names: BTreeMap<Ticket, String>,
    /// How many requests were done.
    pub(crate) done: u64,
    /// How many requests were certainly not done.
    pub(crate) not_done: u64,
    /// How many requests ended without a known outcome.
    pub(crate) unknown: u64,
}

impl Clients {
    /// Makes a request. Its values are unique, so they identify the request.
    pub(crate) fn ask(
        &mut self,
        now_ns: u64,
        operation: ClientOperation,
        user: u8,
    ) -> GatewayEvent {
        self.asked += 1;
        let ticket = Ticket(self.asked);
        let id = self::user(user);
        let new = NewValues::new(self.asked);
        let precondition = self.precondition(operation, &id);
        let input = input(operation, &id, &new, &precondition);
        let request = request(operation, &id, &new, precondition);
        let (client, operation) = (ClientId(self.asked), OperationId(self.asked));
        self.events.push(Event::Invocation { client, operation, time_ns: now_ns, input });
        if let ClientRequest::Update(Action::Create { .. } | Action::Change { .. }) = request {
            self.names.insert(ticket, new.name.as_str().to_owned());
        }
        self.open.insert(ticket, id);
        GatewayEvent::Submit { ticket, request, time_allowed: TIME_ALLOWED }
    }

    /// A precondition on the position seen last, if the operation has one and a position was
    /// seen. The kinds of precondition take turns.
    fn precondition(&self, operation: ClientOperation, id: &UserId) -> Precondition {
        let (ClientOperation::ChangeIfMatch | ClientOperation::DeleteIfMatch) = operation else {
            return Precondition::NONE;
        };
        let Some(seen) = self.last_seen.get(id).copied() else { return Precondition::NONE };
        let tags = |positions: &[Position]| Some(Tags::Listed(positions.to_vec()));
        match self.asked % 4 {
            0 => Precondition { if_match: None, if_none_match: tags(&[seen]) },
            1 => Precondition { if_match: tags(&[Position::ZERO, seen]), if_none_match: None },
            _ => Precondition { if_match: tags(&[seen]), if_none_match: None },
        }
    }

    pub(crate) fn complete(&mut self, now_ns: u64, ticket: Ticket, outcome: &Outcome) {
        let id = self.open.remove(&ticket).expect("a request ends once");
        let name = self.names.remove(&ticket);
        let outcome = match outcome {
            Outcome::Done { answer, .. } => {
                self.done += 1;
                if let Some(position) = answer.position() {
                    self.last_seen.insert(id, position);
                }
                if let (Some(name), Answer::Created { .. } | Answer::Changed { .. }) =
                    (name, answer)
                {
                    self.decided.insert(name, true);
                }
                history::Outcome::Done(output(answer))
            }
            Outcome::NotDone(_) => {
                self.not_done += 1;
                if let Some(name) = name {
                    self.decided.insert(name, false);
                }
                history::Outcome::NotDone
            }
            Outcome::Unknown => {
                self.unknown += 1;
                history::Outcome::Unknown
            }
        };
        let operation = OperationId(ticket.0);
        self.events.push(Event::Completion { operation, time_ns: now_ns, outcome });
    }

    /// Records a delete of unknown outcome: the operator's decision drops the record of a user
    /// from now on.
    pub(crate) fn drop_record(&mut self, now_ns: u64, id: &UserId) {
        self.asked += 1;
        let (client, operation) = (ClientId(self.asked), OperationId(self.asked));
        let input = Input::Delete { id: id.to_string(), if_match: None, if_none_match: None };
        self.events.push(Event::Invocation { client, operation, time_ns: now_ns, input });
    }

    /// The gateway died. The clients of its open requests do not know the outcome.
    pub(crate) fn abandon_open(&mut self) {
        self.unknown += self.open.len() as u64;
        self.open.clear();
        self.names.clear();
    }

    pub(crate) fn waiting(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn history(&self) -> UserHistory {
        UserHistory::from_events(self.events.clone()).expect("recorded in order")
    }
}

/// The values of one request.
struct NewValues {
    /// Unique in the run.
    name: Name,
    /// The same for all users.
    email: Email,
    /// Unique in the run.
    group: u32,
}

impl NewValues {
    fn new(number: u64) -> Self {
        Self {
            name: Name::try_from(format!("n{number}")).expect("a name"),
            email: Email::try_from("a@b.c".to_owned()).expect("an address"),
            group: u32::try_from(number).expect("few requests"),
        }
    }
}

/// A request for the gateway.
fn request(
    operation: ClientOperation,
    id: &UserId,
    new: &NewValues,
    precondition: Precondition,
) -> ClientRequest {
    let (id, name) = (id.clone(), new.name.clone());
    match operation {
        ClientOperation::Create => {
            let user = User { id, name, email: new.email.clone(), group: new.group };
            ClientRequest::Update(Action::Create { user, precondition })
        }
        ClientOperation::Read => ClientRequest::Read(id),
        ClientOperation::Change | ClientOperation::ChangeIfMatch => {
            let patch = UserPatch { id, name: Some(name), email: None, group: None };
            ClientRequest::Update(Action::Change { patch, precondition })
        }
        ClientOperation::Delete | ClientOperation::DeleteIfMatch => {
            ClientRequest::Update(Action::Delete { id, precondition })
        }
    }
}

/// The same request for the history.
fn input(
    operation: ClientOperation,
    id: &UserId,
    new: &NewValues,
    precondition: &Precondition,
) -> Input {
    let (id, name) = (id.to_string(), new.name.as_str().to_owned());
    let if_match = precondition.if_match.as_ref().map(header);
    let if_none_match = precondition.if_none_match.as_ref().map(header);
    match operation {
        ClientOperation::Create => {
            let email = new.email.as_str().to_owned();
            Input::Create { id, fields: Fields { name, email, group: new.group } }
        }
        ClientOperation::Read => Input::Read { id },
        ClientOperation::Change | ClientOperation::ChangeIfMatch => {
            let patch = Patch { name: Some(name), ..Patch::default() };
            Input::Change { id, patch, if_match, if_none_match }
        }
        ClientOperation::Delete | ClientOperation::DeleteIfMatch => {
            Input::Delete { id, if_match, if_none_match }
        }
    }
}

/// Tags in the format of a header.
fn header(tags: &Tags) -> String {
    match tags {
        Tags::Any => "*".to_owned(),
        Tags::Listed(positions) => {
            positions.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    }
}

fn output(answer: &Answer) -> Output {
    let etag = answer.position().map(|position| position.to_string());
    let fields = |json: &[u8]| {
        let user = User::from_json(json).expect("a record");
        let (name, email) = (user.name.as_str().to_owned(), user.email.as_str().to_owned());
        Fields { name, email, group: user.group }
    };
    match answer {
        Answer::Found { record, .. } => Output::Found { fields: fields(record), etag },
        Answer::NotFound => Output::NotFound,
        Answer::Created { .. } => Output::Created { etag },
        Answer::AlreadyExists => Output::AlreadyExists,
        Answer::Changed { record, .. } => Output::Changed { fields: fields(record), etag },
        Answer::Deleted => Output::Deleted,
        Answer::PreconditionFailed => Output::PreconditionFailed,
    }
}

/// The id of one of the few users.
pub(crate) fn user(number: u8) -> UserId {
    format!("u{number}").parse().expect("an id")
}
