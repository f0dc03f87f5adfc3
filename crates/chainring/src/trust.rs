//! The authorities trusted by a command when it connects to a gateway with TLS.

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

/// The first line of each certificate.
const BEGIN: &[u8] = b"-----BEGIN CERTIFICATE-----";

/// The trusted authorities, as an argument.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Trust {
    /// File with the certificates of the authorities trusted to vouch for the gateway, in PEM;
    /// by default those of the system
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CA")]
    tls_ca: Option<PathBuf>,
}

impl Trust {
    /// The certificates in the file, if one is given.
    pub(crate) fn pem(&self) -> anyhow::Result<Option<Vec<u8>>> {
        let Some(path) = &self.tls_ca else { return Ok(None) };
        let pem = read(path)?;
        let is_there = pem.windows(BEGIN.len()).any(|bytes| bytes == BEGIN);
        ensure!(is_there, "there is no certificate in {}: it is to be in PEM", path.display());
        Ok(Some(pem))
    }
}

/// Completes a URL typed by a user: without a scheme it is `http`.
pub(crate) fn url(text: &str) -> Result<String, Infallible> {
    Ok(if text.contains("://") { text.to_owned() } else { format!("http://{text}") })
}

/// The message for a user when no gateway answers.
pub(crate) fn no_gateway_at(url: &str) -> String {
    if url.starts_with("https:") || url.starts_with("wss:") {
        format!(
            "no gateway that is trusted answers at {url}: is it running, and who vouches for it? (--url, --tls-ca)"
        )
    } else {
        format!("no gateway answers at {url}: is it running? (--url)")
    }
}

/// Reads a PEM file.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
