//! TLS from the files named by the flags.
//!
//! | given | ports | dialling (nodes only) |
//! |---|---|---|
//! | nothing | plain | plain |
//! | `--tls-cert`, `--tls-key` | TLS | |
//! | `--tls-ca`, for a node always with these | | TLS, to peers with a trusted certificate |
//! | `--tls-mutual`, with all of these | links only from such peers | with its own certificate |
//!
//! A certificate is trusted if an authority in `--tls-ca` vouches for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::builder::BoolishValueParser;
use port::{Connector, TcpConnector, TlsConnector};
use process::follow::follow;
use process::threads::Threads;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoClientAuth, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

/// The flags that name the files of certificates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// File with the certificate of this process and the certificates up to its authority, in
    /// PEM: its ports use TLS
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// File with the certificates of the authorities that vouch for the processes of the
    /// cluster, in PEM
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CA")]
    tls_ca: Option<PathBuf>,

    /// Every peer that dials a link needs a certificate too, of an authority in --tls-ca
    #[arg(long, env = "CHAINRING_TLS_MUTUAL", value_parser = BoolishValueParser::new())]
    tls_mutual: bool,
}

/// TLS as set by the flags and the files. The files are read again when they change, and each
/// new connection uses the newest ones.
pub struct Tls {
    args: TlsArgs,
    files: Files,
    for_clients: Option<watch::Sender<TlsAcceptor>>,
    for_links: Option<watch::Sender<TlsAcceptor>>,
    dialling: Option<watch::Sender<Arc<ClientConfig>>>,
}

/// The reason why the files or the flags cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file without any use.
    #[error(
        "the gateway dials nobody: --tls-ca is of use with --tls-mutual, give that too or leave it"
    )]
    Unused,
    /// Mutual TLS lacks the process's own certificate, or the authorities that check others.
    #[error(
        "--tls-mutual takes certificates of both sides: give --tls-cert, --tls-key and --tls-ca too"
    )]
    NotMutual,
    /// Links would use TLS in one direction but not in the other.
    #[error(
        "a node that is linked with TLS dials and is dialled: give all of --tls-cert, --tls-key and --tls-ca, or none of them"
    )]
    Half,
    /// A file cannot be read, or is not PEM.
    #[error("{what} cannot be read from {path}: {error}", path = path.display())]
    Unreadable {
        /// The kind of the file's content.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the reader.
        error: pem::Error,
    },
    /// A file holds no certificate.
    #[error("there is no certificate in {}: it is to be in PEM", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not belong together, or are of an unknown kind.
    #[error("the certificate in {} cannot be used: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// The error of rustls.
        error: rustls::Error,
    },
    /// The authorities cannot be used to check others.
    #[error("the authorities in {} cannot be used: {error}", path.display())]
    NoAuthority {
        /// The file.
        path: PathBuf,
        /// The error of rustls.
        error: VerifierBuilderError,
    },
}

/// The contents of the files.
#[derive(PartialEq, Eq)]
struct Files {
    identity: Option<Identity>,
    authorities: Option<Authorities>,
}

/// A certificate, the certificates up to its authority, and its key.
#[derive(PartialEq, Eq)]
struct Identity {
    path: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// The authorities that vouch for others.
#[derive(PartialEq, Eq)]
struct Authorities {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

/// The configurations made from the files.
struct Configs {
    for_clients: Option<TlsAcceptor>,
    for_links: Option<TlsAcceptor>,
    dialling: Option<Arc<ClientConfig>>,
}

impl TlsArgs {
    /// Reads the files of a gateway.
    ///
    /// # Errors
    ///
    /// Names the unusable file or flag, and the reason.
    pub fn of_gateway(&self) -> Result<Tls, TlsError> {
        if self.tls_ca.is_some() && !self.tls_mutual {
            return Err(TlsError::Unused);
        }
        self.start()
    }

    /// Reads the files of a node.
    ///
    /// # Errors
    ///
    /// Names the missing or unusable file or flag, and the reason.
    pub fn of_node(&self) -> Result<Tls, TlsError> {
        if self.tls_ca.is_some() != self.tls_cert.is_some() {
            return Err(TlsError::Half);
        }
        self.start()
    }

    fn start(&self) -> Result<Tls, TlsError> {
        if self.tls_mutual && (self.tls_cert.is_none() || self.tls_ca.is_none()) {
            return Err(TlsError::NotMutual);
        }
        let files = self.read()?;
        let Configs { for_clients, for_links, dialling } = self.configs(&files)?;
        Ok(Tls {
            args: self.clone(),
            files,
            for_clients: for_clients.map(watch::Sender::new),
            for_links: for_links.map(watch::Sender::new),
            dialling: dialling.map(watch::Sender::new),
        })
    }

    fn read(&self) -> Result<Files, TlsError> {
        let identity = self.tls_cert.as_deref().zip(self.tls_key.as_deref());
        Ok(Files {
            identity: identity.map(|(chain, key)| Identity::read(chain, key)).transpose()?,
            authorities: self.tls_ca.as_deref().map(Authorities::read).transpose()?,
        })
    }

    fn configs(&self, files: &Files) -> Result<Configs, TlsError> {
        let identity = files.identity.as_ref();
        let authorities = files.authorities.as_ref();
        let verifier: Arc<dyn ClientCertVerifier> = match authorities {
            Some(authorities) if self.tls_mutual => authorities.verifier()?,
            _ => Arc::new(NoClientAuth),
        };
        let accepting = |verifier| identity.map(|identity| identity.acceptor(verifier)).transpose();
        let shown = identity.filter(|_| self.tls_mutual);
        let dialling = authorities.map(|authorities| authorities.dialling(shown).map(Arc::new));
        Ok(Configs {
            for_clients: accepting(Arc::new(NoClientAuth))?,
            for_links: accepting(verifier)?,
            dialling: dialling.transpose()?,
        })
    }
}

impl Tls {
    /// The acceptor for ports open to anyone; none without TLS.
    pub fn for_clients(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.for_clients.as_ref().map(watch::Sender::subscribe)
    }

    /// The acceptor for ports of links; none without TLS.
    pub fn for_links(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.for_links.as_ref().map(watch::Sender::subscribe)
    }

    /// The connector that dials links: with TLS if there are authorities.
    pub fn connector(&self) -> Arc<dyn Connector> {
        match &self.dialling {
            Some(dialling) => Arc::new(TlsConnector::new(dialling.subscribe())),
            None => Arc::new(TcpConnector),
        }
    }

    /// Follows the files while it is polled. When they change, new connections use the new
    /// contents. Files that cannot be used, alone or together, change nothing.
    pub async fn follow(self, threads: Arc<dyn Threads>) {
        let Self { args, files, for_clients, for_links, dialling } = self;
        if files.identity.is_none() && files.authorities.is_none() {
            return;
        }
        let again = args.clone();
        let take = |files: &Files| {
            let configs = args.configs(files)?;
            replace(&for_clients, configs.for_clients);
            replace(&for_links, configs.for_links);
            replace(&dialling, configs.dialling);
            Ok(())
        };
        follow("the certificates", &threads, files, move || again.read(), take).await;
    }
}

/// Either both are there or neither: that depends on the flags alone.
fn replace<T>(current: &Option<watch::Sender<T>>, new: Option<T>) {
    if let (Some(current), Some(new)) = (current, new) {
        current.send_replace(new);
    }
}

impl Identity {
    fn read(chain: &Path, key: &Path) -> Result<Self, TlsError> {
        let private_key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
            TlsError::Unreadable { what: "the private key", path: key.to_owned(), error }
        })?;
        Ok(Self { path: chain.to_owned(), chain: certificates(chain)?, key: private_key })
    }

    fn acceptor(&self, verifier: Arc<dyn ClientCertVerifier>) -> Result<TlsAcceptor, TlsError> {
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .and_then(|config| {
                config
                    .with_client_cert_verifier(verifier)
                    .with_single_cert(self.chain.clone(), self.key.clone_key())
            });
        Ok(TlsAcceptor::from(Arc::new(config.map_err(|error| self.unusable(error))?)))
    }

    fn unusable(&self, error: rustls::Error) -> TlsError {
        TlsError::Unusable { path: self.path.clone(), error }
    }
}

impl Authorities {
    fn read(path: &Path) -> Result<Self, TlsError> {
        Ok(Self { path: path.to_owned(), certificates: certificates(path)? })
    }

    fn store(&self) -> Result<Arc<RootCertStore>, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in self.certificates.clone() {
            let path = self.path.clone();
            store.add(certificate).map_err(|error| TlsError::Unusable { path, error })?;
        }
        Ok(Arc::new(store))
    }

    /// The check of peers that dial.
    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(self.store()?, provider());
        let path = self.path.clone();
        verifier.build().map_err(|error| TlsError::NoAuthority { path, error })
    }

    /// The configuration for dialling. It checks the dialled peers, and shows them the
    /// certificate `shown`, if there is one.
    fn dialling(&self, shown: Option<&Identity>) -> Result<ClientConfig, TlsError> {
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap_or_else(|error| unreachable!("the provider has what they need: {error}"))
            .with_root_certificates(self.store()?);
        match shown {
            Some(identity) => config
                .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
                .map_err(|error| identity.unusable(error)),
            None => Ok(config.with_no_client_auth()),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(default_provider())
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let unreadable =
        |error| TlsError::Unreadable { what: "a certificate", path: path.to_owned(), error };
    let certificates = CertificateDer::pem_file_iter(path).map_err(unreadable)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    if certificates.is_empty() { Err(TlsError::Empty(path.to_owned())) } else { Ok(certificates) }
}
