//! A command line, before its start.

use std::fmt::Display;
use std::path::PathBuf;

use tokio::process::Command;

/// The command line of a process.
#[derive(Debug, Clone)]
pub struct Program {
    /// The name of the process, for people.
    pub name: String,
    /// The executable.
    pub binary: PathBuf,
    /// The flags with a value.
    flags: Vec<(&'static str, String)>,
    /// The arguments behind them.
    more: Vec<String>,
}

impl Program {
    /// An executable without arguments.
    pub fn new(name: &str, binary: PathBuf) -> Self {
        Self { name: name.to_owned(), binary, flags: Vec::new(), more: Vec::new() }
    }

    /// Sets the value of a flag, in place of an earlier value.
    #[must_use]
    pub fn with(mut self, flag: &'static str, value: impl Display) -> Self {
        let value = value.to_string();
        match self.flags.iter_mut().find(|(known, _)| *known == flag) {
            Some((_, known)) => *known = value,
            None => self.flags.push((flag, value)),
        }
        self
    }

    /// Appends arguments as they are.
    #[must_use]
    pub fn and<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.more.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// All arguments, in their order.
    pub fn arguments(&self) -> Vec<String> {
        let flags = self.flags.iter().flat_map(|(flag, value)| [(*flag).to_owned(), value.clone()]);
        flags.chain(self.more.iter().cloned()).collect()
    }

    /// The command to start it.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(self.arguments());
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_has_its_last_value_at_its_first_place() {
        let program = Program::new("db-0", PathBuf::from("db_process"))
            .with("--data", "a")
            .with("--gateway", "b:1")
            .and(["--memory"])
            .with("--data", "c");
        assert_eq!(program.arguments(), ["--data", "c", "--gateway", "b:1", "--memory"]);
    }
}
