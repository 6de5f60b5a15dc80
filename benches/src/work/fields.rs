//! Everything is given when a span starts, as dotted fields.

use tracing::Span;

use super::content::Content;
use super::{INPUT_TOKENS, MODEL, OUTPUT_TOKENS};

/// A call of a model, below the current span or the given one; `$span` says the level.
macro_rules! chat {
    ($span:ident, $content:ident $(, parent: $parent:ident)?) => {
        tracing::$span!(
            $(parent: $parent,)?
            "chat",
            mlflow.spanType = "CHAT_MODEL",
            mlflow.spanInputs = $content.inputs,
            mlflow.spanOutputs = $content.outputs,
            gen_ai.request.model = MODEL,
            gen_ai.usage.input_tokens = INPUT_TOKENS,
            gen_ai.usage.output_tokens = OUTPUT_TOKENS,
        )
    };
}

macro_rules! traces {
    ($(#[$comment:meta])* $name:ident, $span:ident) => {
        $(#[$comment])*
        pub fn $name(children: u64, content: &Content) {
            let _agent = tracing::$span!(
                "agent",
                mlflow.spanType = "AGENT",
                mlflow.spanInputs = content.inputs,
                mlflow.spanOutputs = content.outputs,
            )
            .entered();
            for _ in 0..children {
                let _chat = chat!($span, content).entered();
            }
        }
    };
}

traces!(trace, info_span);
traces!(
    /// The same below the level that is captured.
    refused,
    debug_span
);

/// Children of a root that stays open.
pub fn children(root: &Span, count: u64, content: &Content) {
    for _ in 0..count {
        let _chat = chat!(info_span, content, parent: root).entered();
    }
}
