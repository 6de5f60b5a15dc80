//! Where spans are on disk, and how many.

use std::time::Duration;

use mlflow_tracing::DropReason;
use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};

use crate::support::app::{builder, conserved};
use crate::support::scratch::Scratch;
use crate::support::server::port::DeadPort;
use crate::support::time::until;

#[test]
fn a_directory_keeps_what_is_not_delivered_and_the_oldest_of_it_make_room() {
    const MIB: usize = 1024 * 1024;
    let (spool, port) = (Scratch::new(), DeadPort::reserve());
    let (url, directory) = (port.url(), spool.path().display().to_string());
    let variables = [
        ("MLFLOW_TRACKING_URI", url.as_str()),
        ("MLFLOW_TRACING_SPOOL_DIRECTORY", &directory),
        ("MLFLOW_TRACING_SPOOL_MAX_BYTES", "67108864"),
    ];
    let guard = builder().with_environment(variables).with_memory_limit(4 * MIB).build().unwrap();
    for number in 0..80 {
        guard.provider().tracer("test").in_span(format!("{number}"), |cx| {
            cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(MIB)));
        });
        // The next is not to meet it in the queue.
        until("it is on disk", || conserved(&guard).destinations[0].at_risk == 0);
    }
    let stats = conserved(&guard);
    let account = &stats.destinations[0];
    assert!(account.spooled > 40, "{stats:?}");
    assert!(account.dropped.get(DropReason::SpoolFull) > 10, "{stats:?}");
    assert_eq!(account.dropped.total(), account.dropped.get(DropReason::SpoolFull));
    assert!(account.spooled_bytes <= 64 * MIB as u64);
    guard.shutdown(Duration::ZERO).unwrap_err();
}
