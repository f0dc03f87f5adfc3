//! A client of the gateway's REST interface, for the commands.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, fs};

use anyhow::{Context, anyhow};
use client::{Client, Error};
use reqwest::Certificate;

use crate::trust::{self, Trust, no_gateway_at};

/// The maximum time for the gateway's answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The status of a request without a token that is known.
const UNAUTHORIZED: u16 = 401;

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

    /// The API token.
    #[command(flatten)]
    token: TokenArgs,

    /// The trusted authorities.
    #[command(flatten)]
    trust: Trust,
}

/// The API token of whoever types a command, as an argument.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct TokenArgs {
    /// File with the API token, if the gateway wants one; without this flag, the token may be
    /// in the variable CHAINRING_TOKEN
    #[arg(long, value_name = "FILE", env = "CHAINRING_TOKEN_FILE")]
    token_file: Option<PathBuf>,
}

impl TokenArgs {
    /// The token; none if none was given.
    pub(crate) fn read(&self) -> anyhow::Result<Option<String>> {
        let token = match &self.token_file {
            Some(path) => Some(fs::read_to_string(path).with_context(|| {
                format!("the API token cannot be read from {}", path.display())
            })?),
            None => env::var(TOKEN).ok(),
        };
        Ok(token.map(|token| token.trim().to_owned()))
    }
}

impl Rest {
    /// The interface at a URL, without a token.
    pub(crate) fn at(url: String) -> Self {
        Self { url, token: TokenArgs::default(), trust: Trust::default() }
    }

    /// A client that sends each request once: whoever types a command sees at once how it is.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        let http = reqwest::Client::builder().timeout(TIMEOUT).use_native_tls();
        let http = match self.trust.pem()? {
            Some(pem) => http.tls_certs_only(Certificate::from_pem_bundle(&pem)?),
            None => http,
        };
        let client = Client::over(http.build()?, &self.url).with_patience(Duration::ZERO);
        Ok(match self.token.read()? {
            Some(token) => client.with_token(token),
            None => client,
        })
    }

    /// A failure in words for an operator.
    pub(crate) fn explain(&self, error: Error) -> anyhow::Error {
        match error {
            Error::Refused(problem) if problem.status == UNAUTHORIZED => anyhow!(
                "the gateway wants an API token: name its file with --token-file, or set {TOKEN}"
            ),
            Error::Refused(problem) => anyhow!(problem.detail),
            Error::NotDone(why) => anyhow!(why),
            Error::Unreachable(why) | Error::Unknown(why) => {
                anyhow!(why).context(no_gateway_at(&self.url))
            }
            Error::Answer(what) => {
                anyhow!("what answers at {} is not a gateway of this release: {what}", self.url)
            }
            Error::Setup(_) => error.into(),
        }
    }
}
