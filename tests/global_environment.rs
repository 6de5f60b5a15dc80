//! The process's own environment, each time in a process of its own.
#![cfg(test)]

use std::fs;
use std::time::Duration;

use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use tracing::info_span;

use support::app::conserved;
use support::child;
use support::server::{Route, Server};
use support::time::{PATIENCE, SLACK, timed};

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

/// Names of this process's threads that are ours.
#[cfg(target_os = "linux")]
fn our_threads() -> Vec<String> {
    let tasks = fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("comm")).ok());
    let mut names: Vec<_> = names
        .map(|name| name.trim().to_owned())
        .filter(|name| name.starts_with("mlflow-"))
        .collect();
    names.sort();
    names
}

#[test]
fn init_takes_everything_from_the_environment() {
    let server = Server::mlflow();
    let url = server.url();
    let environment = [
        ("MLFLOW_TRACKING_URI", url.as_str()),
        ("MLFLOW_EXPERIMENT_NAME", "from the environment"),
        ("MLFLOW_TRACKING_TOKEN", "t-1"),
        ("OTEL_SERVICE_NAME", "api"),
        // Never taken for loopback behind our back.
        ("HTTP_PROXY", "http://127.0.0.1:1"),
        ("ALL_PROXY", "http://127.0.0.1:1"),
    ];
    let said = child::run("init_takes_everything_from_the_environment", &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        drop(info_span!("span"));
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
    });
    let Some(said) = said else { return };
    let request = server.requests(Route::Spans).remove(0);
    assert_eq!(request.head.header("x-mlflow-experiment-id"), Some("1"));
    assert_eq!(request.head.header("authorization"), Some("Bearer t-1"));
    assert_eq!(request.spans().one("span").resource["service.name"], "api");
    assert!(
        said.stderr.contains(&format!("traces appear at {url}/#/experiments/1/traces")),
        "{said:?}"
    );
    assert!(!said.stderr.contains("t-1"), "{said:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn tracing_has_one_thread_and_one_for_each_destination() {
    let (mlflow, collector) = (Server::mlflow(), Server::collector());
    child::run("tracing_has_one_thread_and_one_for_each_destination", &[], || {
        let builder = mlflow_tracing::builder().with_tracking_uri(mlflow.url());
        let guard = builder.with_otlp_endpoint(collector.url()).build().unwrap();
        guard.ready(PATIENCE).unwrap();
        // The system cuts names to 15 bytes.
        assert_eq!(our_threads(), ["mlflow-tracing", "mlflow-tracing-", "mlflow-tracing-"]);
        conserved(&guard);
        drop(guard);
        support::time::until("the threads have ended", || our_threads().is_empty());
    });
}

#[test]
fn disabled_tracing_has_no_threads_and_asks_nobody() {
    let server = Server::mlflow();
    let url = server.url();
    let environment = [("OTEL_SDK_DISABLED", "true"), ("MLFLOW_TRACKING_URI", url.as_str())];
    let said = child::run("disabled_tracing_has_no_threads_and_asks_nobody", &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        assert!(info_span!("span").is_disabled());
        guard.provider().tracer("api").in_span("span", |_| ());
        #[cfg(target_os = "linux")]
        assert_eq!(our_threads(), Vec::<String>::new());
        assert_eq!(conserved(&guard).ended, 0);
        let (time, ()) = timed(|| drop(guard));
        assert!(time < SLACK, "{time:?}");
    });
    let Some(said) = said else { return };
    assert_eq!(server.asked(), 0);
    assert_eq!(said.stderr, "");
}

/// How many spans arrive of 20 with a sampler of the environment.
fn sampled(test: &str, sampler: &str, ratio: &str) -> Option<usize> {
    let server = Server::collector();
    let url = server.url();
    let environment = [
        ("OTEL_TRACES_SAMPLER", sampler),
        ("OTEL_TRACES_SAMPLER_ARG", ratio),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
    ];
    child::run(test, &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        for _ in 0..10 {
            info_span!("root").in_scope(|| drop(info_span!("child")));
        }
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
    })?;
    Some(server.spans().0.len())
}

#[test]
fn a_sampler_that_is_off_sends_nothing() {
    let sent = sampled("a_sampler_that_is_off_sends_nothing", "always_off", "");
    assert!(sent.is_none_or(|sent| sent == 0), "{sent:?}");
}

#[test]
fn a_sampler_that_is_on_sends_everything() {
    let sent = sampled("a_sampler_that_is_on_sends_everything", "parentbased_always_on", "");
    assert!(sent.is_none_or(|sent| sent == 20), "{sent:?}");
}

#[test]
fn a_ratio_of_nothing_sends_nothing() {
    let sent = sampled("a_ratio_of_nothing_sends_nothing", "parentbased_traceidratio", "0.0");
    assert!(sent.is_none_or(|sent| sent == 0), "{sent:?}");
}

#[test]
fn explain_config_reads_the_environment() {
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=s3kr1t"),
        ("OTEL_LOG_LEVEL", "debug"),
    ];
    child::run("explain_config_reads_the_environment", &environment, || {
        let text = mlflow_tracing::explain_config().unwrap().to_string();
        assert!(
            text.contains("http://collector:4318/v1/traces  (OTEL_EXPORTER_OTLP_ENDPOINT)"),
            "{text}"
        );
        assert!(text.contains("warning: OTEL_LOG_LEVEL has no effect"), "{text}");
        assert!(!text.contains("s3kr1t"), "{text}");
    });
}

#[test]
fn trouble_is_one_line_on_stderr() {
    let server = Server::mlflow();
    server.always(Route::Setup, 401);
    let url = server.url();
    let environment = [
        ("MLFLOW_TRACKING_URI", url.as_str()),
        ("MLFLOW_TRACKING_USERNAME", "anna"),
        ("MLFLOW_TRACKING_PASSWORD", "s3kr1t"),
    ];
    let said = child::run("trouble_is_one_line_on_stderr", &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        for _ in 0..5 {
            drop(info_span!("span"));
            guard.flush(PATIENCE).unwrap_err();
        }
        conserved(&guard);
        // One more line tells what is lost in the end.
        guard.shutdown(Duration::from_millis(100)).unwrap_err();
    });
    let Some(said) = said else { return };
    let lines: Vec<_> = said.stderr.lines().collect();
    let [trouble, end] = lines.as_slice() else { panic!("two lines, not {lines:#?}") };
    assert!(
        trouble.starts_with(&format!("mlflow-tracing: warning: MLflow {url}: HTTP 401")),
        "{trouble}"
    );
    assert!(
        trouble.contains("set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"),
        "{trouble}"
    );
    assert!(end.contains("0 of 5 delivered, 0 pending, dropped shutdown 5"), "{end}");
    assert!(!said.stderr.contains("s3kr1t"), "{said:?}");
}
