//! What `init` makes global. All tests share the one set-up that a process can have.
#![cfg(test)]

use std::collections::HashMap;
use std::sync::LazyLock;

use mlflow_tracing::TracingGuard;
use mlflow_tracing::opentelemetry::baggage::BaggageExt as _;
use mlflow_tracing::opentelemetry::trace::{TraceContextExt as _, Tracer as _};
use mlflow_tracing::opentelemetry::{Context, KeyValue, global};
use tracing::{info_span, instrument};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use support::app::{NOTHING, conserved};
use support::child;
use support::server::Server;
use support::spans::{Spans, hex};
use support::time::{PATIENCE, spawn};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

struct Program {
    guard: TracingGuard,
    server: Server,
}

static PROGRAM: LazyLock<Program> = LazyLock::new(|| {
    let server = Server::mlflow();
    let builder = mlflow_tracing::builder().with_environment(NOTHING).with_print_url(false);
    Program { guard: builder.with_tracking_uri(server.url()).init().unwrap(), server }
});

impl Program {
    fn delivered(&self) -> Spans {
        self.guard.flush(PATIENCE).unwrap();
        conserved(&self.guard);
        self.server.spans()
    }
}

#[instrument(ret)]
fn add(one: u64, other: u64) -> u64 {
    one + other
}

#[test]
fn every_thread_is_traced() {
    let program = &*PROGRAM;
    spawn("any", || add(1, 2)).join().unwrap();
    let spans = program.delivered();
    let span = spans.one("add");
    assert_eq!(span.inputs().unwrap(), serde_json::json!({ "one": 1, "other": 2 }));
    assert_eq!(span.outputs().unwrap(), 3);
}

#[test]
fn the_global_tracer_is_ours() {
    let program = &*PROGRAM;
    info_span!("above the api").in_scope(|| {
        global::tracer("library").in_span("of the api", |_| ());
    });
    let spans = program.delivered();
    assert!(spans.one("of the api").is_child_of(spans.one("above the api")));
}

#[test]
fn a_trace_goes_on_in_another_process() {
    let program = &*PROGRAM;
    let mut headers = HashMap::new();
    let span = info_span!("caller");
    let context = span.context().with_baggage([KeyValue::new("tenant", "blue")]);
    global::get_text_map_propagator(|propagator| propagator.inject_context(&context, &mut headers));
    drop((span, context));
    let spans = program.delivered();
    let caller = spans.one("caller");
    assert_eq!(headers["traceparent"], format!("00-{}-{}-01", caller.trace_id(), caller.span_id()));
    assert_eq!(headers["baggage"], "tenant=blue");
}

#[test]
fn a_trace_of_another_process_goes_on_here() {
    let program = &*PROGRAM;
    let (trace_id, span_id) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    let headers = HashMap::from([
        ("traceparent".to_owned(), format!("00-{trace_id}-{span_id}-01")),
        ("baggage".to_owned(), "tenant=blue".to_owned()),
    ]);
    let context = global::get_text_map_propagator(|propagator| {
        propagator.extract_with_context(&Context::new(), &headers)
    });
    assert!(context.span().span_context().is_remote());
    assert_eq!(context.baggage().get("tenant").unwrap().as_str(), "blue");
    info_span!("callee").set_parent(context).unwrap();
    let spans = program.delivered();
    let callee = spans.one("callee");
    assert_eq!(
        (callee.trace_id().as_str(), hex(&callee.span.parent_span_id).as_str()),
        (trace_id, span_id)
    );
}

#[test]
fn a_second_init_is_an_error_that_names_the_layer() {
    let program = &*PROGRAM;
    let error = mlflow_tracing::builder().with_environment(NOTHING).init().unwrap_err();
    assert!(error.is_already_installed() && !error.is_config());
    assert!(error.to_string().contains(".with(tracing.layer())"), "{error}");
    // The first goes on as before.
    info_span!("after the second init").in_scope(|| ());
    program.delivered().one("after the second init");
}

#[test]
fn a_subscriber_that_is_set_is_left_alone() {
    child::run("a_subscriber_that_is_set_is_left_alone", &[], || {
        tracing_subscriber::registry().init();
        let error = mlflow_tracing::init().unwrap_err();
        assert!(error.is_already_installed());
        let provider = format!("{:?}", global::tracer_provider());
        assert!(!provider.contains("Sdk"), "nothing was installed: {provider}");
    });
}
