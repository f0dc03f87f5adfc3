//! Clients: each speaks HTTP to the gateway over a kept connection, one operation after the
//! other.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use history::users::rest::{self, Sent};
use history::users::{Input, Output};
use history::{ClientId, Outcome, Recorder};
use http::header::{HOST, RETRY_AFTER};
use http::{HeaderValue, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until, timeout};
use turmoil::net::TcpStream;

use super::deps::REST_PORT;
use crate::plan::host::Host;
use crate::plan::workload::PlannedOperation;
use crate::seen::{Answered, ClientDid, Log, Seen, ServedBy};

/// How long a client tries to connect.
const CONNECT_DEADLINE: Duration = Duration::from_secs(1);

/// The settings shared by all clients.
#[derive(Clone)]
pub(crate) struct Clients {
    pub(crate) log: Log,
    pub(crate) recorder: Recorder<Input, Output>,
    /// How long a client waits for an answer.
    pub(crate) patience: Duration,
    /// When the planned operations end. Operations too late for that are left out.
    pub(crate) until: Duration,
}

/// One client.
struct Client {
    id: ClientId,
    shared: Clients,
    connection: Option<http1::SendRequest<Full<Bytes>>>,
    /// The etag seen last, for each user.
    etags: BTreeMap<String, String>,
    /// The number of preconditions asked for so far. The forms of preconditions take turns.
    preconditions: u64,
}

/// The progress of an attempt without an answer.
struct Failed {
    sent: Sent,
    problem: String,
}

impl Clients {
    /// Runs a client through its planned operations, until their time is over, then through
    /// operations from the channel.
    pub(crate) async fn run(
        self,
        id: ClientId,
        planned: Vec<PlannedOperation>,
        mut more: mpsc::UnboundedReceiver<PlannedOperation>,
    ) {
        let start = Instant::now();
        let (connection, etags) = (None, BTreeMap::new());
        let mut client = Client { id, shared: self, connection, etags, preconditions: 0 };
        for operation in planned {
            sleep_until(start + Duration::from_millis(operation.at_ms)).await;
            if start.elapsed() >= client.shared.until {
                break;
            }
            client.operate(operation).await;
        }
        // Operations from now on must succeed, so they need a new connection: the gateway at
        // the other end of the old one may be long gone.
        client.connection = None;
        while let Some(operation) = more.recv().await {
            client.operate(operation).await;
        }
    }
}

impl Client {
    async fn operate(&mut self, operation: PlannedOperation) {
        let input = self.with_precondition(operation);
        let pending = self.shared.recorder.invoke(self.id, input.clone());
        let operation = pending.operation();
        let (client, log) = (self.id, self.shared.log.clone());
        let tell = |did| log.tell(Seen::Client { client, operation, did });
        tell(ClientDid::Invoked(input.clone()));
        let began = Instant::now();
        let response = timeout(self.shared.patience, self.call(&input)).await;
        let took = began.elapsed();
        let answered = match response {
            Ok(Ok(response)) => answered(input, &response, took),
            Ok(Err(failed)) => self.failed(input, failed, took),
            Err(_) => {
                let problem = "the client lost its patience".to_owned();
                self.failed(input, Failed { sent: Sent::Something, problem }, took)
            }
        };
        if let Outcome::Done(
            Output::Found { etag: Some(etag), .. }
            | Output::Changed { etag: Some(etag), .. }
            | Output::Created { etag: Some(etag) },
        ) = &answered.outcome
        {
            self.etags.insert(answered.input.id().to_owned(), etag.clone());
        }
        pending.complete(answered.outcome.clone());
        tell(ClientDid::Completed(answered));
    }

    fn with_precondition(&mut self, operation: PlannedOperation) -> Input {
        let PlannedOperation { mut input, if_match: wanted, .. } = operation;
        let Some(etag) = self.etags.get(input.id()).filter(|_| wanted) else { return input };
        if let Input::Change { if_match, if_none_match, .. }
        | Input::Delete { if_match, if_none_match, .. } = &mut input
        {
            self.preconditions += 1;
            match self.preconditions % 4 {
                0 => *if_none_match = Some(format!("W/{etag}")),
                1 => *if_match = Some(format!("\"of-another-server\", {etag}")),
                _ => *if_match = Some(etag.clone()),
            }
        }
        input
    }

    async fn call(&mut self, input: &Input) -> Result<Response<Bytes>, Failed> {
        let unsent = |problem: String| Failed { sent: Sent::Nothing, problem };
        let connection = match self.connection.take().filter(|connection| !connection.is_closed()) {
            Some(connection) => connection,
            None => connect().await.map_err(unsent)?,
        };
        let connection = self.connection.insert(connection);
        connection.ready().await.map_err(|error| unsent(error.to_string()))?;
        let lost =
            |error: hyper::Error| Failed { sent: Sent::Something, problem: error.to_string() };
        let mut request = rest::request("", input).map(|body| Full::new(Bytes::from(body)));
        request.headers_mut().insert(HOST, HeaderValue::from_static("gateway"));
        let (parts, body) = connection.send_request(request).await.map_err(lost)?.into_parts();
        Ok(Response::from_parts(parts, body.collect().await.map_err(lost)?.to_bytes()))
    }

    /// Ends an operation without an answer. No answer will come over this connection either.
    fn failed(&mut self, input: Input, failed: Failed, took: Duration) -> Answered {
        self.connection = None;
        let outcome = rest::without_answer(&input, failed.sent);
        let problem = Some(failed.problem);
        let (status, served_by, has_retry_after) = (None, None, false);
        Answered { input, outcome, status, served_by, has_retry_after, took, problem }
    }
}

async fn connect() -> Result<http1::SendRequest<Full<Bytes>>, String> {
    let connecting = TcpStream::connect((Host::Gateway.to_string(), REST_PORT));
    let stream = match timeout(CONNECT_DEADLINE, connecting).await {
        Ok(connected) => connected.map_err(|error| error.to_string())?,
        Err(_) => return Err("nobody answers".to_owned()),
    };
    let (sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    tokio::spawn(async move {
        // The sender notices the end of the connection.
        let _ = connection.await;
    });
    Ok(sender)
}

fn answered(input: Input, response: &Response<Bytes>, took: Duration) -> Answered {
    let outcome = rest::outcome(&input, response);
    let is_done = matches!(outcome, Outcome::Done(_));
    let problem = (!is_done).then(|| String::from_utf8_lossy(response.body()).into_owned());
    let (status, served_by) = (Some(response.status().as_u16()), served_by(response));
    let has_retry_after = response.headers().contains_key(RETRY_AFTER);
    Answered { input, outcome, status, served_by, has_retry_after, took, problem }
}

/// Parses `db-1; copy=next; epoch=3`.
fn served_by(response: &Response<Bytes>) -> Option<ServedBy> {
    let text = response.headers().get("chainring-served-by")?.to_str().ok()?;
    let mut parts = text.split("; ");
    let node = parts.next()?.parse().ok()?;
    let member = match parts.next()?.strip_prefix("copy=")? {
        "home" => protocol::view::Member::Home,
        "next" => protocol::view::Member::Next,
        _ => return None,
    };
    let epoch = protocol::id::Epoch(parts.next()?.strip_prefix("epoch=")?.parse().ok()?);
    Some(ServedBy { node, member, epoch })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_says_who_answered() {
        let response = |text: &str| {
            Response::builder().header("chainring-served-by", text).body(Bytes::new()).unwrap()
        };
        let told = served_by(&response("db-1; copy=next; epoch=3")).unwrap();
        assert_eq!(told.node.as_str(), "db-1");
        assert_eq!((told.member, told.epoch.0), (protocol::view::Member::Next, 3));
        assert_eq!(served_by(&response("db-1; copy=other; epoch=3")), None);
        assert_eq!(served_by(&Response::new(Bytes::new())), None);
    }
}
