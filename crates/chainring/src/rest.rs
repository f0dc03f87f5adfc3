//! A client of the gateway's REST interface, for the commands.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, bail};
use reqwest::{Certificate, Client, RequestBuilder, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::trust::{self, Trust, no_gateway_at};

/// The maximum time for the gateway's answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The variable with the API token itself.
const TOKEN: &str = "CHAINRING_TOKEN";

/// The address of the gateway's REST interface, as an argument.
#[derive(Debug, clap::Args)]
pub(crate) struct Rest {
    /// The address of the gateway's REST interface
    #[arg(
        long,
        value_name = "URL",
        env = "CHAINRING_URL",
        default_value = "http://127.0.0.1:3001",
        value_parser = trust::url
    )]
    pub(crate) url: String,

    /// File with the API token, if the gateway wants one; without this flag, the token may be
    /// in the variable CHAINRING_TOKEN
    #[arg(long, value_name = "FILE", env = "CHAINRING_TOKEN_FILE")]
    token_file: Option<PathBuf>,

    /// The trusted authorities.
    #[command(flatten)]
    trust: Trust,
}

impl Rest {
    /// The interface at a URL, without a token.
    pub(crate) fn at(url: String) -> Self {
        Self { url, token_file: None, trust: Trust::default() }
    }

    /// Reads the resource at a path. A refusal of the gateway is the error.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<String> {
        self.send(self.client()?.get(self.address(path))).await
    }

    /// Sends JSON to a path. A refusal of the gateway is the error.
    pub(crate) async fn post(&self, path: &str, body: &impl Serialize) -> anyhow::Result<String> {
        self.send(self.client()?.post(self.address(path)).json(body)).await
    }

    fn client(&self) -> anyhow::Result<Client> {
        let builder = Client::builder().timeout(TIMEOUT).use_native_tls();
        let builder = match self.trust.pem()? {
            Some(pem) => builder.tls_certs_only(Certificate::from_pem_bundle(&pem)?),
            None => builder,
        };
        Ok(builder.build()?)
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    fn token(&self) -> anyhow::Result<Option<String>> {
        let token = match &self.token_file {
            Some(path) => Some(fs::read_to_string(path).with_context(|| {
                format!("the API token cannot be read from {}", path.display())
            })?),
            None => env::var(TOKEN).ok(),
        };
        Ok(token.map(|token| token.trim().to_owned()))
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        let request = match self.token()? {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response = request.send().await.with_context(|| no_gateway_at(&self.url))?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            let problem: Value = serde_json::from_str(&text).unwrap_or_default();
            match status {
                StatusCode::UNAUTHORIZED => {
                    bail!(
                        "the gateway wants an API token: name its file with --token-file, or set {TOKEN}"
                    )
                }
                _ => bail!("{}", problem["detail"].as_str().unwrap_or(status.as_str())),
            }
        }
        Ok(text)
    }
}
