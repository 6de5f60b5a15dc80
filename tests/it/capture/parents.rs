//! Which span is below which.

use mlflow_tracing::opentelemetry::Context;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use tracing::{Instrument as _, Span, info_span, instrument};

use crate::support::app::{Traced, captured};
use crate::support::spans::Got;
use crate::support::time::spawn;

#[test]
fn nested_functions_are_parents_and_children() {
    #[instrument]
    fn outer() {
        inner();
        inner();
    }
    #[instrument]
    fn inner() {}
    let spans = captured(outer);
    let outer = spans.one("outer");
    assert!(outer.is_root());
    let children: Vec<_> = spans.0.iter().filter(|span| span.is_child_of(outer)).collect();
    assert_eq!(children.len(), 2);
}

#[test]
fn two_roots_are_two_traces() {
    let spans = captured(|| {
        drop(info_span!("one"));
        drop(info_span!("two"));
    });
    assert_ne!(spans.one("one").trace_id(), spans.one("two").trace_id());
    assert!(spans.0.iter().all(Got::is_root));
}

#[test]
fn an_explicit_parent_wins_over_the_current_span() {
    let spans = captured(|| {
        let parent = info_span!("parent");
        let other = info_span!("other");
        other.in_scope(|| drop(info_span!(parent: &parent, "child")));
        other.in_scope(|| drop(info_span!(parent: None, "alone")));
    });
    assert!(spans.one("child").is_child_of(spans.one("parent")));
    assert!(spans.one("alone").is_root());
}

#[test]
fn a_child_may_be_made_on_another_thread() {
    let spans = captured(|| {
        let parent = info_span!("parent");
        spawn("other", move || parent.in_scope(|| ())).join().unwrap();
    });
    assert!(spans.one("parent").is_root());
    let traced = Traced::otlp();
    let dispatch = traced.dispatch.clone();
    let parent = traced.run(|| info_span!("parent"));
    let body = move || {
        tracing::dispatcher::with_default(&dispatch, || {
            parent.in_scope(|| drop(info_span!("child")));
        });
    };
    spawn("other", body).join().unwrap();
    let spans = traced.delivered();
    assert!(spans.one("child").is_child_of(spans.one("parent")));
}

#[instrument]
async fn leaf(number: u64) {
    tokio::task::yield_now().await;
}

#[tokio::test]
async fn futures_that_take_turns_keep_their_parents() {
    #[instrument(name = "branch", fields(otel.name = name))]
    async fn branch(name: &str, number: u64) {
        tokio::task::yield_now().await;
        leaf(number).await;
        tokio::task::yield_now().await;
        leaf(number).await;
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let root = info_span!("root");
    async {
        tokio::join!(branch("first", 1), branch("second", 2));
    }
    .instrument(root)
    .await;
    let spans = traced.delivered();
    for (name, number) in [("first", 1), ("second", 2)] {
        let branch = spans.one(name);
        assert!(branch.is_child_of(spans.one("root")));
        let below: Vec<_> = spans.0.iter().filter(|span| span.is_child_of(branch)).collect();
        assert_eq!(below.len(), 2);
        assert!(below.iter().all(|leaf| leaf.inputs().unwrap()["number"] == number));
    }
}

#[test]
fn spawned_tasks_are_below_the_span_they_are_given() {
    let traced = Traced::otlp();
    traced.multi_thread().block_on(async {
        let root = info_span!("root");
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let task = info_span!(parent: &root, "task", number);
                tokio::spawn(leaf(number).instrument(task))
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let spans = traced.delivered();
    let root = spans.one("root");
    let tasks: Vec<_> = spans.0.iter().filter(|span| span.is_child_of(root)).collect();
    assert_eq!(tasks.len(), 8);
    for task in tasks {
        let leaf = spans.0.iter().find(|span| span.is_child_of(task)).unwrap();
        assert_eq!(leaf.inputs(), task.inputs());
    }
}

#[test]
fn spans_of_both_apis_nest_in_one_trace() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    traced.run(|| {
        info_span!("1 tracing").in_scope(|| {
            api.in_span("2 api", |_| {
                info_span!("3 tracing").in_scope(|| {
                    api.in_span("4 api", |_| drop(info_span!("5 tracing")));
                });
            });
            api.in_span("sibling", |_| ());
        });
    });
    let spans = traced.delivered();
    let chain = ["1 tracing", "2 api", "3 tracing", "4 api", "5 tracing"];
    for pair in chain.windows(2) {
        assert!(spans.one(pair[1]).is_child_of(spans.one(pair[0])), "{pair:?}");
    }
    assert!(spans.one("sibling").is_child_of(spans.one("1 tracing")));
    assert!(spans.one("1 tracing").is_root());
}

#[test]
fn a_tracing_span_in_an_api_span_is_its_child() {
    let traced = Traced::otlp();
    let api = traced.guard.provider().tracer("api");
    traced.run(|| api.in_span("api", |_| drop(info_span!("tracing"))));
    let spans = traced.delivered();
    assert!(spans.one("tracing").is_child_of(spans.one("api")));
}

#[test]
fn the_context_of_the_api_is_that_of_the_span_one_is_in() {
    captured(|| {
        let span = info_span!("span");
        let outside = Context::current().span().span_context().is_valid();
        let inside = span.in_scope(|| Context::current().span().span_context().is_valid());
        let after = Context::current().span().span_context().is_valid();
        assert_eq!((outside, inside, after), (false, true, false));
    });
}

#[test]
fn the_scope_tells_who_made_a_span() {
    let traced = Traced::otlp();
    traced.run(|| drop(info_span!("tracing")));
    traced.guard.provider().tracer("my-library").in_span("api", |_| ());
    let spans = traced.delivered();
    let scope = &spans.one("tracing").scope;
    assert_eq!(
        (scope.name.as_str(), scope.version.as_str()),
        ("mlflow_tracing", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(spans.one("api").scope.name, "my-library");
}

#[test]
fn a_span_that_was_followed_is_linked() {
    let spans = captured(|| {
        let before = info_span!("before");
        let after = info_span!("after");
        after.follows_from(&before);
    });
    let before = spans.one("before");
    let links = &spans.one("after").span.links;
    assert_eq!(links.len(), 1);
    assert_eq!(links[0].span_id, before.span.span_id);
}

#[test]
fn the_current_span_is_the_function_one_is_in() {
    #[instrument(fields(found))]
    fn search() {
        Span::current().record("found", 3);
    }
    let spans = captured(search);
    assert_eq!(spans.one("search").inputs().unwrap(), serde_json::json!({ "found": 3 }));
}
