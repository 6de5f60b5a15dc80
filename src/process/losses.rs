//! Which losses were told, and which are due for a warning. Pure.

use std::array;
use std::time::Instant;

use crate::diagnostics::{RARELY, Throttle};
use crate::stats::{DropReason, Loss, Stats};

/// One list per destination, in the account's order.
#[derive(Debug, Default)]
pub(super) struct Losses(Vec<[Told; DropReason::ALL.len()]>);

/// What was told of one reason at one destination.
#[derive(Debug)]
struct Told {
    /// Spans that were lost when the account was last looked at.
    known: u64,
    /// Spans lost since the last warning.
    unwarned: u64,
    throttle: Throttle,
}

/// What was lost between two looks at the account.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct News {
    pub(super) losses: Vec<Loss>,
    /// Those that are to be warned of now, with what was held back since the last warning of its kind.
    pub(super) warnings: Vec<Loss>,
}

impl Losses {
    pub(super) fn since_last(&mut self, stats: &Stats, now: Instant) -> News {
        self.0.resize_with(stats.destinations.len(), || array::from_fn(|_| Told::nothing()));
        let mut news = News::default();
        for (destination, told) in stats.destinations.iter().zip(&mut self.0) {
            for ((reason, dropped), told) in destination.dropped.iter().zip(told) {
                let spans = dropped.saturating_sub(told.known);
                if spans == 0 {
                    continue;
                }
                let loss = Loss {
                    destination: destination.name.clone(),
                    reason,
                    spans,
                    last_problem: destination.last_problem.clone(),
                };
                news.warnings.extend(told.warning(&loss, now));
                told.known = dropped;
                news.losses.push(loss);
            }
        }
        news
    }
}

impl Told {
    fn nothing() -> Self {
        Self { known: 0, unwarned: 0, throttle: Throttle::new(RARELY) }
    }

    fn warning(&mut self, loss: &Loss, now: Instant) -> Option<Loss> {
        // The end says itself what it cost, in one line for every destination.
        if loss.reason == DropReason::Shutdown {
            return None;
        }
        self.unwarned += loss.spans;
        self.throttle.admit(now)?;
        Some(Loss { spans: std::mem::take(&mut self.unwarned), ..loss.clone() })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::stats::{DestinationStats, Dropped};
    use crate::sync::now;

    #[test]
    fn a_reason_is_warned_of_once_a_minute_with_all_that_was_lost_for_it() {
        let start = now();
        let mut losses = Losses::default();
        let mut warned = |rejected, full, after| {
            let news = losses.since_last(&stats(&[(rejected, full)]), start + after);
            let spans = |loss: Loss| (loss.reason, loss.spans);
            news.warnings.into_iter().map(spans).collect::<Vec<_>>()
        };
        assert_eq!(warned(1, 0, Duration::ZERO), [(DropReason::Rejected, 1)]);
        assert_eq!(warned(3, 0, RARELY / 2), []);
        // Another reason has a minute of its own.
        assert_eq!(warned(4, 7, RARELY / 2), [(DropReason::QueueFull, 7)]);
        assert_eq!(warned(4, 7, RARELY), []);
        assert_eq!(warned(5, 7, RARELY), [(DropReason::Rejected, 4)]);
    }

    #[test]
    fn what_the_end_costs_is_told_but_not_warned_of_twice() {
        let mut dropped = Dropped::default();
        dropped.add(DropReason::Shutdown, 2);
        let destinations = vec![DestinationStats { dropped, ..DestinationStats::default() }];
        let stats = Stats { ended: 2, destinations };
        let news = Losses::default().since_last(&stats, now());
        assert_eq!((news.losses.len(), news.warnings), (1, Vec::new()));
    }

    #[test]
    fn a_loss_says_how_many_why_and_what_to_do() {
        let news = Losses::default().since_last(&stats(&[(2, 0)]), now());
        assert_eq!(
            news.warnings[0].to_string(),
            "place 0: dropped 2 spans (rejected): bad name; look at what they contain, and at the \
             destination's log"
        );
    }

    proptest! {
        #[test]
        fn losses_that_are_told_add_up_to_the_account(rounds in vec(vec((0..9_u64, 0..9_u64), 2), 0..9)) {
            let mut losses = Losses::default();
            let mut lost = [(0, 0); 2];
            let mut told = [(0, 0); 2];
            for round in rounds {
                for (sum, more) in lost.iter_mut().zip(round) {
                    *sum = (sum.0 + more.0, sum.1 + more.1);
                }
                for loss in losses.since_last(&stats(&lost), now()).losses {
                    prop_assert!(loss.spans > 0);
                    let told = &mut told[usize::from(loss.destination == "place 1")];
                    match loss.reason {
                        DropReason::Rejected => told.0 += loss.spans,
                        DropReason::QueueFull => told.1 += loss.spans,
                        other => prop_assert!(false, "{other}"),
                    }
                }
                prop_assert_eq!(told, lost);
            }
        }
    }

    /// Destinations with so many spans rejected and refused by the queue.
    fn stats(dropped: &[(u64, u64)]) -> Stats {
        let destination = |(index, (rejected, full)): (usize, &(u64, u64))| {
            let mut dropped = Dropped::default();
            dropped.add(DropReason::Rejected, *rejected);
            dropped.add(DropReason::QueueFull, *full);
            let last_problem = Some("bad name".to_owned());
            let name = format!("place {index}");
            DestinationStats { name, dropped, last_problem, ..DestinationStats::default() }
        };
        let destinations = dropped.iter().enumerate().map(destination).collect();
        Stats { ended: 100, destinations }
    }
}
