//! The limit of files and sockets open at once in a process.
//!
//! A process without free descriptors cannot accept any connection, whoever uses the descriptors
//! up. So there must be enough for every connection allowed by the limits of the ports.

use std::io;

/// The descriptors needed beside the connections: the process's files, most of them RocksDB's.
const OF_ITS_OWN: u64 = 1_024;

/// The reason why the process cannot have enough descriptors.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorsError {
    /// The operating system allows fewer than needed.
    #[error(
        "this process may have {allowed} files and sockets open, and may need {needed}: lower --connections-max, or raise the \
         hard limit (ulimit -Hn)"
    )]
    TooFew {
        /// The allowed number.
        allowed: u64,
        /// The number that may be needed.
        needed: u64,
    },
    /// The operating system does not report the limit, or does not let the process raise it.
    #[error("the limit of open files cannot be changed: {0}")]
    System(#[from] io::Error),
}

/// Makes sure that the process can have this number of connections open at once.
///
/// # Errors
///
/// When the operating system does not allow it.
pub fn allow(connections: usize) -> Result<(), DescriptorsError> {
    let needed = OF_ITS_OWN.saturating_add(u64::try_from(connections).unwrap_or(u64::MAX));
    let allowed = rlimit::increase_nofile_limit(needed)?;
    if allowed < needed { Err(DescriptorsError::TooFew { allowed, needed }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_more_than_there_can_be_is_told_what_to_do() {
        assert!(allow(1).is_ok());
        let error = allow(usize::MAX).unwrap_err();
        assert!(error.to_string().contains("lower --connections-max"), "{error}");
    }
}
