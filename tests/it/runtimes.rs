//! Works in every runtime, in none, and where a program ends.

use std::cell::RefCell;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::runtime::Builder;
use tracing::dispatcher::set_default;
use tracing::{Instrument as _, info_span, instrument};

use crate::support::app::{Traced, end_span};
use crate::support::child;
use crate::support::server::Server;
use crate::support::spans::Spans;
use crate::support::time::{PATIENCE, spawn, watched};

#[instrument(ret)]
async fn step(number: u64) -> u64 {
    tokio::task::yield_now().await;
    number
}

fn assert_steps(spans: &Spans, count: usize) {
    assert_eq!(spans.names(), vec!["step"; count]);
    assert!(spans.0.iter().all(|span| span.outputs().is_some()));
}

#[test]
fn in_a_current_thread_runtime() {
    watched(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let traced = Traced::mlflow();
            let _default = set_default(&traced.dispatch);
            step(1).await;
            step(2).await;
            assert_steps(&traced.delivered(), 2);
        });
    });
}

#[test]
fn in_a_multi_thread_runtime() {
    watched(|| {
        let traced = Traced::mlflow();
        let runtime = traced.multi_thread();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..20).map(|number| tokio::spawn(step(number))).collect();
            for task in tasks {
                task.await.unwrap();
            }
        });
        assert_steps(&traced.delivered(), 20);
    });
}

#[test]
fn without_a_runtime() {
    watched(|| {
        let traced = Traced::mlflow();
        traced.run(|| drop(info_span!("span")));
        assert_eq!(traced.delivered().names(), ["span"]);
    });
}

#[test]
fn set_up_used_and_dropped_inside_a_spawned_task() {
    watched(|| {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let server = runtime.block_on(async {
            let task = tokio::spawn(async {
                let traced = Traced::mlflow();
                traced.run(|| drop(info_span!("first")));
                assert_eq!(traced.delivered().names(), ["first"]);
                end_span(&traced.guard, "second");
                traced.server
            });
            task.await.unwrap()
        });
        assert_eq!(server.spans().names(), ["first", "second"]);
    });
}

#[test]
fn a_flush_inside_a_task_of_a_current_thread_runtime() {
    watched(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let traced = Traced::mlflow();
            let task = async move {
                traced.end_span("span");
                assert_eq!(traced.delivered().names(), ["span"]);
            };
            tokio::task::LocalSet::new()
                .run_until(async { tokio::task::spawn_local(task).await.unwrap() })
                .await;
        });
    });
}

#[test]
fn after_the_runtime_is_gone() {
    watched(|| {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
        let traced = runtime.block_on(async { Traced::mlflow() });
        traced.end_span("before");
        drop(runtime);
        traced.end_span("after");
        assert_eq!(traced.delivered().sorted_names(), ["after", "before"]);
    });
}

#[test]
fn tasks_that_are_dropped_with_their_runtime_end_their_spans() {
    watched(|| {
        let traced = Traced::mlflow();
        let runtime = traced.multi_thread();
        let (started, has_started) = std::sync::mpsc::channel();
        runtime.spawn(
            async move {
                started.send(()).unwrap();
                pending::<()>().await;
            }
            .instrument(traced.run(|| info_span!("endless"))),
        );
        has_started.recv_timeout(PATIENCE).unwrap();
        runtime.shutdown_timeout(PATIENCE);
        assert_eq!(traced.delivered().names(), ["endless"]);
    });
}

#[test]
fn a_future_that_is_cancelled_ends_its_span() {
    #[instrument]
    async fn endless(question: &str) {
        pending::<()>().await;
    }
    watched(|| {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let traced = Traced::mlflow();
        let _default = set_default(&traced.dispatch);
        let patience = Duration::from_millis(5);
        runtime.block_on(async {
            tokio::time::timeout(patience, endless("why?")).await.unwrap_err();
        });
        let spans = traced.delivered();
        assert_eq!(spans.one("endless").inputs().unwrap()["question"], "why?");
    });
}

#[test]
fn a_guard_that_is_dropped_inside_a_future() {
    watched(|| {
        let runtime = Builder::new_current_thread().build().unwrap();
        let server = runtime.block_on(async {
            let Traced { guard, server, .. } = Traced::mlflow();
            end_span(&guard, "span");
            tokio::task::yield_now().await;
            drop(guard);
            server
        });
        assert_eq!(server.spans().names(), ["span"]);
    });
}

struct EndsSpanWhenDropped<'a>(&'a Traced);

impl Drop for EndsSpanWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.end_span("in drop");
        self.0.flush();
    }
}

#[test]
fn in_drop() {
    watched(|| {
        let traced = Traced::mlflow();
        drop(EndsSpanWhenDropped(&traced));
        assert_eq!(traced.server.spans().names(), ["in drop"]);
        traced.conserved();
    });
}

#[test]
fn in_drop_during_a_panic() {
    watched(|| {
        let traced = Traced::mlflow();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _ends = EndsSpanWhenDropped(&traced);
            panic!("as the test wants it");
        }));
        assert!(caught.is_err());
        assert_eq!(traced.server.spans().names(), ["in drop"]);
        traced.conserved();
    });
}

#[test]
fn a_panic_that_takes_the_guard_along_delivers_what_is_left() {
    watched(|| {
        let Traced { guard, server, .. } = Traced::mlflow();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let traced = Traced::new(guard, Server::collector());
            traced.run(|| {
                let _span = info_span!("span").entered();
                panic!("as the test wants it");
            });
        }));
        assert!(caught.is_err());
        assert_eq!(server.spans().names(), ["span"]);
    });
}

#[test]
fn in_a_panic_hook() {
    child::run("runtimes::in_a_panic_hook", &[], || {
        watched(|| {
            let traced = std::sync::Arc::new(Traced::mlflow());
            let in_hook = std::sync::Arc::clone(&traced);
            std::panic::set_hook(Box::new(move |_| {
                in_hook.end_span("in the hook");
                in_hook.flush();
            }));
            assert!(catch_unwind(|| panic!("as the test wants it")).is_err());
            assert_eq!(traced.server.spans().names(), ["in the hook"]);
            traced.conserved();
        });
    });
}

#[test]
fn a_guard_in_a_thread_local_delivers_when_the_thread_ends() {
    thread_local!(static GUARD: RefCell<Option<mlflow_tracing::TracingGuard>> = const { RefCell::new(None) });
    watched(|| {
        let Traced { guard, server, .. } = Traced::mlflow();
        let body = move || {
            end_span(&guard, "span");
            GUARD.set(Some(guard));
        };
        spawn("short", body).join().unwrap();
        assert_eq!(server.spans().names(), ["span"]);
    });
}

#[test]
fn a_guard_that_is_dropped_on_another_thread() {
    watched(|| {
        let Traced { guard, server, .. } = Traced::mlflow();
        end_span(&guard, "span");
        spawn("other", move || drop(guard)).join().unwrap();
        assert_eq!(server.spans().names(), ["span"]);
    });
}
