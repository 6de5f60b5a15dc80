//! A global filter that hides spans is found out, wherever it stands.
#![cfg(test)]

use mlflow_tracing::TracingGuard;
use tracing::level_filters::LevelFilter;
use tracing::{Subscriber, info, info_span};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt, registry};

use support::app::conserved;
use support::child;
use support::time::PATIENCE;

#[path = "support/global.rs"]
mod global;
#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

/// Runs a program whose subscriber `install` sets, in a process of its own; returns the lines of
/// trouble it wrote. In the child itself there are none to see, and `None` is returned.
fn told<S>(
    test: &str,
    traced: u64,
    subscriber: impl FnOnce(&TracingGuard) -> S,
) -> Option<Vec<String>>
where
    S: Subscriber + Send + Sync + 'static,
{
    let said = child::run(test, &[], || {
        let (guard, server) = global::install(subscriber);
        for _ in 0..3 {
            info_span!("span").in_scope(|| info!("event"));
            // What is looked for is looked for on the worker's thread, before it flushes.
            guard.flush(PATIENCE).unwrap();
        }
        assert_eq!(conserved(&guard).ended, traced);
        assert!(server.spans().0.iter().all(|span| span.events().len() == 1));
        drop(guard);
    })?;
    // Said on stderr itself, or through `fmt::layer()`.
    let is_warning = |line: &&str| {
        line.starts_with("mlflow-tracing: warning: ") || line.contains("WARN mlflow_tracing: ")
    };
    Some(said.stderr.lines().filter(is_warning).map(str::to_owned).collect())
}

fn assert_told_once(told: Option<Vec<String>>) {
    let Some(told) = told else { return };
    let [line] = told.as_slice() else { panic!("one line, not {told:#?}") };
    assert!(line.contains("a global filter hides the INFO spans of `global_filter"), "{line}");
    assert!(line.contains("fmt::layer().with_filter(EnvFilter::from_default_env())"), "{line}");
}

fn assert_silent(told: Option<Vec<String>>) {
    assert_eq!(told.unwrap_or_default(), Vec::<String>::new());
}

#[test]
fn a_bare_env_filter_after_the_layer_is_told_once() {
    assert_told_once(told("a_bare_env_filter_after_the_layer_is_told_once", 0, |guard| {
        registry().with(guard.layer()).with(EnvFilter::new("error"))
    }));
}

#[test]
fn a_bare_env_filter_before_the_layer_is_told_once() {
    assert_told_once(told("a_bare_env_filter_before_the_layer_is_told_once", 0, |guard| {
        registry().with(EnvFilter::new("error")).with(guard.layer())
    }));
}

#[test]
fn a_bare_level_filter_is_told_once() {
    assert_told_once(told("a_bare_level_filter_is_told_once", 0, |guard| {
        registry().with(guard.layer()).with(LevelFilter::ERROR)
    }));
}

#[test]
fn a_bare_filter_is_told_through_the_programs_own_log() {
    assert_told_once(told("a_bare_filter_is_told_through_the_programs_own_log", 0, |guard| {
        let fmt = fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        registry().with(EnvFilter::new("warn")).with(guard.layer()).with(fmt)
    }));
}

#[test]
fn a_filter_that_names_the_program_is_no_trouble() {
    assert_silent(told("a_filter_that_names_the_program_is_no_trouble", 3, |guard| {
        registry().with(guard.layer()).with(EnvFilter::new("warn,global_filter=info"))
    }));
}

#[test]
fn a_filter_that_lets_info_through_is_no_trouble() {
    assert_silent(told("a_filter_that_lets_info_through_is_no_trouble", 3, |guard| {
        registry().with(EnvFilter::new("info")).with(guard.layer())
    }));
}

#[test]
fn a_filter_of_another_layer_is_no_trouble() {
    assert_silent(told("a_filter_of_another_layer_is_no_trouble", 3, |guard| {
        let fmt = fmt::layer().with_writer(std::io::stderr);
        registry().with(fmt.with_filter(EnvFilter::new("warn"))).with(guard.layer())
    }));
}

#[test]
fn no_filter_is_no_trouble() {
    assert_silent(told("no_filter_is_no_trouble", 3, |guard| registry().with(guard.layer())));
}

#[test]
fn a_second_layer_is_told_and_does_no_harm() {
    let told = told("a_second_layer_is_told_and_does_no_harm", 3, |guard| {
        registry().with(guard.layer()).with(guard.layer())
    });
    let Some(told) = told else { return };
    let [line] = told.as_slice() else { panic!("one line, not {told:#?}") };
    assert!(line.contains("two layers of mlflow-tracing are in one subscriber"), "{line}");
}
