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

use link::{Connector, TcpConnector, TlsConnector};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{NoClientAuth, VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};

/// Where to find certificates.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct TlsArgs {
    /// File with the certificate of this process and those that lead to its authority, in PEM: its ports are served with TLS
    #[arg(long, value_name = "FILE", env = "TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate, in PEM
    #[arg(long, value_name = "FILE", env = "TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,

    /// File with the certificates of the authorities that vouch for the processes of the cluster, in PEM
    #[arg(long, value_name = "FILE", env = "TLS_CA")]
    tls_ca: Option<PathBuf>,

    /// Whoever dials a link needs a certificate too, of an authority in --tls-ca
    #[arg(long, env = "TLS_MUTUAL")]
    tls_mutual: bool,
}

/// TLS as the flags have it.
#[derive(Clone, Default)]
pub struct Tls {
    /// For ports that anyone may use.
    pub for_clients: Option<TlsAcceptor>,
    /// For ports of links.
    pub for_links: Option<TlsAcceptor>,
    dialling: Option<Arc<ClientConfig>>,
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

/// A certificate with those that lead to its authority, and its key.
struct Identity<'a> {
    path: &'a Path,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
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
        self.read()
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
        self.read()
    }

    fn read(&self) -> Result<Tls, TlsError> {
        if self.tls_mutual && (self.tls_cert.is_none() || self.tls_ca.is_none()) {
            return Err(TlsError::NotMutual);
        }
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(chain), Some(key)) => Some(Identity::read(chain, key)?),
            _ => None,
        };
        let authorities = self.tls_ca.as_deref().map(authorities).transpose()?;
        let verifier = match (&authorities, &self.tls_ca) {
            (Some(authorities), Some(path)) if self.tls_mutual => {
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(authorities.clone(), provider());
                let path = path.clone();
                verifier.build().map_err(|error| TlsError::NoAuthority { path, error })?
            }
            _ => Arc::new(NoClientAuth),
        };
        let accepting =
            |verifier| identity.as_ref().map(|identity| identity.acceptor(verifier)).transpose();
        let dialling = authorities.map(|authorities| {
            let identity = identity.as_ref().filter(|_| self.tls_mutual);
            dialling(authorities, identity).map(Arc::new)
        });
        Ok(Tls {
            for_clients: accepting(Arc::new(NoClientAuth))?,
            for_links: accepting(verifier)?,
            dialling: dialling.transpose()?,
        })
    }
}

impl Tls {
    /// What dials links: with TLS where authorities are known.
    pub fn connector(&self) -> Arc<dyn Connector> {
        match &self.dialling {
            Some(config) => Arc::new(TlsConnector::new(Arc::clone(config))),
            None => Arc::new(TcpConnector),
        }
    }
}

impl<'a> Identity<'a> {
    fn read(chain: &'a Path, key: &Path) -> Result<Self, TlsError> {
        let private_key = PrivateKeyDer::from_pem_file(key).map_err(|error| {
            TlsError::Unreadable { what: "the private key", path: key.to_owned(), error }
        })?;
        Ok(Self { path: chain, chain: certificates(chain)?, key: private_key })
    }

    fn acceptor(
        &self,
        verifier: Arc<dyn rustls::server::danger::ClientCertVerifier>,
    ) -> Result<TlsAcceptor, TlsError> {
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
        TlsError::Unusable { path: self.path.to_owned(), error }
    }
}

fn dialling(
    authorities: Arc<RootCertStore>,
    identity: Option<&Identity<'_>>,
) -> Result<ClientConfig, TlsError> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map(|config| config.with_root_certificates(authorities));
    match (config, identity) {
        (Ok(config), Some(identity)) => config
            .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
            .map_err(|error| identity.unusable(error)),
        (Ok(config), None) => Ok(config.with_no_client_auth()),
        (Err(error), _) => unreachable!("the provider has what the protocol needs: {error}"),
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

fn authorities(path: &Path) -> Result<Arc<RootCertStore>, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities
            .add(certificate)
            .map_err(|error| TlsError::Unusable { path: path.to_owned(), error })?;
    }
    Ok(Arc::new(authorities))
}
