//! What a scope says is on the roots that start in it.

use mlflow_tracing::opentelemetry::trace::{
    Span as _, TraceFlags, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry::{Context, KeyValue};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
use mlflow_tracing::{TraceInfoMode, context, span_builder};
use serde_json::{Value, json};
use tracing::info_span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::layer::SubscriberExt as _;

use super::{family, infos, remote, said, session, sessions};
use crate::support::app::{Traced, captured};
use crate::support::server::Server;
use crate::support::time::spawn;

#[test]
fn everything_that_can_be_said_is_on_the_root_and_not_on_its_children() {
    let spans = captured(|| {
        let said = context()
            .session("s")
            .user("u")
            .tag("team", "blue")
            .metadata("release", "7")
            .client_request_id("r")
            .model_id("m")
            .source_run("run");
        said.in_scope(|| family("root"));
    });
    let root = spans.one("root");
    for (key, value) in [
        ("session.id", "s"),
        ("user.id", "u"),
        ("mlflow.traceTag.team", "blue"),
        ("mlflow.traceMetadata.release", "7"),
        ("mlflow.clientRequestId", "r"),
        ("mlflow.modelId", "m"),
        ("mlflow.sourceRun", "run"),
    ] {
        assert_eq!(root.attribute(key), Some(json!(value)), "{key}");
        assert_eq!(spans.one("child").attribute(key), None, "{key}");
    }
}

#[test]
fn the_trace_info_call_carries_what_spans_cannot() {
    let traced = Traced::mlflow();
    let said = context().metadata("release", "7").client_request_id("r").source_run("run");
    traced.run(|| said.tag("team", "blue").in_scope(|| family("root")));
    traced.delivered();
    let info = infos(&traced).remove(0);
    assert_eq!(info["client_request_id"], "r");
    assert_eq!(info["trace_metadata"]["release"], "7");
    assert_eq!(info["trace_metadata"]["mlflow.sourceRun"], "run");
    assert_eq!(info["tags"], json!({ "mlflow.traceName": "root", "team": "blue" }));
}

#[test]
fn the_inner_scope_wins_key_by_key_and_the_root_itself_over_both() {
    let traced = Traced::otlp_with(|builder| {
        builder.with_trace_context(context().session("usual").user("usual").tag("usual", "yes"))
    });
    traced.run(|| {
        family("usual");
        context().session("outer").user("outer").in_scope(|| {
            family("outer");
            context().session("inner").in_scope(|| {
                family("inner");
                info_span!("own", session.id = "own").in_scope(|| ());
                let late = info_span!("late");
                late.in_scope(|| late.set_attribute("session.id", "late"));
            });
            family("outer again");
        });
    });
    let spans = traced.delivered();
    let names = ["usual", "outer", "inner", "own", "late", "outer again"];
    let expected = ["usual", "outer", "inner", "own", "late", "outer"];
    assert_eq!(sessions(&spans, &names), said(&expected));
    let users: Vec<_> = names.iter().map(|it| spans.one(it).attribute("user.id")).collect();
    assert_eq!(users[0], Some(json!("usual")));
    assert!(users[1..].iter().all(|user| *user == Some(json!("outer"))));
    let usual = |name: &&str| spans.one(name).attribute("mlflow.traceTag.usual");
    assert!(names.iter().all(|name| usual(name) == Some(json!("yes"))));
}

#[test]
fn roots_of_the_opentelemetry_api_have_it_too() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    let long = "x".repeat(5000);
    context().session("s").user("scope").in_scope(|| {
        api.in_span("root", |_| api.in_span("child", |_| ()));
        let own = [KeyValue::new("user.id", "own"), KeyValue::new("long", long.clone())];
        api.span_builder("own").with_attributes(own).start(&api).end();
        api.start_with_context("elsewhere", &Context::new()).end();
    });
    api.in_span("outside", |_| ());
    let spans = traced.delivered();
    let names = ["root", "child", "own", "elsewhere", "outside"];
    assert_eq!(sessions(&spans, &names), said(&["s", "", "s", "s", ""]));
    assert_eq!(spans.one("own").attribute("user.id"), Some(json!("own")));
    assert_eq!(spans.one("own").attribute("long"), Some(json!(long)));
}

#[test]
fn roots_of_ones_own_layer_and_provider_have_it_too() {
    let traced = Traced::otlp_with(|builder| builder.with_trace_context(context().user("usual")));
    let provider =
        SdkTracerProvider::builder().with_span_processor(traced.guard.processor()).build();
    let otel = tracing_opentelemetry::layer().with_tracer(provider.tracer("mine"));
    let subscriber = tracing_subscriber::registry().with(traced.guard.capture_layer()).with(otel);
    tracing::subscriber::with_default(subscriber, || {
        context().session("s").in_scope(|| family("root"));
    });
    let spans = traced.delivered();
    assert_eq!(sessions(&spans, &["root", "child"]), said(&["s", ""]));
    assert_eq!(spans.one("root").attribute("user.id"), Some(json!("usual")));
    assert_eq!(spans.one("child").attribute("user.id"), None);
}

#[test]
fn of_a_trace_from_another_process_the_first_span_here_has_it() {
    let spans = captured(|| {
        let handler = info_span!("handler");
        handler.set_parent(remote(TraceFlags::SAMPLED)).unwrap();
        context().session("s").in_scope(|| handler.in_scope(|| drop(info_span!("child"))));
    });
    assert_eq!(sessions(&spans, &["handler", "child"]), said(&["s", ""]));
}

#[test]
fn a_trace_that_runs_already_is_left_alone() {
    let spans = captured(|| {
        let root = info_span!("root");
        root.in_scope(|| context().session("s").in_scope(|| drop(info_span!("child"))));
    });
    assert_eq!(sessions(&spans, &["root", "child"]), said(&["", ""]));
}

#[test]
fn where_a_span_was_made_holds_when_it_starts_elsewhere() {
    let traced = Traced::otlp();
    traced.run(|| {
        let scoped = context().session("s");
        let (made, root, built) = scoped.in_scope(|| {
            (
                info_span!("made"),
                info_span!(parent: None, "root"),
                span_builder("built").root().start(),
            )
        });
        // Elsewhere is another scope that has nothing to do with this one, or none.
        drop(made);
        drop(root);
        drop(built);
    });
    let spans = traced.delivered();
    assert_eq!(sessions(&spans, &["made", "root", "built"]), said(&["s", "s", "s"]));
}

#[test]
fn a_span_that_was_made_before_the_scope_is_in_it_when_it_starts_there() {
    let traced = Traced::otlp();
    traced.run(|| {
        context().session("outer").tag("kept", "yes").in_scope(|| {
            let early = info_span!("early");
            context().session("inner").in_scope(|| early.in_scope(|| ()));
        });
    });
    let spans = traced.delivered();
    assert_eq!(session(spans.one("early")), "inner");
    assert_eq!(spans.one("early").attribute("mlflow.traceTag.kept"), Some(json!("yes")));
}

#[test]
fn a_root_inside_a_span_of_the_scope_has_it_on_any_thread() {
    let traced = Traced::otlp();
    let span = traced.run(|| context().session("s").in_scope(|| info_span!("span")));
    let dispatch = traced.dispatch.clone();
    let thread = spawn("elsewhere", move || {
        tracing::dispatcher::with_default(&dispatch, || {
            span.in_scope(|| {
                drop(info_span!(parent: None, "root"));
                span_builder("built").root().start();
            });
            drop(span);
            drop(info_span!("outside"));
        });
    });
    thread.join().unwrap();
    let spans = traced.delivered();
    let names = ["span", "root", "built", "outside"];
    assert_eq!(sessions(&spans, &names), said(&["s", "s", "s", ""]));
}

#[test]
fn a_thread_is_in_the_scope_whose_context_it_attaches() {
    let traced = Traced::otlp();
    let there = context().session("s").in_scope(Context::current);
    let dispatch = traced.dispatch.clone();
    let thread = spawn("elsewhere", move || {
        tracing::dispatcher::with_default(&dispatch, || {
            let _there = there.attach();
            drop(info_span!("there"));
            // A scope in what was attached is inside of it.
            context().user("u").in_scope(|| drop(info_span!("inside")));
        });
    });
    thread.join().unwrap();
    let spans = traced.delivered();
    assert_eq!(sessions(&spans, &["there", "inside"]), said(&["s", "s"]));
    assert_eq!(spans.one("inside").attribute("user.id"), Some(json!("u")));
}

#[test]
fn a_scope_is_left_by_a_panic_too() {
    let traced = Traced::otlp();
    traced.run(|| {
        let failing = || context().session("s").in_scope(|| panic!("as the test wants it"));
        assert!(std::panic::catch_unwind(failing).is_err());
        drop(info_span!("after"));
    });
    assert_eq!(session(traced.delivered().one("after")), Value::Null);
}

#[test]
fn over_long_values_are_cut_for_mlflow_and_whole_for_others() {
    let (key, value) = ("k".repeat(300), "ä".repeat(5000));
    let long = || {
        context()
            .session(&value)
            .user(&value)
            .tag(&key, &value)
            .metadata(&key, &value)
            .client_request_id(&value)
            .model_id(&value)
    };
    let traced = Traced::mlflow_with(Server::mlflow(), |builder| {
        builder.with_trace_info(TraceInfoMode::Always)
    });
    traced.run(|| long().in_scope(|| family(&value)));
    let spans = traced.delivered();
    let root = spans.0.iter().find(|span| span.is_root()).unwrap();
    let chars = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let tag = format!("mlflow.traceTag.{}", &key[..250]);
    for (key, limit) in [
        ("session.id", 250),
        ("user.id", 250),
        (&*tag, 4096),
        ("mlflow.traceTag.mlflow.traceName", 4096),
    ] {
        assert_eq!(chars(&root.attribute(key).unwrap()), limit, "{key}");
    }
    let info = infos(&traced).remove(0);
    assert_eq!(chars(&info["client_request_id"]), 50);
    let metadata = &info["trace_metadata"];
    for key in ["mlflow.trace.session", "mlflow.trace.user", "mlflow.modelId", &key[..250]] {
        assert_eq!(chars(&metadata[key]), 250, "{key}");
    }
    assert_eq!(chars(&info["tags"][&key[..250]]), 4096);

    let collector = Traced::otlp();
    collector.run(|| long().in_scope(|| family("root")));
    let spans = collector.delivered();
    assert_eq!(chars(&session(spans.one("root"))), 5000);
}
