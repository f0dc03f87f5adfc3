//! `chainring watch`: the gateway's status of its cluster, after each change.
//!
//! It connects to the gateway's socket.io port as any user's program can: with a socket.io
//! client from another project. It shows the API token that it is given, or the cluster's
//! secret, or neither if the gateway asks for no token.

use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use api::ClusterStatus;
use futures_util::FutureExt;
use native_tls::{Certificate, Identity, TlsConnector};
use process::secret::{SecretArgs, SecretError};
use protocol::hello::{GatewayPeer, Hello};
use rust_socketio::asynchronous::{Client, ClientBuilder};
use rust_socketio::{Payload, TransportType};
use serde_json::json;
use tokio::sync::mpsc;

use crate::out::{self, Reader};
use crate::rest::TokenArgs;
use crate::status;
use crate::trust::{self, Trust, no_gateway_at, read};

/// Arguments of `chainring watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address of the gateway's socket.io port
    #[arg(
        long,
        value_name = "URL",
        env = "CHAINRING_SOCKET_SERVER_URL",
        default_value = "http://127.0.0.1:3002",
        value_parser = trust::url
    )]
    url: String,

    /// The API token.
    #[command(flatten)]
    token: TokenArgs,

    /// The cluster's secret.
    #[command(flatten)]
    secret: SecretArgs,

    /// The trusted authorities.
    #[command(flatten)]
    trust: Trust,

    /// File with a certificate and the chain to its authority, in PEM, if the gateway wants one
    /// (--tls-mutual)
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_CERT", requires = "tls_key")]
    tls_cert: Option<PathBuf>,

    /// File with the private key of that certificate, in PEM (PKCS #8)
    #[arg(long, value_name = "FILE", env = "CHAINRING_TLS_KEY", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
}

impl Args {
    /// The `auth` of the CONNECT packet.
    fn auth(&self) -> anyhow::Result<serde_json::Value> {
        if let Some(token) = self.token.read()? {
            return Ok(json!({ "token": token }));
        }
        match self.secret.read() {
            Ok(secret) => Ok(serde_json::to_value(Hello::new(secret, GatewayPeer::Observer))?),
            Err(SecretError::Missing) => Ok(json!({})),
            Err(error) => Err(error.into()),
        }
    }

    fn tls(&self) -> anyhow::Result<TlsConnector> {
        let mut tls = TlsConnector::builder();
        if let Some(pem) = self.trust.pem()? {
            tls.disable_built_in_roots(true);
            for certificate in Certificate::stack_from_pem(&pem)? {
                tls.add_root_certificate(certificate);
            }
        }
        if let (Some(chain), Some(key)) = (&self.tls_cert, &self.tls_key) {
            let identity = Identity::from_pkcs8(&read(chain)?, &read(key)?);
            tls.identity(identity.context("the certificate and its key cannot be used")?);
        }
        Ok(tls.build()?)
    }
}

enum Told {
    Cluster(Box<ClusterStatus>),
    Error(String),
}

/// Prints the cluster until Ctrl-C, until the reader of standard output is gone, or until the
/// gateway is lost.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let (tell, mut told) = mpsc::unbounded_channel();
    let client = connect(&args, tell).await?;
    let mut reader_is_gone = pin!(out::reader_is_gone());
    loop {
        tokio::select! {
            biased;
            _ = tokio::signal::ctrl_c() => break,
            () = &mut reader_is_gone => break,
            told = told.recv() => match told {
                Some(Told::Cluster(cluster)) => {
                    let table = status::table(&cluster);
                    if out::print(format_args!("{table}\n\n----"))? == Reader::Gone {
                        break;
                    }
                }
                Some(Told::Error(error)) => return Err(anyhow!(error)),
                None => return Err(anyhow!("the gateway is gone")),
            },
        }
    }
    // The process ends, whether the gateway hears of it or not.
    let _ = client.disconnect().await;
    Ok(ExitCode::SUCCESS)
}

async fn connect(args: &Args, tell: mpsc::UnboundedSender<Told>) -> anyhow::Result<Client> {
    let (errors, closes) = (tell.clone(), tell.clone());
    let on_cluster = move |payload: Payload, _: Client| {
        let tell = tell.clone();
        async move { drop(tell.send(cluster_of(payload))) }.boxed()
    };
    let on_error = move |payload: Payload, _: Client| {
        let errors = errors.clone();
        async move { drop(errors.send(Told::Error(text_of(&payload)))) }.boxed()
    };
    let on_close = move |_: Payload, _: Client| {
        let closes = closes.clone();
        let told =
            "the gateway has ended the connection, as it ends or the token is no longer valid";
        async move { drop(closes.send(Told::Error(told.to_owned()))) }.boxed()
    };
    let builder = ClientBuilder::new(&args.url)
        .transport_type(TransportType::Websocket)
        .auth(args.auth()?)
        .reconnect(false)
        .tls_config(args.tls()?)
        .on("cluster", on_cluster)
        .on("error", on_error)
        .on("close", on_close);
    builder.connect().await.with_context(|| no_gateway_at(&args.url))
}

fn cluster_of(payload: Payload) -> Told {
    let Payload::Text(mut values) = payload else { return Told::Error("not JSON".to_owned()) };
    let value = values.pop().unwrap_or_default();
    match serde_json::from_value(value) {
        Ok(cluster) => Told::Cluster(Box::new(cluster)),
        Err(error) => Told::Error(format!("the gateway is of another release: {error}")),
    }
}

fn text_of(payload: &Payload) -> String {
    match payload {
        Payload::Text(values) => {
            values.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        }
        other => format!("{other:?}"),
    }
}
