//! A panic makes the span an error, and goes on as it would without us.

use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{FutureExt as _, StreamExt as _, stream};
use mlflow_tracing::{MlflowFutureExt as _, MlflowStreamExt as _, trace};
use serde_json::json;
use tracing::info_span;

use crate::support::app::{Traced, captured};
use crate::support::spans::Got;

fn assert_panicked(span: &Got, message: &str) {
    assert_eq!(span.status(), ("ERROR", format!("panic: {message}").as_str()));
    let events = span.events();
    let (name, attributes) = events.last().unwrap();
    assert_eq!(*name, "exception");
    assert_eq!(attributes["exception.message"], message);
    assert_eq!(attributes["exception.type"], "panic");
}

#[trace]
fn outer(text: &str) {
    inner(text);
}

#[trace]
fn inner(text: &str) {
    panic!("no {text}");
}

#[test]
fn every_function_that_a_panic_leaves_is_an_error_and_the_payload_is_the_same() {
    let spans = captured(|| {
        let payload = catch_unwind(|| outer("way")).unwrap_err();
        assert_eq!(payload.downcast_ref::<String>().unwrap(), "no way");
    });
    assert_panicked(spans.one("outer"), "no way");
    assert_panicked(spans.one("inner"), "no way");
    assert!(spans.one("inner").is_child_of(spans.one("outer")));
}

#[test]
fn a_panic_with_no_text_is_one_all_the_same() {
    #[trace]
    fn odd() {
        panic::panic_any(7_u8);
    }
    let spans = captured(|| drop(catch_unwind(odd)));
    assert_panicked(spans.one("odd"), "a value that is no text");
}

#[test]
fn the_span_is_left_after_a_panic() {
    let spans = captured(|| {
        drop(catch_unwind(|| outer("way")));
        drop(info_span!("after"));
    });
    assert!(spans.one("after").is_root());
}

#[test]
fn a_function_called_while_a_panic_unwinds_is_no_error_of_its_own() {
    struct OnDrop;
    impl Drop for OnDrop {
        fn drop(&mut self) {
            assert!(std::thread::panicking());
            clean_up();
            drop(catch_unwind(|| inner("luck")));
        }
    }
    #[trace]
    fn clean_up() -> u8 {
        7
    }
    #[trace(skip_all)]
    fn fails(guard: OnDrop) {
        let _guard = guard;
        panic!("first");
    }
    let spans = captured(|| drop(catch_unwind(|| fails(OnDrop))));
    assert_panicked(spans.one("fails"), "first");
    assert_panicked(spans.one("inner"), "no luck");
    assert_eq!(spans.one("clean_up").outputs(), Some(json!(7)));
    assert_eq!(spans.one("clean_up").status(), ("UNSET", ""));
    assert!(spans.one("clean_up").is_child_of(spans.one("fails")));
}

#[tokio::test]
async fn a_panic_in_a_poll_makes_the_async_function_an_error() {
    #[trace]
    async fn late(text: &str) {
        tokio::task::yield_now().await;
        outer(text);
    }
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let payload = AssertUnwindSafe(late("way")).catch_unwind().await.unwrap_err();
    assert_eq!(payload.downcast_ref::<String>().unwrap(), "no way");
    let spans = traced.delivered();
    assert_panicked(spans.one("late"), "no way");
    assert!(spans.one("outer").is_child_of(spans.one("late")));
}

#[test]
fn a_task_that_panics_has_its_span_and_its_join_error() {
    #[trace]
    async fn task() -> u8 {
        tokio::task::yield_now().await;
        panic!("in a task")
    }
    let traced = Traced::otlp();
    let runtime = traced.multi_thread();
    let error = runtime.block_on(runtime.spawn(task())).unwrap_err();
    assert!(error.is_panic());
    drop(runtime);
    assert_panicked(traced.delivered().one("task"), "in a task");
}

#[tokio::test]
async fn a_traced_future_and_a_traced_stream_that_panic_are_errors() {
    let traced = Traced::otlp();
    let _default = tracing::dispatcher::set_default(&traced.dispatch);
    let future = async { panic!("future") }.traced(info_span!("future"));
    let () = AssertUnwindSafe(future).catch_unwind().await.unwrap_or_else(drop);
    let numbers =
        stream::iter(1..).map(|number| if number == 3 { panic!("three") } else { number });
    let mut numbers = AssertUnwindSafe(numbers.traced(info_span!("numbers")));
    assert_eq!((numbers.next().await, numbers.next().await), (Some(1), Some(2)));
    AssertUnwindSafe(numbers.next()).catch_unwind().await.unwrap_err();
    let spans = traced.delivered();
    assert_panicked(spans.one("future"), "future");
    assert_panicked(spans.one("numbers"), "three");
    assert_eq!(spans.one("numbers").outputs(), Some(json!([1, 2])));
}

#[test]
fn a_panic_ends_the_span_of_an_iterator_with_the_items_so_far() {
    #[trace]
    fn count() -> impl Iterator<Item = u8> {
        (0..).map(|number| if number == 2 { panic!("two") } else { number })
    }
    let spans = captured(|| {
        let mut counted = count();
        assert_eq!((counted.next(), counted.next()), (Some(0), Some(1)));
        catch_unwind(AssertUnwindSafe(|| counted.next())).unwrap_err();
    });
    assert_panicked(spans.one("count"), "two");
    assert_eq!(spans.one("count").outputs(), Some(json!([0, 1])));
}

#[test]
fn what_a_panic_drops_is_dropped_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    #[trace(skip_all)]
    fn holds(held: Counted) -> Counted {
        assert_eq!(Arc::strong_count(&held.0), 0, "holding");
        held
    }
    let count = Arc::new(AtomicUsize::new(0));
    let spans = captured(|| {
        let held = Counted(Arc::clone(&count));
        drop(catch_unwind(AssertUnwindSafe(move || holds(held))));
    });
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert_eq!(spans.one("holds").status().0, "ERROR");
    assert!(spans.one("holds").status().1.contains("holding"));
}
