//! `MlflowSpanExt`, with `OpenTelemetrySpanExt` in scope beside it.

use std::collections::BTreeMap;
use std::fmt;

use mlflow_tracing::{MlflowSpanExt as _, SpanType};
use serde::Serialize;
use serde_json::json;
use tracing::{Span, debug_span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::support::app::{Traced, captured};

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
    assert_eq!(call.status(), ("ERROR", "offline"));
    let (name, attributes) = call.events().remove(0);
    assert_eq!(name, "exception");
    assert_eq!(attributes["exception.message"], "offline");
    assert!(attributes["exception.type"].as_str().unwrap().ends_with("::Offline"));
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

#[test]
fn a_span_that_is_not_captured_ignores_everything() {
    struct Explosive;
    impl Serialize for Explosive {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            panic!("serialised in vain")
        }
    }
    let ignored = |span: &Span| {
        span.set_inputs(&Explosive)
            .set_outputs(&Explosive)
            .set_json_attribute("a", &Explosive)
            .set_span_type(SpanType::Tool)
            .record_exception(&Offline);
        assert_eq!(span.trace_id(), None);
    };
    ignored(&info_span!("no layer at all"));
    ignored(&Span::none());
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
