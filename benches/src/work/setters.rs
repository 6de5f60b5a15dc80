//! Structured values, set on a span that runs.

use mlflow_tracing::{MlflowSpanExt as _, SpanType};
use serde::Serialize;
use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use super::content::Content;
use super::{INPUT_TOKENS, MODEL, OUTPUT_TOKENS};
use crate::side::Side;

/// What says it.
#[derive(Clone, Copy)]
pub enum Api {
    Mlflow,
    OpenTelemetry,
}

impl Api {
    pub fn of(side: Side) -> Self {
        if side == Side::Ours { Self::Mlflow } else { Self::OpenTelemetry }
    }

    fn set(self, span: &Span, span_type: SpanType<'static>, content: &Content) {
        let Content { request, response, .. } = content;
        match self {
            Self::Mlflow => {
                span.set_span_type(span_type).set_inputs(request).set_outputs(response);
            }
            Self::OpenTelemetry => {
                span.set_attribute("mlflow.spanType", span_type.as_str());
                span.set_attribute("mlflow.spanInputs", json(request));
                span.set_attribute("mlflow.spanOutputs", json(response));
            }
        }
    }
}

pub fn trace(api: Api, children: u64, content: &Content) {
    let agent = info_span!("agent").entered();
    api.set(&agent, SpanType::Agent, content);
    for _ in 0..children {
        let chat = info_span!(
            "chat",
            gen_ai.request.model = MODEL,
            gen_ai.usage.input_tokens = INPUT_TOKENS,
            gen_ai.usage.output_tokens = OUTPUT_TOKENS,
        )
        .entered();
        api.set(&chat, SpanType::ChatModel, content);
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("strings and numbers are JSON")
}
