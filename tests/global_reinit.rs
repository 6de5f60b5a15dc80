//! Tracing that was set up and ended leaves nothing behind: no thread, no descriptor, no memory.
#![cfg(test)]
#![cfg(target_os = "linux")]

use std::fs;
use std::time::Duration;

use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use support::app::conserved;
use support::child;
use support::scratch::Scratch;
use support::server::Server;
use support::server::grpc::GrpcServer;
use support::server::port::DeadPort;
use support::time::{PATIENCE, until};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

/// Rounds after which allocator and caches have what they keep.
const WARM: usize = 40;
const ROUNDS: usize = 200;
/// What is lost in a round would show in [`ROUNDS`] of them; pages come and go.
const LOST_IN_A_ROUND: usize = 2 * 1024;

/// What the system says that this process has.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    threads: usize,
    descriptors: usize,
}

fn held() -> Held {
    let count = |what: &str| fs::read_dir(what).unwrap().count();
    Held { threads: count("/proc/self/task"), descriptors: count("/proc/self/fd") }
}

fn our_threads() -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("mlflow-")).count()
}

/// Bytes of memory that are this process's own.
fn memory() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

/// Runs `round` often, in a process of its own with these variables.
fn leaves_nothing(test: &str, environment: &[(&str, &str)], round: impl Fn()) {
    child::run(test, environment, || {
        (0..WARM).for_each(|_| round());
        until("the threads of these rounds have ended", || our_threads() == 0);
        let (before, bytes) = (held(), memory());
        (0..ROUNDS).for_each(|_| round());
        until("threads and descriptors are given back", || held() == before);
        let more = memory().saturating_sub(bytes);
        assert!(more < ROUNDS * LOST_IN_A_ROUND, "{more} bytes more than {bytes}");
    });
}

/// Traces a little, with a subscriber that goes with the guard.
fn trace_and_end(delivers: bool) {
    let builder = mlflow_tracing::builder().with_print_url(false);
    let patience = if delivers { PATIENCE } else { Duration::ZERO };
    let builder = builder.with_flush_on_panic(PATIENCE);
    let guard = builder.with_drop_timeout(patience).build().unwrap();
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        let root = info_span!("root", question = "why?");
        root.in_scope(|| (0..20).for_each(|number| drop(info_span!("child", number))));
    });
    conserved(&guard);
    let end = guard.shutdown(patience);
    assert_eq!(end.is_ok(), delivers, "{end:?}");
}

#[test]
fn that_sent_to_mlflow() {
    let server = Server::mlflow();
    let url = server.url();
    let environment = [("MLFLOW_TRACKING_URI", url.as_str())];
    leaves_nothing("that_sent_to_mlflow", &environment, || trace_and_end(true));
}

#[test]
fn that_sent_to_a_collector() {
    let server = Server::collector();
    let url = server.url();
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    leaves_nothing("that_sent_to_a_collector", &environment, || trace_and_end(true));
}

#[test]
fn that_sent_over_grpc() {
    let server = GrpcServer::collector();
    let url = server.url();
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), protocol];
    leaves_nothing("that_sent_over_grpc", &environment, || trace_and_end(true));
}

#[test]
fn that_wrote_files() {
    let scratch = Scratch::new();
    let path = scratch.path().to_str().unwrap();
    let environment = [("MLFLOW_TRACING_DIRECTORY", path), ("MLFLOW_TRACING_CONSOLE", "never")];
    leaves_nothing("that_wrote_files", &environment, || trace_and_end(true));
}

#[test]
fn that_reached_nobody() {
    let port = DeadPort::reserve();
    let url = port.url();
    let environment = [("MLFLOW_TRACKING_URI", url.as_str())];
    leaves_nothing("that_reached_nobody", &environment, || trace_and_end(false));
}

#[test]
fn that_reached_nobody_over_grpc() {
    let port = DeadPort::reserve();
    let url = port.url();
    let protocol = ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc");
    let environment = [("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()), protocol];
    leaves_nothing("that_reached_nobody_over_grpc", &environment, || trace_and_end(false));
}
