//! What one destination does is not felt by another.

use std::time::Duration;

use mlflow_tracing::destination::{Destination, Exporter, Mlflow, Otlp};
use mlflow_tracing::{Builder, DestinationStats, DropReason, TracingGuard};

use crate::support::app::{builder, conserved, end_span};
use crate::support::exporter::{Does, Scripted};
use crate::support::server::port::DeadPort;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed, until};

const SPANS: u64 = 50;
/// Far below the time that an attempt may take (30 s), far above what a busy machine needs.
const BOUND: Duration = Duration::from_secs(3);

fn otlp(server: &Server) -> Otlp {
    Otlp::new(format!("{}/v1/traces", server.url()))
}

fn mlflow(url: String) -> Destination {
    Mlflow::new(url).with_print_url(false).into()
}

/// Ends spans and waits until the last destination has them all, and no more than that.
fn deliver(guard: &TracingGuard) -> (Duration, DestinationStats) {
    let account = || guard.stats().destinations.pop().unwrap();
    let before = account().delivered;
    let (time, ()) = timed(|| {
        for number in 0..SPANS {
            end_span(guard, format!("{number}"));
        }
        until("the live one has everything", || account().delivered == before + SPANS);
    });
    conserved(guard);
    (time, account())
}

/// How long a live collector waits for its spans when there is `other` before it, and its account.
fn beside(other: Option<Destination>) -> (Duration, DestinationStats) {
    let live = Server::collector();
    let builder = builder().with_drop_timeout(Duration::ZERO);
    let builder = other.into_iter().fold(builder, Builder::with_destination);
    let guard = builder.with_destination(otlp(&live)).build().unwrap();
    live.wait_for(Route::Setup, 1);
    let (time, account) = deliver(&guard);
    assert_eq!(live.spans().0.len() as u64, SPANS);
    (time, account)
}

/// An account without the address, and without the memory and its age: a batch gives them back a
/// moment after it is counted.
fn counts(account: &DestinationStats) -> DestinationStats {
    let mut counts = account.clone();
    counts.name.clear();
    counts.pending_bytes = 0;
    counts.oldest_pending = None;
    counts
}

#[test]
fn a_destination_in_trouble_changes_neither_latency_nor_counts_of_another() {
    let (alone, expected) = beside(None);
    let dead = DeadPort::reserve();
    let [silent, hanging, dripping, refusing, failing] = [(); 5].map(|()| Server::mlflow());
    silent.always(Route::Setup, Act::Hold);
    hanging.always(Route::Spans, Act::Hold);
    dripping.always(Route::Spans, Act::Drip);
    refusing.always(Route::Spans, 422);
    failing.always(Route::Spans, 503);
    let stuck = Scripted::new([Does::Never; 99]);
    let panicking = Scripted::new([Does::Panics; 99]);
    for (trouble, other) in [
        ("dead", mlflow(dead.url())),
        ("silent", mlflow(silent.url())),
        ("hanging", mlflow(hanging.url())),
        ("dripping", mlflow(dripping.url())),
        ("refusing", mlflow(refusing.url())),
        ("failing", mlflow(failing.url())),
        ("stuck", Exporter::new("stuck", stuck).into()),
        ("panicking", Exporter::new("panicking", panicking).into()),
    ] {
        let (time, account) = beside(Some(other));
        assert!(time < alone + BOUND, "{trouble}: {time:?}, alone {alone:?}");
        assert_eq!(counts(&account), counts(&expected), "{trouble}");
    }
}

#[test]
fn pulling_the_plug_of_one_leaves_the_other_as_it_was() {
    let (pulled, live) = (Server::collector(), Server::collector());
    let guard = builder()
        .with_drop_timeout(Duration::ZERO)
        .with_destination(otlp(&pulled))
        .with_destination(otlp(&live))
        .build()
        .unwrap();
    guard.ready(PATIENCE).unwrap();
    let (before, _) = deliver(&guard);
    guard.flush(PATIENCE).unwrap();
    drop(pulled);
    let (after, account) = deliver(&guard);
    assert!(after < before + BOUND, "{after:?}, before {before:?}");
    assert_eq!((account.retries, account.last_problem), (0, None));
    let all = conserved(&guard).destinations;
    assert_eq!((all[0].delivered, all[0].pending), (SPANS, SPANS));
    assert_eq!((all[1].delivered, all[1].pending, all[1].dropped.total()), (2 * SPANS, 0, 0));
}

#[test]
fn one_that_comes_back_gets_what_it_missed_and_the_other_nothing_twice() {
    let (port, live) = (DeadPort::reserve(), Server::collector());
    let guard = builder()
        .with_destination(mlflow(port.url()))
        .with_destination(otlp(&live))
        .build()
        .unwrap();
    live.wait_for(Route::Setup, 1);
    deliver(&guard);
    let back = port.open();
    guard.flush(PATIENCE).unwrap();
    assert_eq!(back.spans().sorted_names(), live.spans().sorted_names());
    assert_eq!(live.spans().0.len() as u64, SPANS);
    conserved(&guard);
}

#[test]
fn a_flush_that_one_cannot_answer_names_that_one_only() {
    let (hanging, live) = (Server::collector(), Server::collector());
    hanging.always(Route::Spans, Act::Hold);
    let builder = builder().with_drop_timeout(Duration::ZERO);
    let builder = builder.with_destination(otlp(&hanging)).with_destination(otlp(&live));
    let guard = builder.build().unwrap();
    end_span(&guard, "span");
    let error = guard.flush(Duration::from_secs(2)).unwrap_err();
    let words = error.to_string();
    assert!(words.contains(&hanging.url()) && !words.contains(&live.url()), "{words}");
    assert_eq!(live.spans().names(), ["span"]);
    conserved(&guard);
}

#[test]
fn a_full_memory_of_one_takes_nothing_from_the_other() {
    const KIB: usize = 1024;
    let (dead, live) = (DeadPort::reserve(), Server::collector());
    let guard = builder()
        .with_memory_limit(1024 * KIB)
        .with_drop_timeout(Duration::ZERO)
        .with_destination(mlflow(dead.url()))
        .with_destination(otlp(&live))
        .build()
        .unwrap();
    let account = || guard.stats().destinations.pop().unwrap();
    for round in 1..=8_u64 {
        for number in 0..20 {
            end_span(&guard, format!("{number} {}", "x".repeat(10 * KIB)));
        }
        until("the live one has the round", || account().delivered == 20 * round);
    }
    let all = conserved(&guard).destinations;
    assert!(all[0].dropped.get(DropReason::OutboxFull) > 0);
    assert_eq!((all[1].delivered, all[1].dropped.total()), (160, 0));
}

#[test]
fn the_end_waits_for_the_dead_no_longer_than_it_may_and_the_living_get_everything() {
    let (hanging, live) = (Server::mlflow(), Server::collector());
    hanging.always(Route::Spans, Act::Hold);
    let builder = builder().with_destination(mlflow(hanging.url()));
    let guard = builder.with_destination(otlp(&live)).build().unwrap();
    guard.ready(PATIENCE).unwrap();
    end_span(&guard, "span");
    let patience = Duration::from_secs(2);
    let (time, result) = timed(|| guard.shutdown(patience));
    let error = result.unwrap_err();
    assert!(time < patience + 2 * SLACK, "{time:?}");
    assert!(error.stats.destinations.iter().all(|d| d.conserves(error.stats.ended)));
    assert_eq!(error.stats.destinations[1].delivered, 1);
    assert_eq!(live.spans().names(), ["span"]);
}
