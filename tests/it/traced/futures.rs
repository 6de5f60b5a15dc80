//! `MlflowFutureExt::traced`.

use mlflow_tracing::{MlflowFutureExt as _, MlflowSpanExt as _, TracedFuture};
use serde_json::json;
use tracing::{Span, info_span};

use crate::support::app::Traced;

#[tokio::test]
async fn a_traced_future_is_in_its_span_and_ends_it() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let work = async {
        tokio::task::yield_now().await;
        Span::current().set_outputs("Paris");
        drop(info_span!("child"));
        7
    };
    assert_eq!(work.traced(info_span!("ask")).await, 7);
    assert_eq!(traced.guard.stats().ended, 2);
    let spans = traced.delivered();
    assert_eq!(spans.one("ask").outputs(), Some(json!("Paris")));
    assert_eq!(spans.one("ask").status(), ("UNSET", ""));
    assert!(spans.one("child").is_child_of(spans.one("ask")));
}

#[tokio::test]
async fn a_handle_that_is_kept_can_still_be_told_of() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let span = info_span!("ask");
    let answer = async { "Paris" }.traced(span.clone()).await;
    span.set_outputs(answer);
    assert_eq!(traced.guard.stats().ended, 0);
    drop(span);
    assert_eq!(traced.delivered().one("ask").outputs(), Some(json!("Paris")));
}

#[test]
fn a_traced_future_can_be_sent_if_it_could_be_without() {
    fn is_send<T: Send>(_: &TracedFuture<T>) {}
    is_send(&async {}.traced(Span::none()));
}

#[tokio::test]
async fn without_a_layer_a_traced_future_is_the_future() {
    assert_eq!(async { 7 }.traced(info_span!("nobody looks")).await, 7);
    assert_eq!(async { 7 }.traced(Span::none()).await, 7);
}
