//! The REST interface of a gateway, for the commands that ask it something.

use std::time::Duration;

use anyhow::{Context, bail};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Where a gateway serves REST, as an argument.
#[derive(Debug, clap::Args)]
pub(crate) struct Rest {
    /// Where the gateway serves REST
    #[arg(
        long,
        value_name = "URL",
        env = "CHAINRING_URL",
        default_value = "http://127.0.0.1:3001"
    )]
    pub(crate) url: String,
}

impl Rest {
    /// Reads what is at a path; whatever the gateway says against it is the error.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<String> {
        self.send(client()?.get(self.address(path))).await
    }

    /// Sends JSON to a path; whatever the gateway says against it is the error.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<String> {
        self.send(client()?.post(self.address(path)).json(body)).await
    }

    fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }

    async fn send(&self, request: RequestBuilder) -> anyhow::Result<String> {
        let response = request.send().await.with_context(|| {
            format!("no gateway answers at {}: is it running? (--url)", self.url)
        })?;
        let status = response.status();
        let text = response.text().await?;
        if !status.is_success() {
            let problem: Value = serde_json::from_str(&text).unwrap_or_default();
            bail!("{}", problem["detail"].as_str().unwrap_or(status.as_str()));
        }
        Ok(text)
    }
}

fn client() -> reqwest::Result<Client> {
    Client::builder().timeout(TIMEOUT).build()
}
