//! Ports with TLS, and peers without TLS or without a certificate.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use api::ClusterStatus;
use port::{Connector, TlsConnector};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::{SOON, all_of};
use crate::harness::cluster::Cluster;
use crate::harness::process::{Process, text};

/// A certificate authority, with the directory of its files.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    directory: PathBuf,
}

impl Authority {
    fn new(directory: PathBuf) -> Self {
        fs::create_dir_all(&directory).expect("the directory is writable");
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // OpenSSL takes a certificate for self-signed if its subject equals its issuer.
        params.distinguished_name.push(DnType::CommonName, "an authority of the tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        fs::write(directory.join("ca.pem"), issuer.pem()).expect("the directory is writable");
        Self { issuer, directory }
    }

    fn ca(&self) -> PathBuf {
        self.directory.join("ca.pem")
    }

    /// A connector that trusts the certificates of this authority.
    fn connector(&self) -> TlsConnector {
        let mut authorities = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(self.ca()).expect("it was written");
        authorities.add(certificate).expect("it is a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has what they need");
        let config = config.with_root_certificates(authorities).with_no_client_auth();
        TlsConnector::new(watch::Sender::new(Arc::new(config)).subscribe())
    }

    /// The TLS flags of a process at this address. Writes its new certificate and key.
    fn flags(&self, address: &str) -> Vec<String> {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![address.to_owned()]).expect("an address");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let (cert_file, key_file) = (
            self.directory.join(format!("{address}.pem")),
            self.directory.join(format!("{address}.key")),
        );
        fs::write(&cert_file, certificate.pem()).expect("the directory is writable");
        fs::write(&key_file, key.serialize_pem()).expect("the directory is writable");
        let files = [("--tls-cert", cert_file), ("--tls-key", key_file), ("--tls-ca", self.ca())];
        let files = files.iter().flat_map(|(flag, file)| [(*flag).to_owned(), text(file)]);
        files.chain(["--tls-mutual".to_owned()]).collect()
    }
}

/// Gets a path from the gateway as a client that trusts this authority; returns the body.
async fn get(cluster: &Cluster, authority: &Authority, path: &str) -> std::io::Result<String> {
    let address = cluster.url().replace("http://", "");
    let mut stream = authority.connector().connect(&address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let answer = all_of(stream).await;
    Ok(answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

async fn healthy(cluster: &Cluster, authority: &Authority) {
    let since = Instant::now();
    loop {
        let body = get(cluster, authority, "/api/cluster").await.unwrap_or_default();
        let status = serde_json::from_str::<ClusterStatus>(&body);
        if status.as_ref().is_ok_and(|status| status.healthy) {
            return;
        }
        assert!(since.elapsed() < SOON, "not healthy: {body}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// A ring with mutual TLS.
struct Ring {
    cluster: Cluster,
    authority: Authority,
    /// The TLS flags of each process.
    flags: Vec<String>,
}

async fn ring() -> Ring {
    let cluster = Cluster::new(2);
    let authority = Authority::new(cluster.directory.path().join("authority"));
    let flags = authority.flags(&cluster.address.to_string());
    let texts = flags.iter().map(String::as_str).collect::<Vec<_>>();
    let mut cluster = cluster.with_gateway_flags(&texts).with_node_flags(&texts);
    cluster.start_all();
    healthy(&cluster, &authority).await;
    Ring { cluster, authority, flags }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_all_of_a_body_over_tls_before_it_reads_hears_the_answer() {
    let Ring { cluster, authority, .. } = ring().await;
    let address = cluster.url().replace("http://", "");
    let head = "POST /api/users HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n\r\n";
    for ends_its_half in [true, false].repeat(10) {
        let mut stream = authority.connector().connect(&address).await.expect("it is trusted");
        stream.write_all(head.as_bytes()).await.expect("it is read");
        stream.write_all(&vec![b'x'; 900_000]).await.expect("it is read");
        stream.flush().await.expect("it is read");
        if ends_its_half {
            stream.shutdown().await.expect("open");
        }
        let answer = all_of(stream).await;
        assert!(answer.starts_with("HTTP/1.1 404 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ring_with_mutual_tls_serves_who_trusts_it_and_links_no_one_else() {
    let Ring { mut cluster, authority, .. } = ring().await;

    // A client without TLS.
    let address = cluster.url().replace("http://", "");
    let mut plain = TcpStream::connect(&address).await.expect("the gateway listens");
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("open");
    let mut answer = Vec::new();
    let read = timeout(SOON, plain.read_to_end(&mut answer)).await;
    let _ = read.expect("it closes in time");
    assert!(!answer.starts_with(b"HTTP"), "it was served without TLS");

    // A client that trusts another authority.
    let other = Authority::new(cluster.directory.path().join("other"));
    get(&cluster, &other, "/healthz").await.expect_err("a certificate of a stranger");

    // Two nodes with the secret get no link. The first does not speak TLS. The certificate of
    // the second is signed by another authority.
    let data = cluster.directory.path().join("new");
    let plain = cluster.node_arguments("db-0", &data);
    let mut of_other = other.flags("localhost");
    let ca = of_other.iter().position(|flag| *flag == text(&other.ca())).expect("it is named");
    of_other[ca] = text(&authority.ca());
    let foreign = [&plain[..], &of_other].concat();
    for arguments in [plain, foreign] {
        let stranger = Process::start("stranger", "db_process", &arguments);
        stranger.says("no link to the gateway").await;
        stranger.stop().await;
    }
    healthy(&cluster, &authority).await;
    assert!(cluster.all_alive());
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_change_are_taken_over_without_a_restart() {
    let Ring { mut cluster, authority, flags } = ring().await;
    let other = Authority::new(cluster.directory.path().join("other"));
    let renewed = other.flags(&cluster.address.to_string());
    let replace = |flag: &str| {
        let file = flags.iter().position(|other| other == flag).expect("it is given") + 1;
        fs::copy(&renewed[file], &flags[file]).expect("the directory is writable");
    };

    replace("--tls-cert");
    cluster.gateway().says("the certificates stay as they are").await;
    get(&cluster, &authority, "/healthz").await.expect("as before: the key is of another one");

    // Certificate, key and authority fit together only when all three are replaced.
    replace("--tls-ca");
    replace("--tls-key");
    healthy(&cluster, &other).await;
    cluster.node(1).says("the certificates have changed").await;
    cluster.stop_node(0).await;
    cluster.start_node(0);
    healthy(&cluster, &other).await;
    cluster.stop_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_reach_a_ring_with_mutual_tls_when_they_trust_it() {
    let Ring { mut cluster, authority, flags } = ring().await;

    let url = cluster.url().replace("http://", "https://");
    let trusting = ["status", "--url", &url, "--tls-ca", &text(&authority.ca())];
    let (status, said) = Process::operator(&trusting).ended().await;
    assert!(status.success(), "{said}");
    let (status, said) = Process::operator(&["status", "--url", &url]).ended().await;
    assert!(!status.success() && said.contains("no gateway that is trusted answers"), "{said}");

    let links = format!("https://{}", cluster.socket_address());
    let secret = text(&cluster.directory.path().join("secret"));
    let watch = ["watch", "--url", &links, "--secret-file", &secret];
    let identity = flags[..6].iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!(identity[4], "--tls-ca");
    let watching = Process::operator(&[&watch[..], &identity].concat());
    watching.says("db-1").await;
    watching.kill().await;
    let (status, said) = Process::operator(&[&watch[..], &identity[4..]].concat()).ended().await;
    assert!(!status.success() && said.contains("no gateway that is trusted answers"), "{said}");
    cluster.stop_all().await;
}
