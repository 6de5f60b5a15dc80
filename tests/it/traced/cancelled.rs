//! What is dropped half-way ends its span as an error, marked, and lets go of all it holds.

use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use mlflow_tracing::{MlflowFutureExt as _, MlflowSpanExt as _, MlflowStreamExt as _, trace};
use serde_json::json;
use tokio::sync::oneshot;
use tracing::{Span, info, info_span};

use crate::support::app::Traced;
use crate::support::spans::Got;

fn assert_cancelled(span: &Got) {
    assert_eq!(span.status(), ("ERROR", "cancelled"), "{}", span.span.name);
    assert_eq!(span.attribute("mlflow_tracing.cancelled"), Some(json!(true)));
}

/// Polls once; whether that was not enough.
async fn is_pending<F: Future + ?Sized>(mut future: Pin<&mut F>) -> bool {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

#[trace]
async fn waits(started: Option<oneshot::Sender<()>>) -> u8 {
    Span::current().set_outputs("so far");
    nested(started).await
}

#[trace(skip_all)]
async fn nested(started: Option<oneshot::Sender<()>>) -> u8 {
    started.map(|started| started.send(()));
    pending().await
}

#[tokio::test]
async fn a_timeout_ends_all_spans_of_what_it_drops() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    tokio::time::timeout(Duration::from_millis(1), waits(None)).await.unwrap_err();
    let spans = traced.delivered();
    assert_cancelled(spans.one("waits"));
    assert_cancelled(spans.one("nested"));
    assert_eq!(spans.one("waits").outputs(), Some(json!("so far")));
}

#[tokio::test]
async fn a_branch_that_select_does_not_take_is_cancelled_and_the_other_is_not() {
    #[trace]
    async fn quick() -> u8 {
        tokio::task::yield_now().await;
        1
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let winner = tokio::select! {
        number = waits(None) => number,
        number = quick() => number,
    };
    assert_eq!(winner, 1);
    let spans = traced.delivered();
    assert_cancelled(spans.one("waits"));
    assert_eq!(spans.one("quick").status(), ("UNSET", ""));
    assert_eq!(spans.one("quick").attribute("mlflow_tracing.cancelled"), None);
}

#[test]
fn a_task_that_is_aborted_is_cancelled() {
    let traced = Traced::otlp();
    let runtime = traced.multi_thread();
    let (started, has_started) = oneshot::channel();
    let task = runtime.spawn(waits(Some(started)));
    runtime.block_on(has_started).unwrap();
    task.abort();
    assert!(runtime.block_on(task).unwrap_err().is_cancelled());
    let spans = traced.delivered();
    assert_cancelled(spans.one("waits"));
    assert_cancelled(spans.one("nested"));
}

#[test]
fn a_runtime_that_goes_away_takes_its_tasks_with_it() {
    let traced = Traced::otlp();
    traced.run(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (started, has_started) = oneshot::channel();
        runtime.spawn(waits(Some(started)));
        runtime.block_on(has_started).unwrap();
        drop(runtime);
    });
    assert_cancelled(traced.delivered().one("waits"));
}

#[tokio::test]
async fn what_a_future_drops_when_it_is_cancelled_is_dropped_in_its_span() {
    struct Says(&'static str);
    impl Drop for Says {
        fn drop(&mut self) {
            info!("{} dropped", self.0);
        }
    }
    #[trace]
    async fn holds() {
        let _held = Says("local");
        pending::<()>().await;
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    {
        assert!(is_pending(pin!(holds())).await);
        let held = Says("captured");
        let future = async move {
            let _held = held;
            pending::<()>().await;
        };
        assert!(is_pending(pin!(future.traced(info_span!("future")))).await);
    }
    let spans = traced.delivered();
    for (name, event) in [("holds", "local dropped"), ("future", "captured dropped")] {
        assert_eq!(spans.one(name).events()[0].0, event);
        assert_cancelled(spans.one(name));
    }
}

#[tokio::test]
async fn a_returned_future_that_is_never_polled_was_cancelled() {
    #[trace]
    fn later(number: u8) -> impl Future<Output = u8> {
        let next = number + 1;
        async move { next }
    }
    let traced = Traced::otlp();
    traced.run(|| drop(later(1)));
    traced.run(|| drop(async { 1 }.traced(info_span!("future"))));
    let spans = traced.delivered();
    assert_cancelled(spans.one("later"));
    assert_cancelled(spans.one("future"));
}

#[tokio::test]
async fn a_stream_and_an_iterator_that_are_dropped_half_way_keep_the_items_so_far() {
    #[trace]
    fn numbers() -> impl Iterator<Item = u64> {
        let first = 1;
        first..
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    assert_eq!(numbers().take(2).sum::<u64>(), 3);
    let words = stream::iter(["a", "b", "c"]).traced(info_span!("words"));
    assert_eq!(words.take(2).collect::<Vec<_>>().await, ["a", "b"]);
    drop(stream::iter([1]).traced(info_span!("unread")));
    let spans = traced.delivered();
    for (name, outputs) in
        [("numbers", json!([1, 2])), ("words", json!(["a", "b"])), ("unread", json!([]))]
    {
        assert_cancelled(spans.one(name));
        assert_eq!(spans.one(name).outputs(), Some(outputs));
    }
}

#[tokio::test]
async fn nothing_that_was_cancelled_is_kept() {
    #[trace(skip_all)]
    async fn holds(held: Arc<()>) {
        pending::<()>().await;
        drop(held);
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let held = Arc::new(());
    {
        let mut future = Box::pin(holds(Arc::clone(&held)));
        assert!(is_pending(future.as_mut()).await);
        assert_eq!(Arc::strong_count(&held), 2);
    }
    assert_eq!(Arc::strong_count(&held), 1);
    assert_cancelled(traced.delivered().one("holds"));
}
