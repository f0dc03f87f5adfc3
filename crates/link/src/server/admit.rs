//! Admit: asks the acceptor when a peer connects, and registers its handlers before anything
//! else can arrive.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex};

use axum::extract::ConnectInfo;
use port::{Connection, lock};
use protocol::refusal::{Refusal, RefusalCode};
use protocol::version::Version;
use serde_json::Value as Json;
use socketioxide::handler::{FromConnectParts, FromMessage, Value};
use socketioxide::socket::{DisconnectReason, Socket};
use tracing::{debug, info, info_span};

use super::acceptor::{Acceptor, Admission, OpenLink, OpenObserver};
use super::adapter::{AdapterSlot, RawAdapter, SocketHandle};
use super::link_end::LinkEnd;
use super::observer::{Observer, ObserverEnd};
use super::writer;
use crate::frame::{Frame, frame_of};
use crate::reason::Violation;
use crate::settings::Settings;

/// Decides about every peer that connects.
pub(super) struct Gate<A> {
    acceptor: A,
    adapter: AdapterSlot,
    settings: Settings,
}

/// A peer that the acceptor has let in.
struct Admitted<'socket> {
    socket: &'socket SocketHandle,
    connection: Connection,
    adapter: Arc<RawAdapter>,
}

impl<A: Acceptor> Gate<A> {
    pub(super) fn new(acceptor: A, adapter: AdapterSlot, settings: &Settings) -> Arc<Self> {
        Arc::new(Self { acceptor, adapter, settings: settings.clone() })
    }

    fn admit(&self, socket: &SocketHandle, auth: Auth) -> Result<(), Refusal> {
        let not_ready = |detail| Refusal::new(RefusalCode::NotReady, detail);
        let Some(ConnectInfo(connection)) =
            socket.req_parts().extensions.get::<ConnectInfo<Connection>>()
        else {
            return Err(not_ready("the connection is unknown to the server of links"));
        };
        let connection = connection.clone();
        let Some(adapter) = self.adapter.get().and_then(std::sync::Weak::upgrade) else {
            return Err(not_ready("the server of links is going away"));
        };
        let admission = self.acceptor.admit(&auth.0?)?;
        connection.control().authenticated(self.settings.detection());
        match admission {
            Admission::Link { peer, version, open } => {
                // The service limits the number of links itself.
                connection.control().give_back();
                self.admit_link(Admitted { socket, connection, adapter }, &peer, version, open)
            }
            Admission::Observer(open) => {
                self.admit_observer(Admitted { socket, connection, adapter }, open);
            }
        }
        Ok(())
    }

    fn admit_link(
        &self,
        Admitted { socket, connection, adapter }: Admitted<'_>,
        peer: &str,
        version: Version,
        open: OpenLink<A::Out, A::In>,
    ) {
        let address = connection.address();
        let span = info_span!(parent: None, "link", link = %socket.id, peer, %address);
        let link = LinkEnd::new(Arc::clone(connection.control()), &self.settings, span, version);

        let events = Arc::clone(&link);
        socket.on_fallback(move |event: AnyEvent| {
            events.receive(event.0);
            ready(())
        });
        let end = Arc::clone(&link);
        socket.on_disconnect(move |reason: DisconnectReason| {
            end.disconnected(reason);
            ready(())
        });
        on_open(socket, move |socket| {
            if link.open(open) {
                writer::spawn(link, adapter, socket.id);
            }
        });
    }

    fn admit_observer(
        &self,
        Admitted { socket, connection, adapter }: Admitted<'_>,
        open: OpenObserver,
    ) {
        let address = connection.address();
        let span = info_span!(parent: None, "link", link = %socket.id, peer = "observer", %address);
        let end = ObserverEnd::new(Arc::clone(connection.control()), &self.settings, span);
        let disconnect = Arc::clone(&end);
        socket.on_disconnect(move |reason: DisconnectReason| {
            disconnect.disconnected(reason);
            ready(())
        });
        on_open(socket, move |socket| open(Observer::new(socket, adapter, end)));
    }
}

/// The `auth` of a CONNECT packet as JSON, or the refusal of an invalid one.
pub(super) struct Auth(Result<Json, Refusal>);

impl FromConnectParts<RawAdapter> for Auth {
    type Error = Infallible;

    fn from_connect_parts(
        _: &Arc<Socket<RawAdapter>>,
        auth: &Option<Value>,
    ) -> Result<Self, Infallible> {
        let Some(auth) = auth else {
            return Ok(Self(Ok(Json::Null)));
        };
        let json = auth.as_str().and_then(|text| serde_json::from_str(text).ok());
        // Does not repeat the parser's error, because it may cite the text.
        Ok(Self(json.ok_or_else(|| Refusal::new(RefusalCode::Malformed, "auth is not JSON"))))
    }
}

/// An event of any name; it may be a frame.
struct AnyEvent(Result<Frame, Violation>);

impl FromMessage<RawAdapter> for AnyEvent {
    type Error = Infallible;

    fn from_message(
        _: Arc<Socket<RawAdapter>>,
        event: Value,
        acknowledge: Option<i64>,
    ) -> Result<Self, Infallible> {
        Ok(Self(frame_of(event, acknowledge)))
    }
}

/// The middleware for each connecting peer. It runs before the peer learns of its admission.
pub(super) fn middleware<A: Acceptor>(
    gate: Arc<Gate<A>>,
) -> impl FnOnce(SocketHandle, Auth) -> Ready<Result<(), Refusal>> + Clone + Send + Sync + 'static {
    move |socket, auth| {
        let admitted = gate.admit(&socket, auth);
        if let Err(refusal) = &admitted {
            // Does not log the detail, because it may cite the peer's bytes.
            info!(link = %socket.id, code = refusal.code.as_str(), "a peer is refused");
        }
        ready(admitted)
    }
}

/// Runs after the peer has learnt of its admission.
pub(super) fn open(socket: SocketHandle) -> Ready<()> {
    let on_open = socket.extensions.remove::<OnOpen>();
    match on_open.and_then(|on_open| lock(&on_open.0).take()) {
        Some(open) => open(socket),
        None => debug!(link = %socket.id, "a peer is let in for the second time"),
    }
    ready(())
}

type RunOnOpen = Box<dyn FnOnce(SocketHandle) + Send>;

/// Keeps the opening closure in the socket. socketioxide requires it to be `Clone`.
#[derive(Clone)]
struct OnOpen(Arc<Mutex<Option<RunOnOpen>>>);

/// Runs `run` when the socket is open. `run` must not hold the socket, because the socket holds
/// `run`.
fn on_open(socket: &SocketHandle, run: impl FnOnce(SocketHandle) + Send + 'static) {
    socket.extensions.insert(OnOpen(Arc::new(Mutex::new(Some(Box::new(run))))));
}
