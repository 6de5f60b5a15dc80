//! While a destination is being set up.

use super::*;

const DEAD: usize = 5;

/// A sender whose receiver is not there for the first looks.
fn dead_at_first(traces: &[usize], max_retries: Option<u32>) -> Play {
    let mut play = Play::of(traces);
    let looks = vec![Verdict::again(Repeat::Soon, "refused"); DEAD];
    let wire = Memory {
        log: Arc::clone(&play.log),
        faults: VecDeque::new(),
        looks: looks.into(),
        refuses: Box::new(|_| false),
    };
    play.sender.wire = Box::new(wire);
    play.sender.policy.max_retries = max_retries;
    play
}

#[test]
fn what_waits_is_given_up_after_as_many_looks_as_a_request_may_be_repeated() {
    // Of two requests, of 400 and 500 spans.
    for (max_retries, lost) in [(0, 900), (1, 900), (2, 400), (4, 400), (5, 0), (9, 0)] {
        let mut play = dead_at_first(&[400, 400, 100], Some(max_retries));
        play.prepare();
        assert_eq!(play.log().looks, DEAD + 1);
        let stats = play.run();
        assert_eq!(stats.dropped.get(DropReason::RetryExpired), lost, "{max_retries}");
        assert_eq!(stats.delivered, 900 - lost);
    }
}

#[test]
fn without_a_limit_what_waits_outlasts_the_looks() {
    let mut play = dead_at_first(&[3, 4], None);
    play.prepare();
    assert_eq!(play.run().delivered, 7);
}

#[test]
fn looks_before_a_span_came_do_not_count_against_it() {
    let mut play = dead_at_first(&[], Some(0));
    play.prepare();
    let parcel = Parcel { spans: vec![payload(TraceId::from(1), 0)], ..Parcel::default() };
    let outbox = &play.sender.outbox;
    outbox.hand_in(outbox.prepare(vec![parcel], now()), now());
    play.handed_in = 1;
    assert_eq!(play.run().delivered, 1);
}
