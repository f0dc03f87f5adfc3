//! How many files and sockets a process may have open at once.
//!
//! Who runs out of them can accept nobody any more, whoever has them all; so there are to be enough for every connection that
//! the limits of the ports allow.

use std::io;

/// What a process needs beside its connections: its files, most of all those of RocksDB.
const OF_ITS_OWN: u64 = 1_024;

/// Too few.
#[derive(Debug, thiserror::Error)]
pub enum DescriptorsError {
    /// The operating system does not allow as many as are needed.
    #[error(
        "this process may have {allowed} files and sockets open, and may need {needed}: lower --connections-max, or raise the \
         hard limit (ulimit -Hn)"
    )]
    TooFew {
        /// What is allowed.
        allowed: u64,
        /// What may be needed.
        needed: u64,
    },
    /// The operating system does not say, or does not let the process have what it may.
    #[error("the limit of open files cannot be changed: {0}")]
    System(#[from] io::Error),
}

/// Lets the process have so many connections open at once.
///
/// # Errors
///
/// When the operating system does not allow that.
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
