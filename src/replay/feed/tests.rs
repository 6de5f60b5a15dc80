use super::*;
use crate::stats::{DestinationStats, Dropped};

/// Stats of destinations that dropped for these reasons.
fn stats(destinations: &[&[(DropReason, u64)]]) -> Stats {
    let destination = |reasons: &&[(DropReason, u64)]| {
        let mut dropped = Dropped::default();
        reasons.iter().for_each(|(reason, count)| dropped.add(*reason, *count));
        DestinationStats { dropped, ..DestinationStats::default() }
    };
    Stats { ended: 0, destinations: destinations.iter().map(destination).collect() }
}

#[test]
fn a_refusal_for_good_is_counted_where_most_were_refused() {
    use DropReason::{Rejected, TooLarge};
    let before = stats(&[&[(Rejected, 5)], &[]]);
    let after = stats(&[&[(Rejected, 6)], &[(Rejected, 1), (TooLarge, 2)]]);
    assert_eq!(refused(&before, after, false).unwrap(), 3);
    assert_eq!(refused(&before, before.clone(), false).unwrap(), 0);
}

#[test]
fn a_loss_that_another_attempt_may_mend_stops_the_run() {
    for reason in DropReason::ALL {
        let before = stats(&[&[(reason, 1)]]);
        let stopped = refused(&before, stats(&[&[(reason, 2)]]), false);
        let for_good = matches!(reason, DropReason::Rejected | DropReason::TooLarge);
        assert_eq!(stopped.is_ok(), for_good, "{reason}");
        assert!(refused(&before, before.clone(), false).is_ok(), "it was lost before");
    }
}

#[test]
fn a_span_that_has_no_room_alone_will_never_have_it() {
    for reason in [DropReason::QueueFull, DropReason::OutboxFull] {
        let alone = refused(&stats(&[&[]]), stats(&[&[(reason, 1)]]), true);
        assert_eq!(alone.unwrap(), 1);
    }
}
