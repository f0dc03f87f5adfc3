//! Streams with deadlines, and their sources: a connector dials them, a listener accepts them.

mod connector;
mod control;
mod deadline;
mod listener;
mod race;
mod tls;

pub use connector::{BoxStream, Connecting, Connector, Stream, TcpConnector};
pub use control::{Control, StreamFailure};
pub use deadline::DeadlineStream;
pub use listener::{Connection, DeadlineListener, NodelayTcpListener, nodelay};
pub use tls::TlsConnector;
