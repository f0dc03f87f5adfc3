//! Files followed by the process: it reads them again when they change, without a restart.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;
use tracing::{error, info};

use crate::threads::{Blocking, Threads};

/// The time between two looks at the files.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Reads the files again and again while it is polled. When the result differs from `known`, it
/// calls `take`. Unusable files change nothing; the log gets each error once, until it changes
/// or goes away.
pub async fn follow<T, E>(
    what: &str,
    threads: &Arc<dyn Threads>,
    mut known: T,
    read: impl Fn() -> Result<T, E> + Send + Sync + 'static,
    mut take: impl FnMut(&T) -> Result<(), E>,
) where
    T: PartialEq + Send + 'static,
    E: Display + Send + 'static,
{
    let read = Arc::new(read);
    let mut told = None;
    loop {
        sleep(LOOK_EVERY).await;
        let read = Arc::clone(&read);
        // None if the process is ending.
        let Some(read) = threads.blocking_for(Blocking::Files, move || read()).await else {
            continue;
        };
        let taken = read.and_then(|read| {
            if read != known {
                take(&read)?;
                info!("{what} have changed");
                known = read;
            }
            Ok(())
        });
        match taken {
            Ok(()) => told = None,
            Err(error) => {
                let error = error.to_string();
                if told.as_ref() != Some(&error) {
                    error!(error, "{what} stay as they are");
                    told = Some(error);
                }
            }
        }
    }
}
