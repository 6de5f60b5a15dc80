//! SIGTERM and SIGINT, each time in a process of its own.
#![cfg(test)]
#![cfg(unix)]

use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use fork::{Fork, fork, waitpid};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use support::app::{end_span, to_collector};
use support::child;
use support::server::{Act, Route, Server};
use support::time::{PATIENCE, SLACK, now, until};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

const SHORT: Duration = Duration::from_millis(300);

/// Waits for the end that another thread brings.
fn wait_for_the_end() -> ! {
    let start = now();
    while start.elapsed() < PATIENCE {
        std::thread::park_timeout(PATIENCE);
    }
    panic!("the signal did nothing");
}

#[test]
fn a_signal_delivers_what_is_left_and_ends_the_program_as_it_does_by_default() {
    const TEST: &str = "a_signal_delivers_what_is_left_and_ends_the_program_as_it_does_by_default";
    for (signal, name) in [(SIGTERM, "by-term"), (SIGINT, "by-int")] {
        let server = Server::mlflow();
        let url = server.url();
        let environment = [("MLFLOW_TRACKING_URI", url.as_str()), ("OTEL_SERVICE_NAME", name)];
        let ended = child::end(TEST, &environment, || {
            let builder = mlflow_tracing::builder().with_print_url(false);
            let guard = builder.with_shutdown_on_signal(PATIENCE).build().unwrap();
            let text = guard.explain_config().to_string();
            let subscriber = tracing_subscriber::registry().with(guard.layer());
            tracing::subscriber::with_default(subscriber, || {
                let _agent = info_span!("agent").entered();
                drop(info_span!("step"));
                raise(if text.contains("by-int") { SIGINT } else { SIGTERM }).unwrap();
                wait_for_the_end()
            });
        });
        let Some((status, said)) = ended else { return };
        assert_eq!((status.signal(), status.code()), (Some(signal), None), "{said:?}");
        assert_eq!(server.spans().names(), ["step", "agent"]);
    }
}

#[test]
fn a_second_signal_ends_the_program_at_once() {
    const TEST: &str = "a_second_signal_ends_the_program_at_once";
    let server = Server::collector();
    server.always(Route::Spans, Act::Hold);
    let url = server.url();
    let start = now();
    let ended = child::end(TEST, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], || {
        let builder = mlflow_tracing::builder().with_shutdown_on_signal(2 * PATIENCE);
        let guard = builder.build().unwrap();
        end_span(&guard, "span");
        raise(SIGTERM).unwrap();
        // Who watches has taken note of the first when the pipe is ending.
        until("the pipe ends", || {
            end_span(&guard, "late");
            guard.stats().destinations[0].dropped.total() > 0
        });
        raise(SIGTERM).unwrap();
        wait_for_the_end()
    });
    let Some((status, said)) = ended else { return };
    assert_eq!(status.signal(), Some(SIGTERM), "{said:?}");
    assert!(start.elapsed() < PATIENCE / 2);
}

#[test]
fn a_signal_waits_no_longer_than_it_has_patience() {
    const TEST: &str = "a_signal_waits_no_longer_than_it_has_patience";
    let server = Server::collector();
    server.always(Route::Spans, Act::Hold);
    let url = server.url();
    let ended = child::end(TEST, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], || {
        let guard = mlflow_tracing::builder().with_shutdown_on_signal(SHORT).build().unwrap();
        end_span(&guard, "span");
        raise(SIGTERM).unwrap();
        let start = now();
        while start.elapsed() < SHORT + 2 * SLACK {
            std::thread::park_timeout(SLACK);
        }
        panic!("too late");
    });
    let Some((status, said)) = ended else { return };
    assert_eq!(status.signal(), Some(SIGTERM), "{said:?}");
    // What is lost is told.
    assert!(said.stderr.contains("0 of 1 delivered, 0 pending, dropped shutdown 1"), "{said:?}");
}

#[test]
fn once_the_guard_is_gone_a_signal_ends_the_program_at_once() {
    const TEST: &str = "once_the_guard_is_gone_a_signal_ends_the_program_at_once";
    let ended = child::end(TEST, &[], || {
        let server = Server::collector();
        for _ in 0..2 {
            let builder = to_collector(&server).with_shutdown_on_signal(PATIENCE);
            drop((builder.clone().build().unwrap(), builder.build().unwrap()));
        }
        raise(SIGTERM).unwrap();
        panic!("not a moment later: the handler itself does it");
    });
    let Some((status, said)) = ended else { return };
    assert_eq!(status.signal(), Some(SIGTERM), "{said:?}");
}

#[test]
fn set_up_again_a_signal_delivers_again() {
    const TEST: &str = "set_up_again_a_signal_delivers_again";
    let server = Server::collector();
    let url = server.url();
    let ended = child::end(TEST, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], || {
        let builder = mlflow_tracing::builder().with_shutdown_on_signal(PATIENCE);
        (0..20).for_each(|_| drop(builder.clone().build().unwrap()));
        let guard = builder.build().unwrap();
        end_span(&guard, "span");
        raise(SIGTERM).unwrap();
        wait_for_the_end()
    });
    let Some((status, said)) = ended else { return };
    assert_eq!(status.signal(), Some(SIGTERM), "{said:?}");
    assert_eq!(server.spans().names(), ["span"]);
}

#[test]
fn a_child_made_by_fork_has_nobody_who_watches_once_it_traces() {
    const TEST: &str = "a_child_made_by_fork_has_nobody_who_watches_once_it_traces";
    let server = Server::collector();
    let url = server.url();
    let ran = child::run(TEST, &[("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())], || {
        let guard = mlflow_tracing::builder().with_shutdown_on_signal(PATIENCE).build().unwrap();
        match fork().unwrap() {
            Fork::Child => {
                end_span(&guard, "child");
                guard.flush(PATIENCE).unwrap();
                raise(SIGTERM).unwrap();
                std::process::abort();
            }
            Fork::Parent(child) => {
                let status = waitpid(child).unwrap();
                assert_eq!(status & 0x7f, SIGTERM, "{status:#x}");
            }
        }
    });
    if ran.is_some() {
        assert_eq!(server.spans().names(), ["child"]);
    }
}
