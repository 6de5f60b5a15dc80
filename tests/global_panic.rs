//! The panic hook, each time in a process of its own: a hook belongs to the whole process.
#![cfg(test)]
#![cfg(unix)]

use std::io::{Write as _, stderr};
use std::os::unix::process::ExitStatusExt as _;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook};
use std::process::Command;
use std::time::Duration;

use mlflow_tracing::destination::{Destination, Otlp};
use mlflow_tracing::{Builder, TracingGuard};

use support::app::{Traced, builder, end_span, to_collector};
use support::child;
use support::server::{Act, Route, Server};
use support::time::{PATIENCE, SLACK, spawn, timed, watched};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

const SIGABRT: i32 = 6;
const SHORT: Duration = Duration::from_millis(300);

/// Sets tracing up as the environment says.
fn hooked() -> TracingGuard {
    let builder = mlflow_tracing::builder().with_print_url(false);
    builder.with_flush_on_panic(PATIENCE).build().unwrap()
}

fn panic() -> bool {
    catch_unwind(|| panic!("as the test wants it")).is_err()
}

/// A program's hook that says so.
fn own_hook() {
    set_hook(Box::new(|_| stderr().write_all(b"the program's own hook\n").unwrap()));
}

#[test]
fn what_has_ended_is_delivered_before_a_panic_in_a_panic_aborts() {
    const TEST: &str = "what_has_ended_is_delivered_before_a_panic_in_a_panic_aborts";
    struct PanicsWhenDropped;
    impl Drop for PanicsWhenDropped {
        fn drop(&mut self) {
            panic!("as the test wants it, too");
        }
    }
    let server = Server::mlflow();
    let url = server.url();
    let ended = child::end(TEST, &[("MLFLOW_TRACKING_URI", &url)], || {
        own_hook();
        let guard = hooked();
        end_span(&guard, "span");
        let _panics = PanicsWhenDropped;
        panic!("as the test wants it");
    });
    let Some((status, said)) = ended else { return };
    assert_eq!(status.signal(), Some(SIGABRT), "{said:?}");
    assert!(said.stderr.contains("the program's own hook"), "{said:?}");
    assert_eq!(server.spans().names(), ["span"]);
}

#[test]
fn a_panic_that_is_caught_has_flushed_and_the_program_goes_on() {
    child::run("a_panic_that_is_caught_has_flushed_and_the_program_goes_on", &[], || {
        watched(|| {
            own_hook();
            let traced = hooked_to(Server::collector(), |builder| builder);
            for round in 1..=3 {
                traced.end_span("span");
                assert!(panic());
                assert_eq!(traced.server.spans().0.len(), round);
            }
            traced.conserved();
        });
    });
}

fn hooked_to(server: Server, change: impl FnOnce(Builder) -> Builder) -> Traced {
    let builder = to_collector(&server).with_flush_on_panic(PATIENCE);
    Traced::new(change(builder).build().unwrap(), server)
}

#[test]
fn a_panic_waits_no_longer_than_it_has_patience() {
    child::run("a_panic_waits_no_longer_than_it_has_patience", &[], || {
        watched(|| {
            own_hook();
            let server = Server::collector();
            server.always(Route::Spans, Act::Hold);
            let traced = hooked_to(server, |builder| {
                builder.with_flush_on_panic(SHORT).with_drop_timeout(Duration::ZERO)
            });
            traced.end_span("span");
            let (time, panicked) = timed(panic);
            assert!(panicked && time >= SHORT && time < SHORT + SLACK, "{time:?}");
            traced.conserved();
        });
    });
}

#[test]
fn threads_that_panic_at_once_do_not_wait_for_each_other() {
    child::run("threads_that_panic_at_once_do_not_wait_for_each_other", &[], || {
        watched(|| {
            own_hook();
            let traced = hooked_to(Server::collector(), |builder| builder);
            traced.end_span("span");
            let threads: Vec<_> = (0..8).map(|_| spawn("panics", panic)).collect();
            assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
            assert_eq!(traced.server.spans().names(), ["span"]);
            traced.conserved();
        });
    });
}

#[test]
fn a_panic_on_a_thread_of_ours_does_not_wait_for_itself() {
    child::run("a_panic_on_a_thread_of_ours_does_not_wait_for_itself", &[], || {
        watched(|| {
            own_hook();
            let server = Server::collector();
            let destination = Otlp::new(format!("{}/v1/traces", server.url()));
            let destination = Destination::from(destination).with_filter(|_| panic!("a filter"));
            let builder = builder().with_destination(destination).with_flush_on_panic(PATIENCE);
            let traced = Traced::new(builder.build().unwrap(), server);
            traced.end_span("span");
            let (time, spans) = timed(|| traced.delivered());
            assert!(time < PATIENCE / 4, "{time:?}");
            assert_eq!(spans.names(), ["span"]);
        });
    });
}

#[test]
fn a_panic_after_the_end_of_tracing_waits_for_nothing() {
    child::run("a_panic_after_the_end_of_tracing_waits_for_nothing", &[], || {
        watched(|| {
            own_hook();
            let server = Server::collector();
            server.always(Route::Spans, Act::Hold);
            let builder = to_collector(&server).with_flush_on_panic(PATIENCE);
            let guard = builder.with_drop_timeout(Duration::ZERO).build().unwrap();
            let processor = guard.processor();
            end_span(&guard, "span");
            drop(guard);
            let (time, panicked) = timed(panic);
            assert!(panicked && time < SLACK, "{time:?}");
            drop(processor);
        });
    });
}

#[test]
fn set_up_during_a_panic_has_no_hook_and_says_so() {
    struct SetsUp<'a>(&'a Server);
    impl Drop for SetsUp<'_> {
        fn drop(&mut self) {
            drop(to_collector(self.0).with_flush_on_panic(PATIENCE).build().unwrap());
        }
    }
    child::run("set_up_during_a_panic_has_no_hook_and_says_so", &[], || {
        own_hook();
        let server = Server::collector();
        let ear = support::told::Ear::new("with_flush_on_panic");
        let caught = catch_unwind(AssertUnwindSafe(|| {
            let _sets_up = SetsUp(&server);
            panic!("as the test wants it");
        }));
        assert!(caught.is_err());
        assert_eq!(ear.lines().len(), 1, "{:?}", ear.lines());
    });
}

#[test]
#[ignore = "builds the crate anew, with panic = abort; tests/all.sh runs it"]
fn a_program_built_with_panic_abort_delivers_and_tells_of_the_open_root() {
    let server = Server::mlflow();
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["run", "--quiet", "--manifest-path", "tests/abort/Cargo.toml"]);
    cargo.args(["--target-dir", "target/abort", "--", &server.url()]);
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("as the test wants it"), "{said}");
    assert_eq!(output.status.signal(), Some(SIGABRT), "{said}");
    let spans = server.spans();
    assert_eq!(spans.names(), ["step", "agent"]);
    let words = "tracing was shut down before the root span ended";
    assert_eq!(spans.one("agent").status(), ("ERROR", words));
}
