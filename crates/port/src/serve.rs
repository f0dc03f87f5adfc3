//! Serves the connections of a listener, each by a service of its own.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use axum::serve::Listener;
use futures_util::TryFutureExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::{Service, ServiceExt};
use tracing::debug;

use crate::cuts::Cut;
use crate::linger::Lingering;
use crate::paced::Paced;
use crate::port::Port;
use crate::refusal::Refusals;
use crate::stream::{Connection, DeadlineListener, Stream};
use crate::unread::Unread;
use crate::waiting::{TimedStream, Turns};

/// Serves the connections of a listener until `shutdown` is cancelled, each by a service of its
/// own.
///
/// After the shutdown it accepts no more connections. An open connection ends once its requests
/// are answered, or once the rest of a begun request is overdue. The call returns when all have
/// ended.
///
/// An upgraded connection manages itself from then on. It still counts until it ends, or until
/// its peer is admitted as the end of a link. So links take no places from unknown peers.
pub async fn serve<L, S>(
    mut listener: DeadlineListener<L>,
    port: Port,
    service_on: impl Fn(Connection) -> S,
    shutdown: CancellationToken,
) where
    L: Listener<Addr = SocketAddr>,
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let open = TaskTracker::new();
    let refusals = Refusals::default();
    while let Some((stream, address)) = shutdown.run_until_cancelled(listener.accept()).await {
        let place = match port.connections.take(address.ip(), &port.limits) {
            Ok(place) => place,
            Err(no_room) => {
                debug!(%address, %no_room, "a connection is refused");
                if port.tls.is_none() {
                    refusals.tell(stream, &no_room);
                }
                continue;
            }
        };
        stream.control().take(place);
        let service = service_on(Connection::of(&stream, address));
        let service = Paced::new(service, stream.control());
        let (port, shutdown) = (port.clone(), shutdown.clone());
        open.spawn(async move {
            let Some(tls) = &port.tls else {
                return answer(stream, service, &port, &shutdown).await;
            };
            let tls = tls.borrow().clone();
            let handshake = timeout(port.limits.receive_deadline, tls.accept(stream));
            let Some(handshake) = shutdown.run_until_cancelled(handshake).await else {
                return debug!(%address, "the port closes before there is TLS with a peer");
            };
            match handshake.map_err(io::Error::from).flatten() {
                Ok(stream) => answer(stream, service, &port, &shutdown).await,
                Err(error) => {
                    port.connections.cut_off(Cut::NoTls);
                    debug!(%address, %error, "no TLS with a peer");
                }
            }
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
}

/// Answers the requests of a connection.
async fn answer<S>(stream: impl Stream, service: S, port: &Port, shutdown: &CancellationToken)
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let turns = Arc::<Turns>::default();
    let stream = TimedStream::new(Lingering::new(stream), Arc::clone(&turns), port);
    let unread = Arc::<Unread>::default();
    let watching = Arc::clone(&unread);
    let service = service
        .map_future(move |answer| {
            turns.requested();
            let (turns, unread) = (Arc::clone(&turns), Arc::clone(&unread));
            answer.map_ok(move |mut answer| {
                turns.answered(answer.status());
                unread.announce(&mut answer);
                answer
            })
        })
        .map_request(move |request: hyper::Request<Incoming>| {
            request.map(|body| Body::new(watching.watch(body)))
        });
    let connection = http1::Builder::new()
        .half_close(true)
        .header_read_timeout(None)
        .max_buf_size(port.limits.head_bytes_max)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service))
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let served = tokio::select! {
        biased;
        served = connection.as_mut() => served,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        if let Some(cut) = Cut::by_http(&error) {
            port.connections.cut_off(cut);
        }
        debug!(%error, "a connection failed");
    }
}
