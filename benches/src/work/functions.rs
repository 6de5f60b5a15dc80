//! Arguments and results of functions: `#[trace]` as a user writes it.

use mlflow_tracing::trace;

use super::content::{Content, Request, Response};
use super::{INPUT_TOKENS, MODEL, OUTPUT_TOKENS};

pub fn trace(children: u64, content: &Content) {
    agent(&content.request, children, content);
}

#[trace(span_type = Agent, skip(children, content))]
fn agent<'a>(request: &Request, children: u64, content: &'a Content) -> &'a Response {
    for _ in 0..children {
        chat(&content.request, content);
    }
    &content.response
}

#[trace(span_type = ChatModel, skip(content), attributes(
    gen_ai.request.model = MODEL,
    gen_ai.usage.input_tokens = INPUT_TOKENS,
    gen_ai.usage.output_tokens = OUTPUT_TOKENS,
))]
fn chat<'a>(request: &Request, content: &'a Content) -> &'a Response {
    &content.response
}
