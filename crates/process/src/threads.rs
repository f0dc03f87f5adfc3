//! Threads for blocking calls, so that a task waiting for a socket never waits for a disk.

use std::io;
use std::pin::Pin;
use std::thread;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task;

/// A future that owns everything it needs.
pub type OwnedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The kind of a blocking call. A simulation gives each kind its own duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocking {
    /// A write to a node's storage.
    Write,
    /// A sync of a node's storage.
    Sync,
    /// A read of a node's storage.
    Read,
    /// A save of the cluster's state.
    Save,
    /// A look at files of the operator, such as certificates.
    Files,
}

impl Blocking {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Write, Self::Sync, Self::Read, Self::Save, Self::Files];
}

/// The threads for blocking calls.
pub trait Threads: Send + Sync + 'static {
    /// Runs a loop on a thread of its own. The loop may block now and then. It has timers, but
    /// no sockets.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    fn spawn_loop(&self, name: &str, work: OwnedFuture<()>) -> io::Result<()>;

    /// Runs a blocking call on the thread of the calling loop
    /// ([`spawn_loop`](Self::spawn_loop)): the loop waits.
    fn block(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()>;

    /// Runs a blocking call. The future is ready when the call has returned.
    fn blocking(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()>;
}

impl dyn Threads {
    /// As [`block`](Threads::block), and returns the value of the call; none if the call never
    /// returned one.
    pub async fn block_for<T: Send + 'static>(
        &self,
        kind: Blocking,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        returned_by(call, |work| self.block(kind, work)).await
    }

    /// As [`blocking`](Threads::blocking), and returns the value of the call; none if the call
    /// never returned one.
    pub async fn blocking_for<T: Send + 'static>(
        &self,
        kind: Blocking,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        returned_by(call, |work| self.blocking(kind, work)).await
    }
}

async fn returned_by<T: Send + 'static>(
    call: impl FnOnce() -> T + Send + 'static,
    run: impl FnOnce(Box<dyn FnOnce() + Send>) -> OwnedFuture<()>,
) -> Option<T> {
    let (hand_over, returned) = oneshot::channel();
    run(Box::new(move || drop(hand_over.send(call())))).await;
    returned.await.ok()
}

/// Threads of the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemThreads;

#[allow(clippy::disallowed_methods, reason = "the one place that makes threads")]
impl Threads for SystemThreads {
    fn spawn_loop(&self, name: &str, work: OwnedFuture<()>) -> io::Result<()> {
        let runtime = runtime::Builder::new_current_thread().enable_time().build()?;
        thread::Builder::new().name(name.to_owned()).spawn(move || runtime.block_on(work))?;
        Ok(())
    }

    fn block(&self, _kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()> {
        Box::pin(async move { work() })
    }

    fn blocking(&self, _kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()> {
        let done = task::spawn_blocking(work);
        Box::pin(async move {
            if let Err(panic) = done.await
                && panic.is_panic()
            {
                std::panic::resume_unwind(panic.into_panic());
            }
        })
    }
}
