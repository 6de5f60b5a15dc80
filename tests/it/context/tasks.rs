//! Scopes of futures, in a runtime that moves tasks between threads.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::thread::ThreadId;

use mlflow_tracing::opentelemetry::context::FutureExt as _;
use mlflow_tracing::{context, current_trace_id, update_current_trace};
use serde_json::json;
use tokio::task::yield_now;
use tracing::{Instrument as _, info_span, instrument};

use super::{said, sessions};
use crate::support::app::Traced;
use crate::support::time::watched;

#[instrument(skip_all, fields(otel.name = name))]
async fn request(name: String, threads: Arc<Mutex<HashSet<ThreadId>>>) {
    // Until the tasks were polled by both threads.
    for round in 0.. {
        yield_now().await;
        let mut threads = threads.lock().unwrap();
        threads.insert(std::thread::current().id());
        if round >= 20 && threads.len() > 1 {
            break;
        }
    }
    async { yield_now().await }.instrument(info_span!("step")).await;
}

#[test]
fn a_scope_follows_its_future_from_thread_to_thread() {
    watched(|| {
        let traced = Traced::otlp();
        let threads = Arc::default();
        traced.multi_thread().block_on(async {
            let tasks: Vec<_> = (0..20)
                .map(|number| {
                    let request = request(format!("request-{number}"), Arc::clone(&threads));
                    tokio::spawn(context().session(format!("session-{number}")).scope(request))
                })
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        let spans = traced.delivered();
        for number in 0..20 {
            let root = spans.one(&format!("request-{number}"));
            assert_eq!(root.attribute("session.id"), Some(json!(format!("session-{number}"))));
        }
        let steps = || spans.0.iter().filter(|span| span.span.name == "step");
        assert_eq!(steps().count(), 20);
        assert!(steps().all(|step| step.attribute("session.id").is_none()));
        assert_eq!(threads.lock().unwrap().len(), 2);
    });
}

#[test]
fn scopes_of_futures_nest_and_take_turns() {
    async fn work(name: &'static str) {
        yield_now().await;
        async { yield_now().await }.instrument(info_span!("root", otel.name = name)).await;
    }
    watched(|| {
        let traced = Traced::otlp();
        traced.multi_thread().block_on(async {
            let outer = context().session("outer").user("outer").scope(async {
                let first = context().session("first").scope(work("first"));
                let second = context().session("second").scope(work("second"));
                tokio::join!(first, work("between"), second);
            });
            tokio::join!(outer, work("outside"));
        });
        let spans = traced.delivered();
        let names = ["first", "second", "between", "outside"];
        assert_eq!(sessions(&spans, &names), said(&["first", "second", "outer", ""]));
        assert_eq!(spans.one("first").attribute("user.id"), Some(json!("outer")));
    });
}

#[test]
fn it_does_not_matter_on_which_side_of_the_scope_the_span_is_made() {
    watched(|| {
        let traced = Traced::otlp();
        traced.multi_thread().block_on(async {
            let inside = yield_now().instrument(info_span!("inside"));
            context().session("s").scope(inside).await;
            let scoped =
                context().session("s").scope(async { info_span!("within").in_scope(|| ()) });
            scoped.instrument(info_span!("around")).await;
        });
        let spans = traced.delivered();
        // What is around the scope has begun before it.
        assert_eq!(sessions(&spans, &["inside", "around", "within"]), said(&["s", "", ""]));
    });
}

#[test]
fn a_spawned_task_is_in_the_scope_if_it_carries_a_span_or_a_context_of_it() {
    async fn root(name: &'static str) {
        yield_now().await;
        drop(info_span!(parent: None, "root", otel.name = name));
    }
    watched(|| {
        let traced = Traced::otlp();
        traced.multi_thread().block_on(context().session("s").scope(async {
            let tasks = info_span!("request").in_scope(|| {
                [
                    tokio::spawn(root("spawned")),
                    tokio::spawn(root("in the current span").in_current_span()),
                    tokio::spawn(root("with the current context").with_current_context()),
                    tokio::spawn(root("in a span of its own").instrument(info_span!("own"))),
                    tokio::spawn(context().scope(root("in an empty scope"))),
                ]
            });
            for task in tasks {
                task.await.unwrap();
            }
        }));
        let spans = traced.delivered();
        let inside = ["in the current span", "with the current context", "in a span of its own"];
        assert_eq!(sessions(&spans, &inside), said(&["s", "s", "s"]));
        assert_eq!(sessions(&spans, &["spawned", "in an empty scope"]), said(&["", ""]));
    });
}

#[test]
fn a_spawned_task_updates_the_trace_if_it_carries_a_span_of_it() {
    watched(|| {
        let traced = Traced::otlp();
        let ids = traced.multi_thread().block_on(async {
            let request = info_span!("request");
            let task = async {
                yield_now().await;
                update_current_trace().tag("task", "carried");
                current_trace_id()
            };
            let carried = tokio::spawn(task.instrument(request.clone()));
            let bare = tokio::spawn(async { current_trace_id() }.instrument(tracing::Span::none()));
            (carried.await.unwrap(), bare.await.unwrap())
        });
        let spans = traced.delivered();
        let request = spans.one("request");
        assert_eq!(request.attribute("mlflow.traceTag.task"), Some(json!("carried")));
        assert_eq!(ids, (Some(format!("tr-{}", request.trace_id())), None));
    });
}

#[test]
fn a_task_that_is_polled_inside_of_another_scope_keeps_its_own() {
    watched(|| {
        let traced = Traced::otlp();
        let _default = tracing::dispatcher::set_default(&traced.dispatch);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        // Every task of the runtime runs inside of this call.
        context().session("program").user("program").in_scope(|| {
            runtime.block_on(async {
                let request = context().session("request").scope(async {
                    let job = async { drop(info_span!(parent: None, "job")) };
                    let job =
                        info_span!("request").in_scope(|| tokio::spawn(job.in_current_span()));
                    job.await.unwrap();
                });
                request.await;
                tokio::spawn(async { drop(info_span!("other")) }).await.unwrap();
            });
        });
        let spans = traced.delivered();
        let names = ["request", "job", "other"];
        assert_eq!(sessions(&spans, &names), said(&["request", "request", "program"]));
        assert_eq!(spans.one("job").attribute("user.id"), Some(json!("program")));
    });
}
