use super::*;
use crate::stats::{DestinationStats, Dropped};

#[test]
fn a_failed_flush_says_what_is_where_and_why() {
    let error = failed();
    assert_eq!(
        error.to_string(),
        "not every span was delivered; \
         MLflow http://a: 4 of 10 delivered, 5 pending, dropped rejected 1 (HTTP 503: busy); \
         OTLP http://b: 8 of 10 delivered, 0 pending, dropped outbox_full 1, rejected 1"
    );
    // What a program prints that returns it from `main`.
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn counts_are_the_worst_destinations_or_the_sum() {
    let error = failed();
    assert_eq!(error.pending(), 5);
    assert_eq!(error.dropped(DropReason::Rejected), 2);
    assert_eq!(error.dropped(DropReason::QueueFull), 0);
    let nothing = FlushError { stats: Stats::default() };
    assert_eq!(nothing.pending(), 0);
}

fn failed() -> FlushError {
    let destination = |name: &str, delivered, pending, dropped: &[DropReason]| {
        let mut counts = Dropped::default();
        for reason in dropped {
            counts.add(*reason, 1);
        }
        DestinationStats {
            name: name.to_owned(),
            delivered,
            pending,
            dropped: counts,
            ..DestinationStats::default()
        }
    };
    let mut mlflow = destination("MLflow http://a", 4, 5, &[DropReason::Rejected]);
    mlflow.last_problem = Some("HTTP 503: busy".to_owned());
    let otlp = destination("OTLP http://b", 8, 0, &[DropReason::Rejected, DropReason::OutboxFull]);
    let well = destination("local", 10, 0, &[]);
    FlushError { stats: Stats { ended: 10, destinations: vec![mlflow, otlp, well] } }
}
