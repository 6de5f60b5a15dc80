//! Serves what it has asked another server for, with one trace at the start if it has tracing.

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use reqwest::Client;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Result<()> {
    hello::trace()?;
    let app = axum::Router::new().route("/", get(answer)).with_state(Client::new());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    Ok(axum::serve(listener, app).await?)
}

async fn answer(State(client): State<Client>) -> std::result::Result<String, StatusCode> {
    let asked = async { client.get("https://localhost/").send().await?.text().await };
    asked.await.map_err(|_| StatusCode::BAD_GATEWAY)
}
