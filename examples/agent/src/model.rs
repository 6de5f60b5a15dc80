//! The chat model: any server that speaks OpenAI's format, its answer streamed.

use std::mem;

use mlflow_tracing::{MlflowSpanExt as _, semconv};
use reqwest::{Client, Response};
use serde_json::{Value, json};
use tracing::{Span, info, instrument};

use crate::chat::{Completion, Message, Usage};
use crate::error::Error;
use crate::sse::Events;
use crate::{tools, trace_context};

pub struct Model {
    client: Client,
    url: String,
    name: String,
}

impl Model {
    pub fn new(url: String, name: String) -> Self {
        Self { client: Client::new(), url, name }
    }

    /// One step: the model answers, or asks for tools. `said` gets the text as it comes.
    #[instrument(skip_all, fields(mlflow.spanType = "CHAT_MODEL", otel.kind = "client"))]
    pub async fn chat(
        &self,
        messages: &[Message],
        said: impl FnMut(&str),
    ) -> Result<Message, Error> {
        let tools = tools::definitions();
        let request = json!({
            "model": self.name,
            "messages": messages,
            "tools": tools,
            "stream": true,
            "stream_options": { "include_usage": true },
        });
        let span = Span::current();
        span.set_inputs(&request)
            .set_json_attribute("mlflow.message.format", "openai")
            .set_json_attribute("mlflow.chat.tools", &tools)
            .set_json_attribute(semconv::span::MODEL, &self.name);

        let mut completion = Completion::default();
        let outcome = self.stream(&request, &mut completion, said).await;
        if completion.has_begun() {
            // Also when it was broken off then.
            span.set_outputs(&completion.to_json());
        }
        if let Some(usage) = completion.usage {
            span.set_json_attribute(semconv::span::TOKEN_USAGE, &token_usage(usage))
                .set_json_attribute(semconv::otel::GEN_AI_RESPONSE_MODEL, &completion.model);
        }
        match outcome {
            Ok(()) => Ok(completion.message()),
            Err(error) => {
                // More than `#[instrument(err)]` records: the error's type, and its causes.
                span.record_exception(&error);
                Err(error)
            }
        }
    }

    async fn stream(
        &self,
        request: &Value,
        completion: &mut Completion,
        mut said: impl FnMut(&str),
    ) -> Result<(), Error> {
        let post = self.client.post(format!("{}/chat/completions", self.url));
        let response = post.headers(trace_context::headers()).json(request).send().await?;
        let mut response = accepted(response).await?;
        let mut events = Events::default();
        let mut silent = true;
        while let Some(bytes) = response.chunk().await? {
            for data in events.add(&bytes) {
                if data == "[DONE]" {
                    continue;
                }
                let chunk = serde_json::from_str(&data)
                    .map_err(|source| Error::Unreadable { text: data, source })?;
                if let Some(text) = completion.add(chunk) {
                    if mem::take(&mut silent) {
                        info!("first token");
                    }
                    said(&text);
                }
            }
        }
        if completion.is_finished() { Ok(()) } else { Err(Error::BrokenOff) }
    }
}

/// The response if the model accepted the request; else what it said.
async fn accepted(response: Response) -> Result<Response, Error> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let text = response.text().await?;
    let body: Value = serde_json::from_str(&text).unwrap_or_default();
    let message = body["error"]["message"].as_str().map_or(text, ToOwned::to_owned);
    Err(Error::Refused { status, message })
}

fn token_usage(usage: Usage) -> Value {
    json!({
        "input_tokens": usage.prompt_tokens,
        "output_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    })
}
