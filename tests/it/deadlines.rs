//! `flush`, `shutdown` and the guard's drop end in time, whatever stands in the way and wherever they
//! are called.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::time::Duration;

use mlflow_tracing::destination::{Destination, Exporter, Otlp};
use mlflow_tracing::opentelemetry_sdk::error::OTelSdkResult;
use mlflow_tracing::opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use mlflow_tracing::{Builder, FlushError, TracingGuard};
use tokio::runtime;

use crate::support::app::{builder, conserved, end_span, to_collector, to_grpc, to_mlflow};
use crate::support::server::grpc::{self, GrpcServer};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, spawn, timed, watched};

const SHORT: Duration = Duration::from_millis(100);

/// An exporter that holds its thread, as the system's look-up of a name may.
#[derive(Debug)]
struct Deaf;

impl SpanExporter for Deaf {
    fn export(&self, _: Vec<SpanData>) -> impl Future<Output = OTelSdkResult> + Send {
        std::thread::park_timeout(4 * (SHORT + SLACK));
        std::future::ready(Ok(()))
    }
}

/// What stands in the way. What is returned beside the settings belongs to them.
fn obstacles() -> Vec<(&'static str, Builder, Box<dyn Send>)> {
    let collector = |act: Act| {
        let server = Server::collector();
        server.always(Route::Spans, act);
        (to_collector(&server), Box::new(server) as Box<dyn Send>)
    };
    let (silent, silent_server) = collector(Act::Hold);
    let (drip, drip_server) = collector(Act::Drip);
    let refuses = Server::mlflow();
    refuses.always(Route::Setup, 503);
    let grpc = GrpcServer::collector();
    grpc.always(Route::Spans, grpc::Act::Hold);
    let dead = DeadPort::reserve();
    let busy = Server::collector();
    let slow = Destination::from(Otlp::new(format!("{}/v1/traces", busy.url())));
    let slow = slow.with_filter(|_| {
        std::thread::park_timeout(Duration::from_millis(5));
        true
    });
    vec![
        ("a silent receiver", silent, silent_server),
        ("a receiver that drips", drip, drip_server),
        ("an MLflow server that is not ready", to_mlflow(&refuses), Box::new(refuses)),
        ("a silent receiver over gRPC", to_grpc(&grpc), Box::new(grpc)),
        ("nobody there", builder().with_tracking_uri(dead.url()), Box::new(())),
        ("a busy worker", builder().with_destination(slow), Box::new(busy)),
        (
            "a sender that hangs",
            builder().with_destination(Exporter::new("deaf", Deaf)),
            Box::new(()),
        ),
    ]
}

type End = fn(TracingGuard) -> Option<Result<(), Box<FlushError>>>;

const ENDS: [(&str, End); 3] = [
    ("flush", |guard| {
        let result = guard.flush(SHORT);
        conserved(&guard);
        // Its drop is not what is timed.
        spawn("drop", move || drop(guard));
        Some(result)
    }),
    ("shutdown", |guard| Some(guard.shutdown(SHORT))),
    ("drop", |guard| {
        drop(guard);
        None
    }),
];

/// Ends a program with a backlog in every way, with everything in its way; `place` is where.
fn ends_in_time(place: impl Fn(Box<dyn FnOnce() + Send>)) {
    for (name, end) in ENDS {
        for (obstacle, builder, _keep) in obstacles() {
            let guard = builder.with_drop_timeout(SHORT).build().unwrap();
            (0..1000).for_each(|_| end_span(&guard, "span"));
            place(Box::new(move || {
                let (time, result) = timed(|| end(guard));
                assert!(time < SHORT + SLACK, "{name} with {obstacle} took {time:?}");
                if let Some(Err(error)) = result {
                    assert!(error.stats.destinations[0].conserves(1000), "{error}");
                } else {
                    assert_eq!(name, "drop", "{obstacle} was in the way");
                }
            }));
        }
    }
}

#[test]
fn without_a_runtime() {
    watched(|| ends_in_time(|end| end()));
}

#[test]
fn inside_a_current_thread_runtime() {
    watched(|| {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        ends_in_time(|end| runtime.block_on(async { end() }));
    });
}

#[test]
fn inside_a_task_of_a_multi_thread_runtime() {
    watched(|| {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        ends_in_time(|end| runtime.block_on(runtime.spawn(async { end() })).unwrap());
    });
}

#[test]
fn inside_a_drop_while_a_panic_unwinds() {
    struct Ends(Option<Box<dyn FnOnce() + Send>>);
    impl Drop for Ends {
        fn drop(&mut self) {
            (self.0.take().unwrap())();
        }
    }
    watched(|| {
        ends_in_time(|end| {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let _ends = Ends(Some(end));
                resume_unwind(Box::new("as the test wants it"));
            }));
            assert!(caught.is_err());
        });
    });
}

#[test]
fn flushed_and_shut_down_by_several_threads_at_once() {
    watched(|| {
        for (obstacle, builder, _keep) in obstacles() {
            let guard = Arc::new(builder.with_drop_timeout(SHORT).build().unwrap());
            let other = SdkTracerProvider::builder().with_span_processor(guard.processor()).build();
            (0..1000).for_each(|_| end_span(&guard, "span"));
            let threads: Vec<_> = (0..6)
                .map(|number| {
                    let (guard, other) = (Arc::clone(&guard), other.clone());
                    spawn("ends", move || {
                        let (time, ()) = timed(|| match number % 2 {
                            0 => assert!(guard.flush(SHORT).is_err()),
                            _ => drop(other.shutdown_with_timeout(SHORT)),
                        });
                        assert!(time < SHORT + SLACK, "with {obstacle} it took {time:?}");
                        conserved(&guard);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            let (time, ()) = timed(|| drop(guard));
            assert!(time < SHORT + SLACK, "with {obstacle} the drop took {time:?}");
        }
    });
}

#[test]
fn a_shutdown_that_comes_second_waits_until_all_is_delivered() {
    watched(|| {
        let server = Server::collector();
        server.always(Route::Spans, Act::Hold);
        let guard = to_collector(&server).build().unwrap();
        let other = SdkTracerProvider::builder().with_span_processor(guard.processor()).build();
        end_span(&guard, "span");
        let first = spawn("first", move || guard.shutdown(PATIENCE));
        server.wait_for(Route::Spans, 1);
        let second = spawn("second", move || other.shutdown_with_timeout(PATIENCE));
        assert!(!second.is_finished() && !first.is_finished());
        server.release();
        second.join().unwrap().unwrap();
        assert_eq!(server.spans().names(), ["span"]);
        first.join().unwrap().unwrap();
    });
}
