//! The standard work: one agent and four calls of a model, with inputs and outputs of about 0.3 KB.
//!
//! Everything is given when a span starts, as dotted fields, and counts are signed: both sides then
//! write the same attributes (`tracing-opentelemetry` turns unsigned ones into text).

use tracing::info_span;

/// Spans of one trace.
pub const SPANS: u64 = 5;

const INPUTS: &str = r#"{"model":"gpt-4.1-mini","temperature":0.2,"messages":[{"role":"system","content":"You answer questions about the orders of a shop, in one or two short sentences."},{"role":"user","content":"My parcel should have been here on Monday. Where is it now, and can I still change the address it goes to?"}]}"#;
const OUTPUTS: &str = r#"{"id":"chatcmpl-8fd1","choices":[{"index":0,"message":{"role":"assistant","content":"It left the depot in Lyon this morning and should arrive tomorrow before noon. The address can be changed until eight tonight, on the carrier's page."}}],"usage":{"prompt_tokens":412,"completion_tokens":38,"total_tokens":450}}"#;

/// Makes one trace on this thread; its spans have ended when this returns.
pub fn trace() {
    let _agent = info_span!(
        "agent",
        mlflow.spanType = "AGENT",
        mlflow.spanInputs = INPUTS,
        mlflow.spanOutputs = OUTPUTS,
    )
    .entered();
    for _ in 1..SPANS {
        let _chat = info_span!(
            "chat",
            mlflow.spanType = "CHAT_MODEL",
            mlflow.spanInputs = INPUTS,
            mlflow.spanOutputs = OUTPUTS,
            gen_ai.request.model = "gpt-4.1-mini",
            gen_ai.usage.input_tokens = 412_i64,
            gen_ai.usage.output_tokens = 38_i64,
        )
        .entered();
    }
}
