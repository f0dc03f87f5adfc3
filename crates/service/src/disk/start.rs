//! A watch over the start of a process, from another thread. It ends the process if a call into
//! the disk does not return.
//!
//! A start may make many calls into a slow disk, one after the other. Together they may take
//! longer than one call may. So the watch checks whether the thread makes progress: since the
//! last look it has used the processor, or has slept and woken up (`proc_pid_stat(5)`,
//! `proc_pid_status(5)`). After a suspension of the machine, only one look counts.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{fs, io, thread};

use process::exit;

/// The number of looks at a thread without progress before the watch ends the process.
const LOOKS: u32 = 20;

/// The shortest time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// The place of the fields `utime` and `stime` in `stat`, counted from the first field after the
/// name.
const PROCESSOR_TIMES_AT: usize = 11;

/// Ends the process if the thread that began the watch makes no progress. Dropping the watch
/// ends it.
#[derive(Debug)]
pub struct StartWatch {
    _over: Sender<()>,
}

impl StartWatch {
    /// Begins to watch the calling thread, before it makes many calls into the disk of
    /// `directory`. Each call may take `deadline`.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread, or no information about the calling one.
    #[allow(clippy::disallowed_methods, reason = "no part of what the simulation runs")]
    pub fn begin(deadline: Duration, directory: &Path) -> io::Result<Self> {
        let watched = Watched::this_thread()?;
        let (over, is_over) = channel();
        let directory = directory.to_owned();
        let watch = move || {
            if watched.stands_still(deadline, &is_over) {
                exit::failed(&format_args!(
                    "the disk of {} has not answered for {deadline:?}. Look at that disk and at what else uses it, \
                     and start the process again",
                    directory.display(),
                ));
            }
        };
        thread::Builder::new().name("start".to_owned()).spawn(watch)?;
        Ok(Self { _over: over })
    }

    /// Runs a future that begins with calls into the disk. The watch lasts until the future
    /// first waits for something else.
    pub async fn while_starting<T>(self, run: impl Future<Output = T>) -> T {
        let started = async {
            drop(self);
            std::future::pending().await
        };
        tokio::select! {
            biased;
            outcome = run => outcome,
            never = started => never,
        }
    }
}

/// A thread of this process.
struct Watched {
    /// The directory of the thread in `/proc`.
    task: PathBuf,
}

impl Watched {
    fn this_thread() -> io::Result<Self> {
        Ok(Self { task: Path::new("/proc").join(fs::read_link("/proc/thread-self")?) })
    }

    /// Waits until the thread has made no progress for `deadline`, and returns true; or until
    /// the watch is over, and returns false.
    fn stands_still(&self, deadline: Duration, is_over: &Receiver<()>) -> bool {
        let pause = deadline.checked_div(LOOKS).unwrap_or_default().max(PAUSE_MIN);
        let mut last = None;
        let mut still = 0;
        while still < LOOKS {
            if is_over.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            let now = self.progress();
            // Without information from the system, assume that the thread makes progress.
            let is_still = now.is_some() && now == last;
            still = if is_still { still.saturating_add(1) } else { 0 };
            last = now;
        }
        true
    }

    /// The numbers that change when the thread runs; none without information from the system.
    fn progress(&self) -> Option<Vec<String>> {
        let status = fs::read_to_string(self.task.join("status")).ok()?;
        let stat = fs::read_to_string(self.task.join("stat")).ok()?;
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(PROCESSOR_TIMES_AT);
        let times = [fields.next()?, fields.next()?];
        let switches = status.lines().filter(|line| line.contains("ctxt_switches"));
        Some(switches.chain(times).map(str::to_owned).collect())
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "threads are what is tested")]
mod tests {
    use super::*;

    const DEADLINE: Duration = Duration::from_millis(200);

    /// Whether the watch finds that a thread doing this work makes no progress.
    fn stands_still(work: impl FnOnce() + Send + 'static) -> bool {
        let ((found, watched), (over, is_over)) = (channel(), channel());
        let worker = thread::spawn(move || {
            found.send(Watched::this_thread().unwrap()).unwrap();
            work();
            drop(over);
        });
        let stands_still = watched.recv().unwrap().stands_still(DEADLINE, &is_over);
        drop(is_over);
        worker.join().unwrap();
        stands_still
    }

    #[test]
    fn a_thread_that_does_not_return_from_a_call_stands_still() {
        assert!(stands_still(|| thread::sleep(10 * DEADLINE)));
    }

    #[test]
    fn a_thread_that_makes_one_short_call_after_the_other_goes_on() {
        assert!(!stands_still(|| (0..20).for_each(|_| thread::sleep(DEADLINE / 4))));
    }
}
