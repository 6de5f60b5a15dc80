//! The client brings a runtime of its own: where a guard is made and dropped does not matter.

use std::cell::RefCell;
use std::net::{Ipv4Addr, TcpListener};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use mlflow_tracing::{Protocol, TracingGuard};
use tokio::runtime::Builder;
use tokio::task::LocalSet;

use crate::support::app::{builder, end_span};
use crate::support::server::Route;
use crate::support::server::grpc::{Act, GrpcServer};
use crate::support::server::port::DeadPort;
use crate::support::time::{PATIENCE, SLACK, spawn, timed, watched};

const SHORT: Duration = Duration::from_millis(100);

/// Makes a guard and uses it.
type Make = Box<dyn FnOnce() -> TracingGuard + Send>;
type Place = (&'static str, fn(Make));

/// Where a guard is made, and dropped. None of the runtimes has a driver that could be borrowed.
const PLACES: [Place; 8] = [
    ("no runtime", |make| drop(make())),
    ("a current-thread runtime", |make| {
        Builder::new_current_thread().build().unwrap().block_on(async { drop(make()) });
    }),
    ("a multi-thread runtime", |make| {
        Builder::new_multi_thread().worker_threads(1).build().unwrap().block_on(async {
            drop(make());
        });
    }),
    ("a spawned task", |make| {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        runtime.block_on(async { tokio::spawn(async { drop(make()) }).await.unwrap() });
    }),
    ("a local task", |make| {
        let task = LocalSet::new();
        let handle = task.spawn_local(async { drop(make()) });
        Builder::new_current_thread().build().unwrap().block_on(task);
        assert!(handle.is_finished());
    }),
    ("after the runtime", |make| {
        let runtime = Builder::new_current_thread().build().unwrap();
        let guard = runtime.block_on(async { make() });
        drop(runtime);
        drop(guard);
    }),
    ("a panic", |make| {
        let panics = || {
            let _guard = make();
            panic!("as the test wants it");
        };
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    }),
    ("the end of a thread", |make| {
        thread_local!(static GUARD: RefCell<Option<TracingGuard>> = const { RefCell::new(None) });
        spawn("short", || GUARD.set(Some(make()))).join().unwrap();
    }),
];

fn guard(url: String) -> TracingGuard {
    let builder = builder().with_otlp_endpoint(url).with_protocol(Protocol::Grpc);
    builder.with_drop_timeout(SHORT).build().unwrap()
}

/// Makes a guard that sends to `url` in each of the places, and sees that its end comes in time.
fn ends_in_time(url: &str) {
    for (place, run) in PLACES {
        let url = url.to_owned();
        let make = Box::new(move || {
            let guard = guard(url);
            end_span(&guard, "span");
            guard.flush(SHORT).unwrap_err();
            guard
        });
        let (time, ()) = watched(move || timed(|| run(make)));
        assert!(time >= 2 * SHORT && time < 2 * SHORT + SLACK, "{place}: {time:?}");
    }
}

#[test]
fn a_guard_delivers_wherever_it_is_made_and_dropped() {
    for (place, run) in PLACES {
        let server = GrpcServer::collector();
        let url = server.url();
        let make = Box::new(move || {
            let guard = guard(url);
            end_span(&guard, "first");
            guard.flush(PATIENCE).unwrap();
            end_span(&guard, "second");
            guard
        });
        watched(move || run(make));
        assert_eq!(server.spans().names(), ["first", "second"], "{place}");
    }
}

#[test]
fn a_guard_ends_in_time_wherever_it_is_dropped_when_the_server_hangs() {
    for route in [Route::Setup, Route::Spans] {
        let server = GrpcServer::collector();
        server.always(route, Act::Hold);
        ends_in_time(&server.url());
        assert!(server.calls(route).len() >= PLACES.len());
    }
}

#[test]
fn a_guard_ends_in_time_wherever_it_is_dropped_when_nobody_listens() {
    ends_in_time(&DeadPort::reserve().url());
}

#[test]
fn a_guard_ends_in_time_wherever_it_is_dropped_when_nobody_answers() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    ends_in_time(&format!("http://{}", silent.local_addr().unwrap()));
}

#[test]
#[cfg(target_os = "linux")]
fn no_thread_and_no_socket_is_left_behind() {
    use crate::support::child;
    use crate::support::time::until;

    fn count(directory: &str) -> usize {
        std::fs::read_dir(directory).unwrap().count()
    }
    const TEST: &str = "deliver_grpc::places::no_thread_and_no_socket_is_left_behind";
    const THREADS: &str = "/proc/self/task";
    const FILES: &str = "/proc/self/fd";
    const LONG: Duration = Duration::from_secs(20);

    child::run(TEST, &[], || {
        let server = GrpcServer::collector();
        // A name is looked up on a thread that the runtime starts for it.
        let name = server.url().replace("127.0.0.1", "localhost");
        let hanging = GrpcServer::collector();
        hanging.always(Route::Spans, Act::Hold);
        let (threads, files) = (count(THREADS), count(FILES));
        let dead = DeadPort::reserve().url();
        let cases = [(name, LONG, true), (hanging.url(), SHORT, true), (dead, SHORT, false)];
        for (url, patience, connects) in cases {
            let guard = guard(url);
            end_span(&guard, "span");
            assert_eq!(guard.flush(patience).is_ok(), patience == LONG);
            // The worker, and the sender with its runtime.
            assert!(count(THREADS) >= threads + 2);
            assert!(!connects || count(FILES) > files);
            drop(guard);
            until("no thread is left", || count(THREADS) == threads);
            until("no socket is left", || count(FILES) == files);
        }
        assert_eq!(server.spans().names(), ["span"]);
    });
}
