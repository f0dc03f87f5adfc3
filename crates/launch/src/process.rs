//! A running process.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// A running process. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

/// A process that cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {}: {error}", program.display())]
pub struct StartError {
    /// The executable.
    pub program: PathBuf,
    /// The error of the operating system.
    pub error: io::Error,
}

/// How a process ended that was asked to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, in time.
    InTime(ExitStatus),
    /// It was killed, because its time was over.
    Killed,
}

impl Process {
    /// Starts a command.
    ///
    /// # Errors
    ///
    /// When the operating system cannot start it.
    pub fn start(mut command: Command) -> Result<Self, StartError> {
        match command.kill_on_drop(true).spawn() {
            Ok(child) => Ok(Self { child }),
            Err(error) => Err(StartError { program: command.as_std().get_program().into(), error }),
        }
    }

    /// The process id; none once it has ended and was waited for.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a signal.
    ///
    /// # Errors
    ///
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = self.id().and_then(|id| id.try_into().ok()).ok_or(io::ErrorKind::NotFound)?;
        Ok(kill(Pid::from_raw(id), signal)?)
    }

    /// Waits for its end, and closes its standard input if nobody took that. Safe to cancel.
    ///
    /// # Errors
    ///
    /// When the operating system cannot wait for it.
    pub async fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait().await
    }

    /// Its exit status; none while it runs.
    ///
    /// # Errors
    ///
    /// When the operating system cannot tell.
    pub fn status(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Ends it as `kill -9` does, and waits for its end.
    ///
    /// # Errors
    ///
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> io::Result<()> {
        self.child.kill().await
    }

    /// Asks it to end (SIGTERM), and kills it if it does not end within `time`.
    ///
    /// # Errors
    ///
    /// When it cannot be asked, killed or waited for.
    pub async fn end(&mut self, time: Duration) -> io::Result<Ended> {
        if let Some(status) = self.status()? {
            return Ok(Ended::InTime(status));
        }
        self.signal(Signal::SIGTERM)?;
        match timeout(time, self.wait()).await {
            Ok(status) => Ok(Ended::InTime(status?)),
            Err(_) => {
                self.kill().await?;
                Ok(Ended::Killed)
            }
        }
    }

    /// Its standard input, if that is a pipe; once.
    pub fn stdin(&mut self) -> Option<ChildStdin> {
        self.child.stdin.take()
    }

    /// Its standard output, if that is a pipe; once.
    pub fn stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, if that is a pipe; once.
    pub fn stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(std::process::Stdio::piped());
        command
    }

    #[tokio::test]
    async fn a_process_that_does_not_end_when_asked_is_killed() {
        let mut process = Process::start(shell("exec sleep 60")).unwrap();
        let ended = process.end(Duration::from_secs(20)).await.unwrap();
        assert!(matches!(ended, Ended::InTime(status) if !status.success()), "{ended:?}");
        assert!(process.id().is_none());
        assert!(process.signal(Signal::SIGTERM).is_err());

        let mut deaf =
            Process::start(shell("trap '' TERM; echo ready; while :; do sleep 0.05; done"))
                .unwrap();
        let mut ready = [0];
        let mut output = deaf.stdout().unwrap();
        tokio::io::AsyncReadExt::read_exact(&mut output, &mut ready).await.unwrap();
        assert_eq!(deaf.end(Duration::from_millis(50)).await.unwrap(), Ended::Killed);
    }

    #[tokio::test]
    async fn a_program_that_is_missing_is_named() {
        let error = Process::start(Command::new("/no/such/program")).unwrap_err();
        assert!(error.to_string().starts_with("cannot start /no/such/program: "), "{error}");
    }
}
