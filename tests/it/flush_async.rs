//! A flush that a task waits for: the truth of `flush`, without holding the task's thread.

use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use mlflow_tracing::TracingGuard;
use tokio::runtime::Builder;

use crate::support::app::{Traced, builder, to_collector};
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, watched};

const SHORT: Duration = Duration::from_millis(200);

fn hanging() -> Traced {
    let server = Server::collector();
    server.always(Route::Spans, Act::Hold);
    let builder = to_collector(&server).with_drop_timeout(Duration::ZERO);
    Traced::new(builder.build().unwrap(), server)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn it_is_ok_once_everything_is_acknowledged() {
    watched(|| {
        let traced = Traced::mlflow();
        traced.end_span("span");
        block_on(traced.guard.flush_async(PATIENCE)).unwrap();
        assert_eq!(traced.server.spans().names(), ["span"]);
        traced.conserved();
    });
}

#[test]
fn other_tasks_of_the_same_thread_go_on_meanwhile() {
    watched(|| {
        let traced = hanging();
        traced.end_span("span");
        block_on(async {
            let flush = traced.guard.flush_async(PATIENCE);
            // It could never end if the flush held the only thread.
            let releases = async {
                while traced.server.requests(Route::Spans).is_empty() {
                    tokio::task::yield_now().await;
                }
                traced.server.release();
            };
            let (flushed, ()) = tokio::join!(flush, releases);
            flushed.unwrap();
        });
        assert_eq!(traced.server.spans().names(), ["span"]);
    });
}

#[test]
fn it_ends_at_its_deadline_without_a_timer_of_the_runtime() {
    watched(|| {
        let traced = hanging();
        traced.end_span("span");
        let (time, result) = timed(|| block_on(traced.guard.flush_async(SHORT)));
        assert!(time >= SHORT && time < SHORT + SLACK, "{time:?}");
        assert_eq!(result.unwrap_err().pending(), 1);
        traced.conserved();
    });
}

#[test]
fn it_begins_at_once_and_goes_on_when_it_is_dropped() {
    watched(|| {
        let traced = Traced::otlp();
        let root = traced.run(|| {
            let root = tracing::info_span!("root");
            root.in_scope(|| drop(tracing::info_span!("child")));
            root
        });
        // Without a flush a running trace waits for seconds.
        drop(traced.guard.flush_async(PATIENCE));
        traced.server.wait_for(Route::Spans, 1);
        assert_eq!(traced.server.spans().names(), ["child"]);
        traced.run(|| drop(root));
    });
}

#[test]
fn the_last_waker_is_woken() {
    let traced = hanging();
    traced.end_span("span");
    let mut flush = pin!(traced.guard.flush_async(PATIENCE));
    let mut ignored = Context::from_waker(Waker::noop());
    assert!(flush.as_mut().poll(&mut ignored).is_pending());
    traced.server.wait_for(Route::Spans, 1);
    assert!(flush.as_mut().poll(&mut ignored).is_pending());
    traced.server.release();
    block_on(flush).unwrap();
}

#[test]
fn of_tracing_that_is_off_or_over_it_ends_at_once() {
    fn at_once(guard: &TracingGuard) {
        let (time, result) = timed(|| block_on(guard.flush_async(PATIENCE)));
        assert!(result.is_ok() && time < SLACK, "{time:?}");
    }
    let off = [("OTEL_SDK_DISABLED", "true")];
    at_once(&builder().with_environment(off).build().unwrap());
    let Traced { guard, .. } = Traced::mlflow();
    let flush = guard.flush_async(PATIENCE);
    drop(guard);
    // It finds that the pipe has ended.
    let (time, _) = timed(|| block_on(flush));
    assert!(time < SLACK, "{time:?}");
}
