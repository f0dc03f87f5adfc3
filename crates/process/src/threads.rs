//! Threads: where blocking calls run, so that those who wait for a socket never wait for a disk.

use std::io;
use std::pin::Pin;
use std::thread;

use tokio::runtime;
use tokio::sync::oneshot;
use tokio::task;

/// A future that owns all it needs.
pub type OwnedFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a blocking call waits for: a simulation gives each kind a time of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Blocking {
    /// A sync of a node's storage.
    Sync,
    /// A read of a node's storage.
    Read,
    /// A save of the cluster's state.
    Save,
    /// A look at files of the operator, such as certificates.
    Files,
}

/// Where blocking calls run.
pub trait Threads: Send + Sync + 'static {
    /// Runs a loop that may block now and then, apart from everything else. It gets timers, and no sockets.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    fn spawn_loop(&self, name: &str, work: OwnedFuture<()>) -> io::Result<()>;

    /// Runs a call that blocks on the thread of the loop that asks for it ([`spawn_loop`](Self::spawn_loop)): the loop waits.
    fn block(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()>;

    /// Runs a call that blocks; the future is ready when it has returned.
    fn blocking(&self, kind: Blocking, work: Box<dyn FnOnce() + Send>) -> OwnedFuture<()>;
}

impl dyn Threads {
    /// As [`block`](Threads::block), with what the call returns; none where that is not to be had, as it panicked.
    pub async fn block_for<T: Send + 'static>(
        &self,
        kind: Blocking,
        call: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        returned_by(call, |work| self.block(kind, work)).await
    }

    /// As [`blocking`](Threads::blocking), with what the call returns; none where that is not to be had, as it panicked.
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
