//! Lines of text for people. The writer of a line never waits for its reader.
//!
//! ```text
//!   push ----> queue, bounded in bytes ----> its own thread ----> output (pipe, terminal, file)
//!                 | full: the oldest line is dropped and counted
//! ```
//!
//! - When there is room again, the thread reports dropped lines at the place where they are
//!   missing.
//! - The newest lines stay, so the last words of a process come out if anybody reads the output.
//!
//! `tracing-appender` has a similar queue. It drops the newest lines, bounds their number but
//! not their bytes, and prints to standard output when it cannot end.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::threads::{SystemThreads, Threads};

/// The most bytes of lines waiting for their reader: a thousand lines of a log.
const BYTES_MAX: usize = 128 << 10;

/// The queue in front of an output. A clone is the same queue.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    more: Condvar,
    idle: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The number of dropped lines not yet reported in the output.
    untold: u64,
    /// Whether the thread is writing a line already taken from the queue.
    is_writing: bool,
}

impl Lines {
    /// Starts a thread that writes to `output` from now on. `tell_dropped` writes the number of
    /// missing lines.
    ///
    /// # Errors
    ///
    /// When the operating system gives no thread.
    pub fn start<W: Write + Send + 'static>(
        name: &str,
        output: W,
        tell_dropped: impl FnMut(&mut W, u64) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Self> {
        let lines = Self::default();
        let shared = Arc::clone(&lines.shared);
        let write = async move { shared.write_to(output, tell_dropped) };
        SystemThreads.spawn_loop(name, Box::pin(write))?;
        Ok(lines)
    }

    /// Queues one line, or several lines that belong together, with the line feed at the end.
    /// Never waits for the output.
    pub fn push(&self, line: &[u8]) {
        let mut queue = self.shared.lock();
        while queue.bytes + line.len() > BYTES_MAX
            && let Some(oldest) = queue.lines.pop_front()
        {
            queue.bytes -= oldest.len();
            queue.untold += 1;
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
        }
        queue.bytes += line.len();
        queue.lines.push_back(line.to_owned());
        self.shared.more.notify_one();
    }

    /// Waits until the output has every line, for `wait_max` at most.
    pub fn flush(&self, wait_max: Duration) {
        let is_busy = |queue: &mut Queue| queue.is_writing || !queue.lines.is_empty();
        drop(self.shared.idle.wait_timeout_while(self.shared.lock(), wait_max, is_busy));
    }

    /// The number of lines dropped so far.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }
}

/// Each write is a line.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to<W: Write>(
        &self,
        mut output: W,
        mut tell_dropped: impl FnMut(&mut W, u64) -> io::Result<()>,
    ) {
        loop {
            let (dropped, line) = self.next();
            let told = if dropped > 0 { tell_dropped(&mut output, dropped) } else { Ok(()) };
            let written = output.write_all(&line).and_then(|()| output.flush());
            let mut queue = self.lock();
            queue.is_writing = false;
            if told.is_err() {
                queue.untold += dropped;
            }
            if written.is_err() {
                queue.untold += 1;
                self.dropped.fetch_add(1, Ordering::Relaxed);
            }
            if queue.lines.is_empty() {
                self.idle.notify_all();
            }
        }
    }

    /// Waits for a line. Returns it, and the number of missing lines before it.
    fn next(&self) -> (u64, Vec<u8>) {
        let mut queue = self.lock();
        loop {
            if let Some(line) = queue.lines.pop_front() {
                queue.bytes -= line.len();
                queue.is_writing = true;
                return (std::mem::take(&mut queue.untold), line);
            }
            queue = self.more.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{PipeReader, Read, pipe};

    use super::*;

    /// Longer than any wait in these tests.
    const SOON: Duration = Duration::from_secs(30);

    fn lines() -> (Lines, PipeReader) {
        let (reader, writer) = pipe().unwrap();
        let tell = |writer: &mut io::PipeWriter, lines| writeln!(writer, "{lines} are missing");
        (Lines::start("lines", writer, tell).unwrap(), reader)
    }

    /// Reads until a certain line has come, and returns the whole text read.
    fn read_to(reader: &mut PipeReader, last: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(last.as_bytes()) {
            let mut byte = [0];
            reader.read_exact(&mut byte).unwrap();
            read.extend(byte);
        }
        String::from_utf8(read).unwrap()
    }

    #[test]
    fn lines_that_are_read_come_out_in_order() {
        let (lines, mut reader) = lines();
        for line in ["one\n", "two\n", "three\n"] {
            lines.push(line.as_bytes());
        }
        assert_eq!(read_to(&mut reader, "three\n"), "one\ntwo\nthree\n");
        lines.flush(SOON);
        assert_eq!(lines.dropped(), 0);
    }

    #[test]
    fn nobody_waits_for_a_reader_that_does_not_read_and_what_is_missing_is_told() {
        const LINES: u64 = 10_000;
        let (lines, mut reader) = lines();
        lines.push(format!("a line with the number {:>40}\n", 0).as_bytes());
        lines.flush(SOON);
        for number in 1..LINES {
            lines.push(format!("a line with the number {number:>40}\n").as_bytes());
        }
        lines.flush(Duration::from_millis(10));
        let dropped = lines.dropped();
        assert!(dropped > 0, "the queue has no bound");
        lines.push(b"the last words\n");
        let read = read_to(&mut reader, "the last words\n");
        let told = read.lines().filter_map(|line| line.strip_suffix(" are missing"));
        let told = told.map(|lines| lines.parse::<u64>().unwrap()).sum::<u64>();
        assert_eq!(told, lines.dropped());
        let numbered = read.lines().filter(|line| line.starts_with("a line")).count();
        assert_eq!(numbered as u64 + told, LINES);
        assert!(read.starts_with(&format!("a line with the number {:>40}\n", 0)), "{read}");
    }

    #[test]
    fn an_output_that_fails_costs_its_lines_and_no_more() {
        let (lines, reader) = lines();
        drop(reader);
        lines.push(b"nobody reads this\n");
        lines.flush(SOON);
        assert_eq!(lines.dropped(), 1);
    }
}
