//! The reference for all figures: a bare axum server with the same constant JSON as the answer
//! to every request.

use std::net::SocketAddr;
use std::process::ExitCode;

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use clap::Parser;
use tokio::net::TcpListener;

/// A bare axum server that returns a constant JSON.
#[derive(Debug, Parser)]
struct Args {
    /// The address to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: SocketAddr,

    /// The JSON to return
    #[arg(long, value_name = "JSON")]
    json: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    process::exit::code(serve(Args::parse()).await)
}

async fn serve(args: Args) -> anyhow::Result<()> {
    let json = Bytes::from(args.json);
    let answer = move || {
        let answer = ([(CONTENT_TYPE, "application/json")], json.clone()).into_response();
        std::future::ready(answer)
    };
    let read = answer.clone();
    let update = move |_body: Bytes| answer();
    let app = Router::new()
        .route("/api/user/{id}", get(read))
        .route("/api/user/", post(update.clone()).put(update));
    // `TCP_NODELAY`, as in the gateway. Without it an answer may wait for the acknowledgement
    // of the previous answer.
    let listener = port::nodelay(TcpListener::bind(args.listen).await?);
    Ok(axum::serve(listener, app).await?)
}
