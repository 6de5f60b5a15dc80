use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;

use super::*;
use crate::model::text::Content;
use crate::semconv::metadata as names;
use crate::tests::{TRACE, at, plain, root_data};

/// The captured request of the Python SDK for the same trace (its sizes count other bytes).
#[test]
fn the_call_has_the_shape_of_the_python_sdks() {
    let data = root_data([
        KeyValue::new("mlflow.clientRequestId", "req-42"),
        KeyValue::new("session.id", "sess-1"),
        KeyValue::new("user.id", "user-1"),
        KeyValue::new("mlflow.traceMetadata.custom", "v"),
        KeyValue::new("mlflow.traceTag.team", "blue"),
        KeyValue::new("mlflow.traceRequestPreview", "{\"question\": \"what?\", \"k\": 3}"),
        KeyValue::new("mlflow.traceResponsePreview", "hi"),
    ]);
    let data = SpanData {
        name: "agent".into(),
        start_time: at(625),
        end_time: at(625) + Duration::from_micros(270_999),
        ..data
    };
    let root = Span {
        inputs: Some(Content::Json("{\"question\": \"what?\", \"k\": 3}".to_owned())),
        outputs: Some(Content::Text("hi".to_owned())),
        ..plain(data)
    };
    let mut sums = RollUp::default();
    for bytes in [1115, 592, 664] {
        sums.add(&root, bytes);
    }
    let info = TraceInfo::of(&root, TraceInfoMode::Always, &process()).unwrap();
    let epilogue = info.into_epilogue(TraceId::from(TRACE), &sums);
    assert_eq!(epilogue.trace_id, TraceId::from(TRACE));

    let stats =
        r#"{"max":1115,"num_spans":3,"p25":628,"p50":664,"p75":889,"total_size_bytes":2371}"#;
    let expected = json!({ "trace": { "trace_info": {
        "trace_id": "tr-0123456789abcdeffedcba9876543210",
        "client_request_id": "req-42",
        "trace_location": {
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": "2" },
        },
        "request_time": "2026-11-22T15:58:25.625Z",
        "execution_duration": "0.270s",
        "state": "OK",
        "trace_metadata": {
            "mlflow.user": "root",
            "mlflow.source.name": "app",
            "mlflow.source.type": "LOCAL",
            "mlflow.trace_schema.version": "3",
            "mlflow.trace.session": "sess-1",
            "mlflow.trace.user": "user-1",
            "custom": "v",
            "mlflow.traceInputs": "{\"question\": \"what?\", \"k\": 3}",
            "mlflow.traceOutputs": "\"hi\"",
            "mlflow.trace.sizeStats": stats,
            "mlflow.trace.sizeBytes": "2371",
        },
        "tags": { "mlflow.traceName": "agent", "team": "blue" },
        "request_preview": "{\"question\": \"what?\", \"k\": 3}",
        "response_preview": "hi",
    } } });
    assert_eq!(body(&epilogue, true), expected);
}

#[test]
fn a_trace_that_lost_a_span_goes_without_the_numbers_of_its_spans() {
    let info = TraceInfo::of(&plain(root_data([])), TraceInfoMode::Always, &process()).unwrap();
    let mut sums = RollUp::default();
    sums.add(&plain(root_data([])), 1);
    let epilogue = info.into_epilogue(TraceId::from(TRACE), &sums);
    let metadata = |whole| body(&epilogue, whole)["trace"]["trace_info"]["trace_metadata"].clone();
    let (mut whole, broken) = (metadata(true), metadata(false));
    for name in [names::SIZE_STATS, names::SIZE_BYTES] {
        assert!(whole.as_object_mut().unwrap().remove(name).is_some());
    }
    assert_eq!(broken, whole);
}

#[test]
fn the_call_is_made_when_it_has_something_to_say() {
    let due = |mode, attributes: Vec<KeyValue>| {
        TraceInfo::of(&plain(root_data(attributes)), mode, &process()).is_some()
    };
    let in_spans = || {
        ["session.id", "user.id", "mlflow.traceTag.team", "mlflow.chat.tokenUsage", "any"]
            .map(|key| KeyValue::new(key, "x"))
            .to_vec()
    };
    assert!(!due(TraceInfoMode::Auto, in_spans()));
    assert!(due(TraceInfoMode::Always, Vec::new()));
    for key in [
        "mlflow.clientRequestId",
        "mlflow.traceRequestPreview",
        "mlflow.traceResponsePreview",
        "mlflow.traceState",
        "mlflow.modelId",
        "mlflow.sourceRun",
        "mlflow.traceMetadata.custom",
    ] {
        assert!(due(TraceInfoMode::Auto, vec![KeyValue::new(key, "x")]), "{key}");
        assert!(!due(TraceInfoMode::Never, vec![KeyValue::new(key, "x")]), "{key}");
    }
}

#[test]
fn the_state_is_the_roots_unless_the_program_says_another() {
    let state = |status: Status, said: Option<&'static str>| {
        let attributes = said.map(|said| KeyValue::new("mlflow.traceState", said));
        info(SpanData { status, ..root_data(attributes) })["state"].clone()
    };
    assert_eq!(state(Status::Unset, None), "OK");
    assert_eq!(state(Status::error("boom"), None), "ERROR");
    assert_eq!(state(Status::error("boom"), Some("OK")), "OK");
    assert_eq!(state(Status::Ok, Some("ERROR")), "ERROR");
    // The server would make no state at all of an unknown one.
    assert_eq!(state(Status::error("boom"), Some("FAILED")), "ERROR");
}

#[test]
fn every_text_is_cut_to_its_column() {
    let long = |length: usize| "é".repeat(length);
    let info = info(SpanData {
        name: long(5000).into(),
        ..root_data([
            KeyValue::new("session.id", long(300)),
            KeyValue::new(format!("mlflow.traceMetadata.{}", long(300)), long(300)),
            KeyValue::new(format!("mlflow.traceTag.{}", long(300)), long(5000)),
            KeyValue::new("mlflow.clientRequestId", long(60)),
            KeyValue::new("mlflow.traceRequestPreview", long(2000)),
        ])
    });
    let chars = |value: &Value| value.as_str().unwrap().chars().count();
    let metadata = info["trace_metadata"].as_object().unwrap();
    assert_eq!(chars(&metadata["mlflow.trace.session"]), 250);
    assert_eq!(chars(&metadata[&long(250)]), 250);
    assert_eq!(chars(&info["tags"][&long(250)]), 4096);
    assert_eq!(chars(&info["tags"]["mlflow.traceName"]), 4096);
    assert_eq!(chars(&info["client_request_id"]), 50);
    assert_eq!(info["request_preview"], format!("{}...", long(997)));
    assert_eq!(info.get("response_preview"), None, "there are no outputs");
}

#[test]
fn inputs_and_outputs_are_cut_with_dots_and_empty_when_there_are_none() {
    let root = Span {
        inputs: Some(Content::Text("é".repeat(251))),
        outputs: Some(Content::Json("1".repeat(250))),
        ..plain(root_data([]))
    };
    let entries = describe_metadata(&root, &process());
    assert_eq!(entries["mlflow.traceInputs"], format!("\"{}...", "é".repeat(246)));
    assert_eq!(entries["mlflow.traceOutputs"], "1".repeat(250));
    let entries = describe_metadata(&plain(root_data([])), &process());
    assert_eq!(
        (&entries["mlflow.traceInputs"], &entries["mlflow.traceOutputs"]),
        (&json!(""), &json!(""))
    );
}

/// The server drops whatever follows a value of another type, and says nothing.
#[test]
fn every_tag_and_every_metadata_entry_is_a_string() {
    let info = info(root_data([
        KeyValue::new("gen_ai.conversation.id", 7),
        KeyValue::new("user.id", true),
        KeyValue::new("mlflow.clientRequestId", 42),
        KeyValue::new("mlflow.modelId", 1),
        KeyValue::new("mlflow.sourceRun", 2),
        KeyValue::new("mlflow.traceMetadata.n", 0.5),
        KeyValue::new("mlflow.traceTag.n", 3),
    ]));
    let metadata = info["trace_metadata"].as_object().unwrap();
    let tags = info["tags"].as_object().unwrap();
    assert!(metadata.values().chain(tags.values()).all(Value::is_string), "{info}");
    for (key, value) in [
        ("mlflow.trace.session", "7"),
        ("mlflow.trace.user", "true"),
        ("mlflow.modelId", "1"),
        ("mlflow.sourceRun", "2"),
        ("n", "0.5"),
    ] {
        assert_eq!(metadata[key], value);
    }
    assert_eq!((&tags["n"], &info["client_request_id"]), (&json!("3"), &json!("42")));
}

#[test]
fn tags_of_mlflows_own_are_left_out_and_the_traces_name_may_be_given() {
    let tags = |attributes: &[(&'static str, &'static str)]| {
        let attributes = attributes.iter().map(|(key, value)| KeyValue::new(*key, *value));
        info(root_data(attributes))["tags"].clone()
    };
    let reserved = [
        ("mlflow.traceTag.mlflow.artifactLocation", "x"),
        ("mlflow.traceTag.mlflow.trace.spansLocation", "x"),
    ];
    assert_eq!(tags(&reserved), json!({ "mlflow.traceName": "root" }));
    let named = [("mlflow.traceTag.mlflow.traceName", "mine")];
    assert_eq!(tags(&named), json!({ "mlflow.traceName": "mine" }));
}

#[test]
fn nul_does_not_reach_the_columns_of_a_database() {
    let info = info(SpanData {
        name: "a\0".into(),
        ..root_data([
            KeyValue::new("session.id", "s\0"),
            KeyValue::new("mlflow.traceTag.k", "t\0"),
            KeyValue::new("mlflow.traceMetadata.k", "m\0"),
            KeyValue::new("mlflow.clientRequestId", "c\0"),
            KeyValue::new("mlflow.traceRequestPreview", "p\0"),
        ])
    });
    assert!(!info.to_string().contains("\\u0000"), "{info}");
    assert_eq!(info["tags"]["k"], "t\u{fffd}");
}

#[test]
fn what_the_process_does_not_know_it_does_not_say() {
    let nobody = ProcessInfo { user: None, source_name: None, model_id: None };
    let entries = describe_metadata(&plain(root_data([])), &nobody);
    let keys: Vec<&str> = entries.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "mlflow.source.type",
            "mlflow.traceInputs",
            "mlflow.traceOutputs",
            "mlflow.trace_schema.version"
        ]
    );
}

#[test]
fn a_model_id_of_the_process_is_that_of_traces_that_name_none() {
    let process = ProcessInfo { model_id: Some("m-1".to_owned()), ..process() };
    let model_of = |root: SpanData| {
        let info = TraceInfo::of(&plain(root), TraceInfoMode::Auto, &process).unwrap();
        info.0["trace_metadata"]["mlflow.modelId"].clone()
    };
    assert_eq!(model_of(root_data([])), "m-1");
    assert_eq!(model_of(root_data([KeyValue::new("mlflow.modelId", "m-2")])), "m-2");
    assert!(TraceInfo::of(&plain(root_data([])), TraceInfoMode::Never, &process).is_none());
}

fn process() -> ProcessInfo {
    ProcessInfo {
        user: Some("root".to_owned()),
        source_name: Some("app".to_owned()),
        model_id: None,
    }
}

fn info(root: SpanData) -> Value {
    let TraceInfo(info) = TraceInfo::of(&plain(root), TraceInfoMode::Always, &process()).unwrap();
    Value::Object(info)
}

fn body(epilogue: &Epilogue, whole: bool) -> Value {
    serde_json::from_slice(&request_body(epilogue, "2", whole)).unwrap()
}
