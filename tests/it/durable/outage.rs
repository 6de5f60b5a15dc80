use std::time::Duration;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::{DropReason, Stats};

use super::{program, when};
use crate::support::app::{conserved, end_span};
use crate::support::scratch::Scratch;
use crate::support::server::port::DeadPort;
use crate::support::time::PATIENCE;

const MIB: usize = 1024 * 1024;

#[test]
fn what_memory_does_not_hold_waits_on_disk_and_is_delivered_once() {
    const SPANS: usize = 300;
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let guard = program(&spool, &port.url()).with_memory_limit(MIB).build().unwrap();
    for number in 0..SPANS {
        guard.provider().tracer("test").in_span(format!("{number}"), |cx| {
            cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(20_000)));
        });
        // Faster than the worker is not what this is about.
        if number % 10 == 9 {
            guard.flush(Duration::from_millis(40)).unwrap_err();
        }
    }
    let stats = conserved(&guard);
    let account = &stats.destinations[0];
    assert!(account.spooled > 200 && account.dropped.total() == 0, "{stats:?}");
    assert!(account.pending_bytes <= MIB);
    assert!(account.oldest_pending.is_some_and(|age| age > Duration::ZERO));

    let server = port.open();
    guard.flush(PATIENCE).unwrap();
    let spans = server.spans();
    let mut numbers: Vec<usize> = spans.names().iter().map(|it| it.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..SPANS).collect::<Vec<_>>());
    let stats = conserved(&guard);
    let account = &stats.destinations[0];
    assert_eq!((account.delivered, account.spooled), (SPANS as u64, 0));
    guard.shutdown(PATIENCE).unwrap();
}

#[test]
fn spans_on_disk_are_given_up_for_their_age_only_if_the_program_says_so() {
    let spool = Scratch::new();
    let port = DeadPort::reserve();
    let builder = program(&spool, &port.url()).with_retry_window(Duration::from_millis(1));
    let guard = builder.build().unwrap();
    end_span(&guard, "work");
    let expired = |stats: &Stats| stats.destinations[0].dropped.get(DropReason::RetryExpired);
    when(&guard, "it is given up", |stats| expired(stats) == 1);
    drop(guard);
}
