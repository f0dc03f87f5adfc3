//! Whom the commands trust that speak to a gateway with TLS.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;

/// Whose certificates are trusted, as an argument.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Trust {
    /// File with the certificates of the authorities that vouch for the gateway, in PEM; those of the system without it
    #[arg(long, value_name = "FILE", env = "TLS_CA")]
    tls_ca: Option<PathBuf>,
}

impl Trust {
    /// The certificates, where they are given.
    pub(crate) fn pem(&self) -> anyhow::Result<Option<Vec<u8>>> {
        self.tls_ca.as_deref().map(read).transpose()
    }
}

/// What is in a file of PEM.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
