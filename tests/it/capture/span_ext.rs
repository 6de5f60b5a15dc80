//! `MlflowSpanExt`, with `OpenTelemetrySpanExt` in scope beside it.

use std::collections::BTreeMap;
use std::fmt;

use mlflow_tracing::opentelemetry::trace::Status;
use mlflow_tracing::opentelemetry_sdk::trace::Sampler;
use mlflow_tracing::{Cost, LogLevel, MlflowSpanExt as _, SpanType, TokenUsage};
use serde::Serialize;
use serde_json::json;
use tracing::{Span, debug_span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::support::app::{Traced, captured};
use crate::support::spans::hex;

#[derive(Serialize)]
struct Message {
    role: &'static str,
    tokens: u64,
}

#[derive(Debug)]
struct Offline;

impl fmt::Display for Offline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("offline")
    }
}

impl std::error::Error for Offline {}

#[test]
fn inputs_outputs_and_type_come_from_the_extension() {
    let spans = captured(|| {
        info_span!("chat", turn = 3)
            .set_span_type(SpanType::ChatModel)
            .set_inputs(&Message { role: "user", tokens: 7 })
            .set_outputs(&["a", "b"]);
    });
    let chat = spans.one("chat");
    assert_eq!(chat.inputs(), Some(json!({ "role": "user", "tokens": 7 })));
    assert_eq!(chat.outputs(), Some(json!(["a", "b"])));
    assert_eq!(chat.attribute("mlflow.spanType"), Some(json!("CHAT_MODEL")));
    assert_eq!(chat.attribute("gen_ai.operation.name"), Some(json!("chat")));
    assert_eq!(chat.attribute("turn"), Some(json!(3)));
}

#[test]
fn a_span_type_may_be_a_word_of_ones_own() {
    let spans = captured(|| info_span!("plan").set_span_type("PLANNER").clone());
    assert_eq!(spans.one("plan").attribute("mlflow.spanType"), Some(json!("PLANNER")));
}

#[test]
fn outputs_that_are_set_win_over_what_was_returned() {
    #[tracing::instrument(ret)]
    fn work() -> i64 {
        Span::current().set_outputs("better");
        1
    }
    let spans = captured(work);
    assert_eq!(spans.one("work").outputs(), Some(json!("better")));
}

#[test]
fn scalars_keep_their_types_and_nothing_is_nothing() {
    let spans = captured(|| {
        info_span!("a").set_inputs(&1.5).set_outputs(&true);
        info_span!("b").set_inputs(&Option::<u8>::None).set_outputs("text");
    });
    let a = spans.one("a");
    assert_eq!(a.attribute("mlflow.spanInputs"), Some(json!(1.5)));
    assert_eq!(a.attribute("mlflow.spanOutputs"), Some(json!(true)));
    let b = spans.one("b");
    assert_eq!(b.attribute("mlflow.spanInputs"), None);
    assert_eq!(b.attribute("mlflow.spanOutputs"), Some(json!("text")));
}

#[test]
fn a_json_attribute_is_structure_and_scalars_stay_typed() {
    let traced = Traced::mlflow();
    traced.run(|| {
        info_span!("span", app.text = r#"["text"]"#)
            .set_json_attribute("app.plan", &json!({ "steps": [1, 2] }))
            .set_json_attribute("app.count", &7)
            .set_json_attribute("app.word", "word");
    });
    let spans = traced.delivered();
    let span = spans.one("span");
    assert_eq!(span.attribute("app.plan"), Some(json!(r#"{"steps":[1,2]}"#)));
    assert_eq!(span.attribute("app.count"), Some(json!(7)));
    assert_eq!(span.attribute("app.word"), Some(json!("word")));
    // MLflow reads text that looks like JSON as JSON: quoted once it stays text.
    assert_eq!(span.attribute("app.text"), Some(json!(r#""[\"text\"]""#)));
}

#[test]
fn what_cannot_be_serialised_is_replaced_by_the_reason() {
    let spans = captured(|| info_span!("span").set_inputs(&BTreeMap::from([((1, 2), 3)])).clone());
    let inputs = spans.one("span").inputs().unwrap();
    assert!(inputs.as_str().unwrap().contains("key must be a string"), "{inputs}");
}

#[test]
fn an_exception_is_an_event_and_the_status() {
    let spans = captured(|| info_span!("call").record_exception(&Offline).clone());
    let call = spans.one("call");
    assert_eq!(call.status(), ("ERROR", "Offline: offline"));
    let (name, attributes) = call.events().remove(0);
    assert_eq!(name, "exception");
    assert_eq!(attributes["exception.message"], "offline");
    assert!(attributes["exception.type"].as_str().unwrap().ends_with("::Offline"));
}

#[test]
fn an_error_of_unknown_type_and_words_are_exceptions_too() {
    let spans = captured(|| {
        let unknown: Box<dyn std::error::Error> = Box::new(Offline);
        info_span!("boxed").record_error(unknown.as_ref());
        info_span!("words").record_failure("no luck");
    });
    for (name, message) in [("boxed", "offline"), ("words", "no luck")] {
        let span = spans.one(name);
        assert_eq!(span.status(), ("ERROR", message));
        let (event, attributes) = span.events().remove(0);
        assert_eq!(event, "exception");
        assert_eq!(attributes["exception.message"], message);
        assert_eq!(attributes["exception.type"], "Error");
    }
}

/// Says everything a span of a model call can say.
fn speak(span: &Span) {
    let tools = json!([{ "type": "function", "function": { "name": "f", "parameters": {} } }]);
    span.set_span_type(SpanType::ChatModel)
        .set_token_usage(&TokenUsage::new(10, 5).with_cache_read(4).with_cache_creation(2))
        .set_cost(&Cost::new(0.25, 0.5))
        .set_model("gpt-4o")
        .set_provider("openai")
        .set_message_format("openai")
        .set_chat_tools(&tools)
        .set_description("answers")
        .set_log_level(LogLevel::Warning);
}

const USAGE: &str = r#"{"input_tokens":10,"output_tokens":5,"total_tokens":15,"cache_read_input_tokens":4,"cache_creation_input_tokens":2}"#;
const COST: &str = r#"{"input_cost":0.25,"output_cost":0.5,"total_cost":0.75}"#;
const TOOLS: &str = r#"[{"function":{"name":"f","parameters":{}},"type":"function"}]"#;

#[test]
fn mlflow_is_told_what_a_model_call_was() {
    let traced = Traced::mlflow();
    traced.run(|| speak(&info_span!("chat")));
    let spans = traced.delivered();
    let chat = spans.one("chat");
    for (key, value) in [
        ("mlflow.chat.tokenUsage", json!(USAGE)),
        ("mlflow.llm.cost", json!(COST)),
        ("mlflow.llm.model", json!("gpt-4o")),
        ("mlflow.llm.provider", json!("openai")),
        ("mlflow.message.format", json!("openai")),
        ("mlflow.chat.tools", json!(TOOLS)),
        ("mlflow.spanDescription", json!("answers")),
        ("mlflow.spanLogLevel", json!(30)),
    ] {
        assert_eq!(chat.attribute(key), Some(value), "{key}");
    }
}

#[test]
fn collectors_are_told_in_their_words_beside() {
    let spans = captured(|| speak(&info_span!("chat")));
    let chat = spans.one("chat");
    for (key, value) in [
        ("mlflow.chat.tokenUsage", json!(USAGE)),
        ("mlflow.chat.tools", json!(TOOLS)),
        ("gen_ai.operation.name", json!("chat")),
        ("gen_ai.request.model", json!("gpt-4o")),
        ("gen_ai.provider.name", json!("openai")),
        ("gen_ai.usage.input_tokens", json!(10)),
        ("gen_ai.usage.output_tokens", json!(5)),
        ("gen_ai.usage.cache_read.input_tokens", json!(4)),
        ("gen_ai.usage.cache_creation.input_tokens", json!(2)),
    ] {
        assert_eq!(chat.attribute(key), Some(value), "{key}");
    }
}

#[test]
fn an_exception_raises_the_level_and_a_critical_span_stays_so() {
    let traced = Traced::mlflow();
    traced.run(|| {
        info_span!("low").set_log_level(LogLevel::Debug).record_exception(&Offline);
        info_span!("high").set_log_level(LogLevel::Critical).record_exception(&Offline);
        info_span!("plain").set_span_type(SpanType::Tool);
        info_span!("status").set_status(Status::error("no"));
        info_span!("said").set_log_level(LogLevel::Info).set_status(Status::error("no"));
    });
    let spans = traced.delivered();
    for (name, level) in [("low", 40), ("high", 50), ("plain", 20), ("status", 40), ("said", 20)] {
        let said = spans.one(name).attribute("mlflow.spanLogLevel");
        assert_eq!(said, Some(json!(level)), "{name}");
    }
}

#[test]
fn a_link_points_to_another_trace() {
    let (trace, span) = ("1d410da1bf2db5ddb4a5983ac5e39327", "00f067aa0ba902b7");
    let spans = captured(|| {
        info_span!("span").add_span_link(&format!("tr-{trace}"), span).add_span_link(trace, span);
    });
    let links = &spans.one("span").span.links;
    assert_eq!(links.len(), 2);
    for link in links {
        assert_eq!((hex(&link.trace_id), hex(&link.span_id)), (trace.to_owned(), span.to_owned()));
    }
}

#[test]
fn what_cannot_be_set_is_told_and_breaks_nothing() {
    let spans = captured(|| {
        info_span!("span")
            .add_span_link("tr-7", "00f067aa0ba902b7")
            .set_cost(&Cost::new(f64::NAN, 1.0));
    });
    let span = spans.one("span");
    assert!(span.span.links.is_empty());
    assert_eq!(span.attribute("mlflow.llm.cost"), None);
}

#[test]
fn numbers_that_json_does_not_have_survive() {
    let spans = captured(|| {
        info_span!("scalar").set_inputs(&f64::NAN).set_outputs(&u128::MAX);
        info_span!("list").set_inputs(&[f64::NAN, 1.0]).set_outputs(&[i128::MIN]);
    });
    let scalar = spans.one("scalar");
    assert_eq!(scalar.attribute("mlflow.spanInputs"), Some(json!("NaN")));
    assert_eq!(scalar.attribute("mlflow.spanOutputs"), Some(json!(u128::MAX.to_string())));
    let list = spans.one("list");
    assert_eq!(list.attribute("mlflow.spanInputs"), Some(json!(r#"["NaN",1.0]"#)));
    assert_eq!(list.attribute("mlflow.spanOutputs"), Some(json!(format!("[{}]", i128::MIN))));
}

#[test]
fn the_trace_id_is_that_of_the_trace() {
    let mut told = None;
    let spans = captured(|| {
        let root = info_span!("root");
        let child = root.in_scope(|| info_span!("child"));
        assert_eq!(root.trace_id(), child.trace_id());
        told = child.trace_id();
    });
    assert_eq!(told.unwrap(), format!("tr-{}", spans.one("root").trace_id()));
}

struct Explosive;

impl Serialize for Explosive {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("serialised in vain")
    }
}

/// Sets what may not be serialised.
fn set_in_vain(span: &Span) {
    span.set_inputs(&Explosive)
        .set_outputs(&Explosive)
        .set_chat_tools(&Explosive)
        .set_json_attribute("a", &Explosive)
        .record_exception(&Offline);
    speak(span);
}

#[test]
fn a_span_that_is_not_captured_ignores_everything() {
    for span in [info_span!("no layer at all"), Span::none()] {
        set_in_vain(&span);
        assert_eq!(span.trace_id(), None);
    }
}

#[test]
fn nothing_is_serialised_in_a_trace_that_is_not_sampled() {
    let traced = Traced::otlp_with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    traced.run(|| {
        let root = info_span!("root");
        set_in_vain(&root);
        root.in_scope(|| set_in_vain(&info_span!("child")));
    });
    traced.flush();
    assert_eq!(traced.conserved().ended, 0);
}

#[test]
fn a_span_that_is_filtered_out_takes_nothing() {
    let spans = captured(|| {
        let span = debug_span!("filtered");
        span.set_inputs("in").set_outputs("out").record_exception(&Offline);
        assert_eq!(span.trace_id(), None);
    });
    assert!(spans.0.is_empty());
}

#[test]
fn both_extension_traits_can_be_used_on_one_span() {
    let spans = captured(|| {
        let span = info_span!("span");
        span.set_attribute("app.late", 1);
        span.set_inputs("in").set_attribute("app.later", 2);
    });
    let span = spans.one("span");
    assert_eq!(span.attribute("app.late"), Some(json!(1)));
    assert_eq!(span.attribute("app.later"), Some(json!(2)));
    assert_eq!(span.inputs(), Some(json!("in")));
}
