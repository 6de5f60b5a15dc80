//! A disk that is full.

use std::fs;
use std::path::Path;
use std::time::Duration;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{DropReason, Stats, TracingGuard};

use super::namespace::enter;
use super::receiver::{Mood, Receiver};
use super::support::app::{builder, conserved};
use super::support::scratch::Scratch;
use super::support::time::{PATIENCE, until};
use super::support::told::Ear;

/// Of 4 MiB this much is taken by somebody else at first.
const OTHERS: usize = 3 * 1024 * 1024;
/// What a span takes.
const LOAD: usize = 20_000;
/// More spans than the disk holds.
const TOO_MANY: u64 = 300;
const PACE: Duration = Duration::from_millis(2);

#[test]
#[ignore = "mounts a file system: run tests/all.sh"]
#[expect(clippy::print_stdout, reason = "what is seen is kept in docs/RELIABILITY.md")]
fn a_full_disk_costs_a_warning_and_what_was_written_arrives() {
    let test = "disk::a_full_disk_costs_a_warning_and_what_was_written_arrives";
    let scratch = Scratch::new();
    fs::create_dir_all(scratch.path()).unwrap();
    let place = scratch.path().display().to_string();
    let mount = format!("mount -t tmpfs -o size=4m lab '{place}'");
    let Some(place) = enter(test, "-rm", &mount, &place) else { return };

    let (spool, others) = (Path::new(&place), Path::new(&place).join("of somebody else"));
    fs::write(&others, vec![0; OTHERS]).unwrap();
    let receiver = Receiver::start(Mood::Refuses, TOO_MANY * 4);
    let guard = start(&receiver, spool);
    let ear = Ear::new(&place);
    let mut ended = 0;
    let mut end = |guard: &TracingGuard, spans: u64| {
        for _ in 0..spans {
            end_span(guard, ended);
            ended += 1;
            std::thread::park_timeout(PACE);
            conserved(guard);
        }
    };
    end(&guard, TOO_MANY / 3);
    until("it is told", || !ear.lines().is_empty());
    let full = conserved(&guard);
    let at_risk = full.destinations[0].at_risk;
    assert!(at_risk > 0 && full.destinations[0].dropped.total() == 0, "{full:?}");
    println!("\nfull disk: {at_risk} of {} spans at risk; told: {:?}", full.ended, ear.lines());

    fs::remove_file(&others).unwrap();
    let before = full.destinations[0].spooled_bytes;
    until("it writes again", || {
        end_span(&guard, u64::from(u16::MAX));
        std::thread::park_timeout(PACE * 10);
        conserved(&guard).destinations[0].spooled_bytes > before
    });
    receiver.set(Mood::Takes);
    guard.flush(PATIENCE).unwrap();
    let stats = conserved(&guard);
    assert_eq!(stats.destinations[0].delivered, stats.ended);

    receiver.set(Mood::Refuses);
    end(&guard, TOO_MANY);
    let stats = guard.shutdown(Duration::from_millis(200)).unwrap_err().stats;
    let left = &stats.destinations[0];
    let lost = left.dropped.get(DropReason::Shutdown);
    assert!(left.spooled > 0 && lost > 0 && left.conserves(stats.ended), "{stats:?}");
    let (before, _) = receiver.spans();
    receiver.set(Mood::Takes);
    let next = start(&receiver, spool);
    let arrived = |stats: &Stats| stats.destinations[0].delivered == left.spooled;
    until("what was written arrives", || arrived(&conserved(&next)));
    assert_eq!(receiver.spans().0, before + left.spooled);
    println!("after the next start: {} arrived, {lost} had no room and were counted", left.spooled);
    next.shutdown(PATIENCE).unwrap();
}

fn start(receiver: &Receiver, spool: &Path) -> TracingGuard {
    let endpoint = format!("{}/v1/traces", receiver.url());
    builder().with_otlp_endpoint(endpoint).with_spool(spool).build().unwrap()
}

/// Ends a span of some size.
fn end_span(guard: &TracingGuard, number: u64) {
    guard.provider().tracer("lab").in_span(number.to_string(), |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(LOAD)));
    });
}
