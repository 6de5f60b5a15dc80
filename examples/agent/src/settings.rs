//! What the program is told by its arguments and its environment, apart from tracing.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::{AnyError, stand_in};

const USAGE: &str = "usage: agent [--once QUESTION]";

pub struct Settings {
    /// What to ask once; none to serve.
    pub question: Option<String>,
    /// `AGENT_DOCUMENTS`: a folder of Markdown files; this repository by default.
    pub documents: PathBuf,
    /// `AGENT_MODEL`: name of the model.
    pub model: String,
    /// `AGENT_GRACE_SECONDS`: how long questions may still be answered when the service is to end.
    pub grace: Duration,
    /// `AGENT_MODEL_URL`: an OpenAI-compatible server, such as `http://127.0.0.1:11434/v1`.
    model_url: Option<String>,
    /// `AGENT_ADDRESS`: where to listen.
    address: SocketAddr,
}

impl Settings {
    pub fn of_process() -> Result<Self, AnyError> {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let question = match arguments.as_slice() {
            [] => None,
            [once, question] if once == "--once" => Some(question.clone()),
            _ => return Err(USAGE.into()),
        };
        let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
        Ok(Self {
            question,
            documents: env::var("AGENT_DOCUMENTS").unwrap_or_else(|_| repository.into()).into(),
            model: env::var("AGENT_MODEL").unwrap_or_else(|_| stand_in::NAME.into()),
            grace: Duration::from_secs(
                env::var("AGENT_GRACE_SECONDS").as_deref().unwrap_or("10").parse()?,
            ),
            model_url: env::var("AGENT_MODEL_URL").ok(),
            address: env::var("AGENT_ADDRESS").as_deref().unwrap_or("127.0.0.1:8080").parse()?,
        })
    }

    /// Where to listen; asked once, the program takes a port that is free.
    pub fn address(&self) -> SocketAddr {
        match self.question {
            Some(_) => SocketAddr::from(([127, 0, 0, 1], 0)),
            None => self.address,
        }
    }

    /// The model's server; the stand-in is started when none is named.
    pub async fn model_url(&self) -> std::io::Result<String> {
        match &self.model_url {
            Some(url) => Ok(url.clone()),
            None => stand_in::start().await,
        }
    }
}
