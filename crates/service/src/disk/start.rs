//! The start of a process, watched from another thread: it ends where a call into the disk does not return.
//!
//! A start may ask a slow disk for much, one call after the other, and take longer than one call may. So the watch looks at
//! whether the thread goes on: it has used the processor, or has slept and woken up, since the last look
//! (`proc_pid_stat(5)`, `proc_pid_status(5)`). A machine that was suspended costs one look.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use std::{fs, io, thread};

use process::exit;

/// How often the thread is looked at before it is given up.
const LOOKS: u32 = 20;

/// The least time between two looks.
const PAUSE_MIN: Duration = Duration::from_millis(10);

/// Where the fields `utime` and `stime` are in `stat`, counted from what follows the name.
const PROCESSOR_TIMES_AT: usize = 11;

/// Ends the process where the thread that began the watch stands still; until it is dropped.
#[derive(Debug)]
pub struct StartWatch {
    _over: Sender<()>,
}

impl StartWatch {
    /// Begins to watch the calling thread, which is about to ask the disk of `directory` for much. Each call may take
    /// `deadline`.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread, or does not tell of this one.
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

    /// Runs what starts by asking the disk, and watches it until it waits for something else.
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
    /// Its directory in `/proc`.
    task: PathBuf,
}

impl Watched {
    fn this_thread() -> io::Result<Self> {
        Ok(Self { task: Path::new("/proc").join(fs::read_link("/proc/thread-self")?) })
    }

    /// Returns whether the thread has stood still for that long, once it has or the watch is over.
    fn stands_still(&self, deadline: Duration, is_over: &Receiver<()>) -> bool {
        let pause = deadline.checked_div(LOOKS).unwrap_or_default().max(PAUSE_MIN);
        let mut last = None;
        let mut still = 0;
        while still < LOOKS {
            if is_over.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return false;
            }
            let now = self.progress();
            // Where the system does not tell, the thread has the benefit of the doubt.
            let is_still = now.is_some() && now == last;
            still = if is_still { still.saturating_add(1) } else { 0 };
            last = now;
        }
        true
    }

    /// What changes when the thread runs.
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

    /// Whether a thread that does this is found to stand still, before the end of the watch.
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
