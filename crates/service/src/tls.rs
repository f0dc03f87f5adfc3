//! TLS: what the files that are named by flags amount to.
//!
//! | given | ports | dialling (nodes only) |
//! |---|---|---|
//! | nothing | plain | plain |
//! | `--tls-cert`, `--tls-key` | TLS | |
//! | `--tls-ca`: by a node always besides | | TLS, to those whom the authority vouches for |
//! | `--tls-mutual`, with all of them | links only from those whom the authority vouches for | with the process's own certificate |

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

/// Where to find certificates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// File with the certificate of this process and those that lead to its authority, in PEM: its ports are served with TLS
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// File with the certificates of the authorities that vouch for the processes of the cluster, in PEM
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CA")]
    tls_ca: Option<PathBuf>,

    /// Whoever dials a link needs a certificate too, of an authority in --tls-ca
    #[arg(long, env = "CHAINRING_TLS_MUTUAL", value_parser = BoolishValueParser::new())]
    tls_mutual: bool,
}

/// TLS as the flags and the files have it. Whoever needs it takes what it is then: files are read again when they change.
pub struct Tls {
    args: TlsArgs,
    files: Files,
    for_clients: Option<watch::Sender<TlsAcceptor>>,
    for_links: Option<watch::Sender<TlsAcceptor>>,
    dialling: Option<watch::Sender<Arc<ClientConfig>>>,
}

/// Files that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file that nothing would be done with.
    #[error(
        "the gateway dials nobody: --tls-ca is of use with --tls-mutual, give that too or leave it"
    )]
    Unused,
    /// Nothing to show to others, or nothing to judge them by.
    #[error(
        "--tls-mutual takes certificates of both sides: give --tls-cert, --tls-key and --tls-ca too"
    )]
    NotMutual,
    /// Links would be with TLS one way and without it the other.
    #[error(
        "a node that is linked with TLS dials and is dialled: give all of --tls-cert, --tls-key and --tls-ca, or none of them"
    )]
    Half,
    /// A file cannot be read, or is not PEM.
    #[error("{what} cannot be read from {path}: {error}", path = path.display())]
    Unreadable {
        /// What was to be read.
        what: &'static str,
        /// From where.
        path: PathBuf,
        /// Why not.
        error: pem::Error,
    },
    /// A file holds no certificate.
    #[error("there is no certificate in {}: it is to be in PEM", .0.display())]
    Empty(PathBuf),
    /// Certificate and key do not belong together, or are of no known kind.
    #[error("the certificate in {} cannot be used: {error}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: rustls::Error,
    },
    /// The authorities cannot be asked about others.
    #[error("the authorities in {} cannot be used: {error}", path.display())]
    NoAuthority {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: VerifierBuilderError,
    },
}

/// What the files say.
#[derive(PartialEq, Eq)]
struct Files {
    identity: Option<Identity>,
    authorities: Option<Authorities>,
}

/// A certificate with those that lead to its authority, and its key.
#[derive(PartialEq, Eq)]
struct Identity {
    path: PathBuf,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Those who vouch for others.
#[derive(PartialEq, Eq)]
struct Authorities {
    path: PathBuf,
    certificates: Vec<CertificateDer<'static>>,
}

/// What follows from the files.
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
    /// Names the file that cannot be used, and why.
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
    /// Names the file that is missing or cannot be used, and why.
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
    /// For ports that anyone may use; none without TLS.
    pub fn for_clients(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.for_clients.as_ref().map(watch::Sender::subscribe)
    }

    /// For ports of links; none without TLS.
    pub fn for_links(&self) -> Option<watch::Receiver<TlsAcceptor>> {
        self.for_links.as_ref().map(watch::Sender::subscribe)
    }

    /// What dials links: with TLS where authorities are known.
    pub fn connector(&self) -> Arc<dyn Connector> {
        match &self.dialling {
            Some(dialling) => Arc::new(TlsConnector::new(dialling.subscribe())),
            None => Arc::new(TcpConnector),
        }
    }

    /// Takes over what the files say whenever that changes, for as long as it is polled: from then on connections begin with that.
    /// Files that cannot be used, alone or together, change nothing.
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

/// Which of them there are depends on the flags alone.
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

    /// Judges who dials.
    fn verifier(&self) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
        let verifier = WebPkiClientVerifier::builder_with_provider(self.store()?, provider());
        let path = self.path.clone();
        verifier.build().map_err(|error| TlsError::NoAuthority { path, error })
    }

    /// Judges who is dialled, and shows them a certificate if it is to.
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
