//! Arguments and results of functions: `#[instrument(ret)]` as a user writes it.

use tracing::instrument;

use super::content::{Content, Request, Response};
use super::{INPUT_TOKENS, MODEL, OUTPUT_TOKENS};

pub fn trace(children: u64, content: &Content) {
    agent(&content.request, children, content);
}

#[instrument(ret, skip(children, content), fields(mlflow.spanType = "AGENT"))]
fn agent<'a>(request: &Request, children: u64, content: &'a Content) -> &'a Response {
    for _ in 0..children {
        chat(&content.request, content);
    }
    &content.response
}

#[instrument(ret, skip(content), fields(
    mlflow.spanType = "CHAT_MODEL",
    gen_ai.request.model = MODEL,
    gen_ai.usage.input_tokens = INPUT_TOKENS,
    gen_ai.usage.output_tokens = OUTPUT_TOKENS,
))]
fn chat<'a>(request: &Request, content: &'a Content) -> &'a Response {
    &content.response
}
