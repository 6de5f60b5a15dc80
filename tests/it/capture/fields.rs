//! Fields of spans: dotted, late, twice, many.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use mlflow_tracing::opentelemetry::trace::{SpanKind, TracerProvider as _};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use mlflow_tracing::semconv;
use serde_json::{Map, Value, json};
use tracing::field::Empty;
use tracing::{info_span, instrument};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{Traced, captured};
use crate::support::spans::Spans;

#[test]
fn dotted_fields_are_attributes_and_never_inputs() {
    #[instrument(fields(
        mlflow.spanType = "RETRIEVER",
        gen_ai.request.model = "m-1",
        gen_ai.usage.input_tokens = 7_u64,
        http.request.method = "GET",
    ))]
    fn retrieve(query: &str) {}
    let spans = captured(|| retrieve("rust"));
    let span = spans.one("retrieve");
    assert_eq!(span.inputs().unwrap(), json!({ "query": "rust" }));
    assert_eq!(span.attribute("mlflow.spanType"), Some(json!("RETRIEVER")));
    assert_eq!(span.attribute("gen_ai.request.model"), Some(json!("m-1")));
    assert_eq!(span.attribute("gen_ai.usage.input_tokens"), Some(json!(7)));
    assert_eq!(span.attribute("http.request.method"), Some(json!("GET")));
}

#[test]
fn names_of_semconv_can_be_field_names() {
    let spans = captured(|| drop(info_span!("search", { semconv::span::TYPE } = "TOOL")));
    assert_eq!(spans.one("search").attribute("mlflow.spanType"), Some(json!("TOOL")));
}

#[test]
fn a_span_with_dotted_fields_alone_has_no_inputs() {
    let spans = captured(|| drop(info_span!("call", http.route = "/")));
    assert_eq!(spans.one("call").inputs(), None);
}

#[test]
fn inputs_may_be_given_as_a_field() {
    let spans = captured(|| {
        drop(info_span!("chat", mlflow.spanInputs = r#"{"role":"user"}"#, turn = 1));
    });
    let span = spans.one("chat");
    assert_eq!(span.inputs().unwrap(), json!({ "role": "user" }));
    assert_eq!(span.attribute("turn"), Some(json!(1)));
}

#[test]
fn a_field_recorded_late_is_an_input() {
    let spans = captured(|| {
        let span =
            info_span!("chat", model = "m-1", tokens = Empty, gen_ai.usage.output_tokens = Empty);
        span.in_scope(|| ());
        span.record("tokens", 12_u64).record("gen_ai.usage.output_tokens", 5_u32);
    });
    let span = spans.one("chat");
    assert_eq!(span.inputs().unwrap(), json!({ "model": "m-1", "tokens": 12 }));
    assert_eq!(span.attribute("gen_ai.usage.output_tokens"), Some(json!(5)));
}

#[test]
fn a_field_that_stays_empty_is_no_input() {
    let spans = captured(|| drop(info_span!("chat", model = "m-1", tokens = Empty)));
    assert_eq!(spans.one("chat").inputs().unwrap(), json!({ "model": "m-1" }));
}

#[test]
fn the_last_of_two_records_wins() {
    let spans = captured(|| {
        let span = info_span!("step", attempt = 1, outcome = "none");
        span.record("attempt", 2).record("outcome", "well").record("attempt", 3);
    });
    let span = spans.one("step");
    assert_eq!(span.inputs().unwrap(), json!({ "attempt": 3, "outcome": "well" }));
    assert_eq!(span.attribute("attempt"), Some(json!(3)));
}

#[test]
fn a_field_has_the_type_of_its_last_value() {
    let spans = captured(|| {
        let span = info_span!("step", a = 1_u64, b = "1", c = 1_u64);
        span.record("a", "2").record("b", 2_u64).record("c", tracing::field::debug("3"));
    });
    assert_eq!(spans.one("step").inputs().unwrap(), json!({ "a": "2", "b": 2, "c": r#""3""# }));
}

#[derive(Debug)]
struct Refused(Option<Box<Self>>, &'static str);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.as_deref().map(|cause| cause as &(dyn Error + 'static))
    }
}

#[test]
fn an_error_in_a_field_keeps_its_expansion() {
    let error = Refused(Some(Box::new(Refused(None, "cable cut"))), "no answer");
    let spans = captured(|| {
        drop(info_span!("call", turn = 1, failure = &error as &(dyn Error + 'static)));
    });
    let span = spans.one("call");
    assert_eq!(span.attribute("failure"), Some(json!("no answer")));
    assert_eq!(span.attribute("failure.chain"), Some(json!(["cable cut"])));
    assert_eq!(span.attribute("exception.message"), Some(json!("no answer")));
    assert_eq!(span.inputs().unwrap(), json!({ "turn": 1 }));
}

/// Fields in every form that an OTel layer understands, none of them an argument.
fn every_form() {
    let error = Refused(Some(Box::new(Refused(None, "cable cut"))), "no answer");
    let cause = &error as &(dyn Error + 'static);
    let root = info_span!(parent: None, "root", app.text = "a", app.number = -1, app.part = 0.5);
    let named = info_span!(
        parent: &root,
        "named",
        otel.name = "GET /",
        otel.kind = "server",
        otel.status_code = "error",
        otel.other = "b",
        otel.count = 2,
        app.shown = %"c",
        app.debugged = ?Some("d"),
        app.yes = true,
    );
    let _entered = named.enter();
    drop(info_span!("failed", app.failure = cause, otel.status_description = %error));
    drop(info_span!("client", otel.name = ?"quoted", otel.kind = ?SpanKind::Client));
    drop(info_span!("well", otel.status_code = "ok", otel.kind = 7, otel.name = true));
    drop(info_span!("counted", otel.name = 3_usize, otel.kind = 7_u128, otel.other = 4_u64));
    let late = info_span!("late", otel.name = Empty, app.late = Empty);
    late.record("otel.name", "in time").record("app.late", 1.5);
}

type Told<'a> = (Option<&'a str>, i32, (&'a str, &'a str), Map<String, Value>);

/// Parent, kind, status and attributes of each span.
fn told(spans: &Spans) -> BTreeMap<&str, Told<'_>> {
    let told = spans.0.iter().map(|it| {
        let parent = spans.0.iter().find(|other| it.is_child_of(other));
        let parent = parent.map(|parent| parent.span.name.as_str());
        (it.span.name.as_str(), (parent, it.span.kind, it.status(), it.attributes()))
    });
    told.collect()
}

#[test]
fn fields_mean_what_they_mean_to_the_official_layer() {
    let official = Traced::otlp();
    let provider =
        SdkTracerProvider::builder().with_span_processor(official.guard.processor()).build();
    let layer = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("official"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), every_form);
    let (ours, theirs) = (captured(every_form), official.delivered());
    let (ours, theirs) = (told(&ours), told(&theirs));
    let names: Vec<_> = theirs.keys().copied().collect();
    assert_eq!(names, ["\"quoted\"", "3", "GET /", "failed", "in time", "root", "well"]);
    assert_eq!(ours, theirs);
}

#[test]
fn a_span_may_have_any_number_of_fields() {
    macro_rules! span_with {
        ($($name:ident)*) => { info_span!("wide", $($name = 1_u64),*) };
    }
    let spans = captured(|| {
        drop(span_with!(
            a0 a1 a2 a3 a4 a5 a6 a7 a8 a9 b0 b1 b2 b3 b4 b5 b6 b7 b8 b9 c0 c1 c2 c3 c4 c5 c6 c7 c8 c9
            d0 d1 d2 d3 d4 d5 d6 d7 d8 d9 e0 e1 e2 e3 e4 e5 e6 e7 e8 e9 f0 f1 f2 f3 f4 f5 f6 f7 f8 f9
            g0 g1 g2 g3 g4 g5 g6 g7 g8 g9
        ));
    });
    let inputs = spans.one("wide").inputs().unwrap();
    let inputs = inputs.as_object().unwrap();
    assert_eq!(inputs.len(), 70);
    assert!(inputs.values().all(|value| value == 1), "{inputs:?}");
}

/// A span with more attributes than the 128 that the SDK keeps by default.
fn crowded(app: &str) {
    use mlflow_tracing::MlflowSpanExt as _;
    use tracing_opentelemetry::OpenTelemetrySpanExt as _;
    let span = info_span!("crowded", app, mlflow.spanType = "TOOL", total = Empty);
    for number in 0..400 {
        span.set_attribute(format!("app.item.{number}"), number);
    }
    span.record("total", 400);
    span.set_outputs("done");
}

#[test]
fn reserved_attributes_survive_any_number_of_others() {
    let spans = captured(|| crowded("a"));
    let span = spans.one("crowded");
    assert_eq!(span.inputs().unwrap(), json!({ "app": "a", "total": 400 }));
    assert_eq!(span.outputs().unwrap(), "done");
    assert_eq!(span.attribute("mlflow.spanType"), Some(json!("TOOL")));
    assert_eq!(span.attribute("app.item.399"), Some(json!(399)));
    assert_eq!(span.span.dropped_attributes_count, 0);
}

#[test]
fn notes_of_the_capturing_layer_never_leave_the_process() {
    #[instrument(ret)]
    fn everything(count: u64) -> u64 {
        use mlflow_tracing::MlflowSpanExt as _;
        tracing::Span::current().set_json_attribute("app.plan", &[1]);
        count
    }
    let traced = Traced::mlflow();
    traced.run(|| {
        everything(1);
    });
    for spans in [traced.delivered(), captured(|| everything(1))] {
        let keys: Vec<_> = spans.one("everything").attributes().into_iter().collect();
        assert!(!keys.iter().any(|(key, _)| key.starts_with("mlflow_tracing.")), "{keys:?}");
    }
}
