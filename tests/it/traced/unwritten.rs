//! Nothing is serialised that nobody will read.

use futures_util::{StreamExt as _, stream};
use mlflow_tracing::opentelemetry_sdk::trace::Sampler;
use mlflow_tracing::{MlflowStreamExt as _, trace};
use serde::{Serialize, Serializer};
use serde_json::json;
use tracing::{Dispatch, Span, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::Traced;

/// Cannot be told without being found out.
#[derive(Clone, Copy)]
struct Explosive;

impl Serialize for Explosive {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        std::process::abort()
    }
}

fn never() -> u8 {
    std::process::abort()
}

#[trace(span_type = { never_type() }, attributes(app.value = value, app.never = never()))]
fn function(value: Explosive) -> Result<Explosive, Explosive> {
    Ok(value)
}

fn never_type() -> &'static str {
    std::process::abort()
}

#[trace(inputs = never(), outputs = |_| never())]
async fn later(value: Explosive) -> Explosive {
    tokio::task::yield_now().await;
    value
}

#[trace(outputs = |_| never())]
fn items(value: Explosive) -> impl Iterator<Item = Explosive> {
    std::iter::repeat_n(value, 3)
}

fn everything() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert!(function(Explosive).is_ok());
    runtime.block_on(later(Explosive));
    drop(later(Explosive));
    assert_eq!(items(Explosive).count(), 3);
    drop(items(Explosive));
    let traced = stream::iter([Explosive]).traced(info_span!("stream"));
    assert_eq!(runtime.block_on(traced.count()), 1);
    assert_eq!(runtime.block_on(stream::iter([Explosive]).traced(Span::none()).count()), 1);
    drop(std::panic::catch_unwind(|| panics(Explosive)));
}

#[trace]
fn panics(value: Explosive) {
    let _ = value;
    panic!("as ever");
}

#[test]
fn without_a_subscriber_nothing_is_told() {
    tracing::dispatcher::with_default(&Dispatch::none(), everything);
}

#[test]
fn with_layers_of_others_nothing_is_told() {
    let others = tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_writer(std::io::sink));
    tracing::subscriber::with_default(others, everything);
}

#[test]
fn in_a_trace_that_is_not_sampled_nothing_is_told_and_children_are_not_sampled_either() {
    let traced = Traced::otlp_with(|builder| builder.with_sampler(Sampler::AlwaysOff));
    traced.run(|| {
        everything();
        #[trace]
        fn parent() {
            everything();
        }
        parent();
    });
    assert_eq!(traced.delivered().0.len(), 0);
}

#[test]
fn what_is_filtered_out_is_told_nothing_and_its_children_are_roots() {
    #[trace(level = "trace")]
    fn hidden(_: Explosive) -> Explosive {
        shown(1);
        Explosive
    }
    #[trace]
    fn shown(number: u8) -> u8 {
        number
    }
    let traced = Traced::otlp();
    traced.run(|| hidden(Explosive));
    let spans = traced.delivered();
    assert_eq!(spans.names(), ["shown"]);
    assert!(spans.one("shown").is_root());
    assert_eq!(spans.one("shown").outputs(), Some(json!(1)));
}
