mod values;

use opentelemetry::trace::SpanKind;
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::tests::{plain as span_of, root_data, span_data};

fn apply(span: &Span, mode: TraceInfoMode) -> SpanData {
    Server(mode).data(span)
}

const TRACE_NAME: &str = "mlflow.traceTag.mlflow.traceName";

#[test]
fn a_bare_root_says_its_type_its_level_and_the_traces_name() {
    let data = sent([]);
    let expected = [
        KeyValue::new("mlflow.spanType", "UNKNOWN"),
        KeyValue::new("mlflow.spanLogLevel", 10),
        KeyValue::new(TRACE_NAME, "root"),
    ];
    assert_eq!(data.attributes, expected);
}

#[test]
fn only_the_root_of_the_whole_trace_names_it() {
    let child = span_data("step", 2, 1);
    let handler = SpanData { parent_span_is_remote: true, ..span_data("handler", 3, 9) };
    for data in [child, handler] {
        let data = apply(&span_of(data), TraceInfoMode::Auto);
        assert_eq!(value(&data, TRACE_NAME), None);
    }
}

#[test]
fn a_name_that_the_program_gives_the_trace_wins_over_the_roots() {
    let data = sent([KeyValue::new(TRACE_NAME, "mine")]);
    let names: Vec<_> = data.attributes.iter().filter(|kv| kv.key.as_str() == TRACE_NAME).collect();
    assert_eq!(names, [&KeyValue::new(TRACE_NAME, "mine")]);
}

#[test]
fn a_span_that_said_nothing_ended_well() {
    let status =
        |status| apply(&span_of(SpanData { status, ..root_data([]) }), TraceInfoMode::Auto).status;
    assert_eq!(status(Status::Unset), Status::Ok);
    assert_eq!(status(Status::Ok), Status::Ok);
    assert_eq!(status(Status::error("boom")), Status::error("boom"));
}

#[test]
fn the_log_level_follows_from_type_and_status() {
    let level = |kind: &'static str, status| {
        let data = SpanData { status, ..root_data([KeyValue::new(keys::TYPE, kind)]) };
        value(&apply(&span_of(data), TraceInfoMode::Auto), keys::LOG_LEVEL).cloned()
    };
    for kind in ["LLM", "CHAT_MODEL", "TOOL", "RETRIEVER", "AGENT", "EMBEDDING"] {
        assert_eq!(level(kind, Status::Unset), Some(Value::I64(20)), "{kind}");
        assert_eq!(level(kind, Status::error("x")), Some(Value::I64(40)), "{kind}");
    }
    for kind in ["UNKNOWN", "CHAIN", "PARSER", "RERANKER", "MEMORY", "WORKFLOW", "TASK", "MY_OWN"] {
        assert_eq!(level(kind, Status::Ok), Some(Value::I64(10)), "{kind}");
    }
    let own =
        SpanData { status: Status::error("x"), ..root_data([KeyValue::new(keys::LOG_LEVEL, 30)]) };
    let own = apply(&span_of(own), TraceInfoMode::Auto);
    let levels = own.attributes.iter().filter(|kv| kv.key.as_str() == keys::LOG_LEVEL);
    assert_eq!(levels.collect::<Vec<_>>(), [&KeyValue::new(keys::LOG_LEVEL, 30)]);
}

#[test]
fn arguments_that_became_inputs_are_not_repeated() {
    let arguments = vec![KeyValue::new("k", 3), KeyValue::new("text", "[1]")];
    let span = Span {
        arguments,
        inputs: Some(Content::Json(r#"{"k":3,"text":"[1]"}"#.to_owned())),
        inputs_are_arguments: true,
        ..span_of(root_data([KeyValue::new("http.route", "/")]))
    };
    let data = apply(&span, TraceInfoMode::Auto);
    assert_eq!((value(&data, "k"), value(&data, "text")), (None, None));

    let explicit = Span { inputs_are_arguments: false, ..span };
    let data = apply(&explicit, TraceInfoMode::Auto);
    assert_eq!(value(&data, "k"), Some(&Value::I64(3)));
    assert_eq!(value(&data, "text"), Some(&Value::from("\"[1]\"")), "within the same rules");
    assert_eq!(value(&data, "http.route"), Some(&Value::from("/")));
}

#[test]
fn tags_that_are_the_servers_own_are_left_out() {
    let long = |length| "k".repeat(length);
    let tag = |key: &str| format!("mlflow.traceTag.{key}");
    let refused = [
        tag("mlflow.trace.spansLocation"),
        tag("mlflow.artifactLocation"),
        tag("mlflow.anything"),
        tag(""),
        tag(&long(251)),
    ];
    let allowed = [tag("mlflow.linkedPrompts"), tag("team"), tag(&long(250))];
    let keys = refused.iter().chain(&allowed).cloned();
    let data = sent(keys.map(|key| KeyValue::new(key, "x")));
    for key in &refused {
        assert_eq!(value(&data, key), None);
    }
    for key in &allowed {
        assert_eq!(value(&data, key), Some(&Value::from("x")));
    }
}

#[test]
fn tags_are_strings_of_at_most_4096_characters() {
    let data = sent([
        KeyValue::new("mlflow.traceTag.n", 7),
        KeyValue::new("mlflow.traceTag.long", "é".repeat(5000)),
        KeyValue::new("mlflow.traceTag.json", "{\"a\":1}"),
    ]);
    assert_eq!(value(&data, "mlflow.traceTag.n"), Some(&Value::from("7")));
    assert_eq!(value(&data, "mlflow.traceTag.long"), Some(&Value::from("é".repeat(4096))));
    let quoted = Value::from(r#""{\"a\":1}""#);
    assert_eq!(value(&data, "mlflow.traceTag.json"), Some(&quoted));
}

#[test]
fn texts_are_cut_to_the_servers_columns() {
    let long = "é".repeat(5000);
    let data = SpanData {
        name: long.clone().into(),
        ..root_data([
            KeyValue::new(trace::SESSION, long.clone()),
            KeyValue::new(trace::USER, 42),
            KeyValue::new(otel::GEN_AI_CONVERSATION, long.clone()),
            KeyValue::new(keys::TYPE, long.clone()),
        ])
    };
    let data = apply(&span_of(data), TraceInfoMode::Auto);
    let chars = |key: &str| value(&data, key).unwrap().as_str().chars().count();
    assert_eq!(chars(trace::SESSION), 250);
    assert_eq!(chars(otel::GEN_AI_CONVERSATION), 250);
    assert_eq!(chars(keys::TYPE), 500);
    assert_eq!(chars(TRACE_NAME), 4096);
    assert_eq!(value(&data, trace::USER), Some(&Value::from("42")));
    assert_eq!(data.name, long, "a span's name has no limit");
}

#[test]
fn nul_does_not_reach_the_columns_of_a_database() {
    let data = SpanData {
        name: "a\0b".into(),
        ..root_data([
            KeyValue::new(keys::TYPE, "T\0"),
            KeyValue::new(trace::SESSION, "s\0"),
            KeyValue::new("mlflow.traceTag.team", "t\0"),
            KeyValue::new("text", "x\0"),
        ])
    };
    let data = apply(&span_of(data), TraceInfoMode::Auto);
    assert_eq!(data.name, "a\u{fffd}b");
    for key in [TRACE_NAME, keys::TYPE, trace::SESSION, "mlflow.traceTag.team", "text"] {
        let text = value(&data, key).unwrap().as_str().into_owned();
        assert!(text.contains('\u{fffd}') && !text.contains('\0'), "{key}: {text:?}");
    }
}

#[test]
fn what_the_trace_info_call_carries_is_no_attribute_of_the_root() {
    let carried = [
        "mlflow.clientRequestId",
        "mlflow.traceRequestPreview",
        "mlflow.traceResponsePreview",
        "mlflow.traceState",
        "mlflow.modelId",
        "mlflow.sourceRun",
        "mlflow.traceMetadata.any",
    ];
    let count = |parent, mode| {
        let attributes = carried.iter().map(|key| KeyValue::new(*key, "x")).collect();
        let data = SpanData { attributes, ..span_data("span", 2, parent) };
        let data = apply(&span_of(data), mode);
        carried.iter().filter(|key| value(&data, key).is_some()).count()
    };
    assert_eq!(count(0, TraceInfoMode::Auto), 0);
    assert_eq!(count(0, TraceInfoMode::Always), 0);
    assert_eq!(count(0, TraceInfoMode::Never), carried.len());
    assert_eq!(count(1, TraceInfoMode::Auto), carried.len(), "nobody asks a child");
}

#[test]
fn everything_else_of_the_span_stays() {
    let data = SpanData {
        parent_span_is_remote: true,
        span_kind: SpanKind::Client,
        dropped_attributes_count: 3,
        ..span_data("call", 2, 1)
    };
    let sent = apply(&span_of(data.clone()), TraceInfoMode::Auto);
    let (status, attributes) = (Status::Ok, sent.attributes.clone());
    assert_eq!(sent, SpanData { status, attributes, ..data });
}

/// A root with these attributes as it goes to the server.
fn sent(attributes: impl IntoIterator<Item = KeyValue>) -> SpanData {
    apply(&span_of(root_data(attributes)), TraceInfoMode::Auto)
}

fn value<'a>(data: &'a SpanData, key: &str) -> Option<&'a Value> {
    data.attributes.iter().find(|kv| kv.key.as_str() == key).map(|kv| &kv.value)
}
