use std::sync::Arc;

use opentelemetry::trace::TraceId;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;
use crate::transport::{Body, Envelope};

/// One span each: its trace, and its bytes.
fn spans(of: &[(u8, usize)]) -> Vec<Payload> {
    let payload = |(trace, bytes): &(u8, usize)| Payload {
        trace_id: TraceId::from(u128::from(*trace)),
        envelope: Arc::new(Envelope::default()),
        body: Body::Bytes(vec![0; *bytes].into()),
        counted: true,
    };
    of.iter().map(payload).collect()
}

fn after(failures: u32) -> Breaker {
    let mut breaker = Breaker::default();
    (0..failures).for_each(|_| breaker.failed());
    breaker
}

#[test]
fn three_failures_in_a_row_let_only_the_first_trace_through() {
    let waiting = spans(&[(1, 10), (1, 10), (2, 10), (1, 10)]);
    assert_eq!([0, 1, 2, 3, 9].map(|failures| after(failures).admits(&waiting)), [4, 4, 4, 2, 2]);
    let mut breaker = after(2);
    breaker.answered();
    breaker.failed();
    assert_eq!(breaker.admits(&waiting), 4, "not in a row");
}

#[test]
fn of_a_large_trace_only_the_first_span() {
    let large = LARGE_TRACE_BYTES;
    assert_eq!(after(3).admits(&spans(&[(1, large / 3), (1, large / 3), (2, large)])), 2);
    assert_eq!(after(3).admits(&spans(&[(1, large / 2), (1, large / 2), (2, 1)])), 1);
    assert_eq!(after(3).admits(&spans(&[(1, 2 * large)])), 1);
    assert_eq!(after(3).admits(&[]), 0);
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn whatever_happens_spans_leave_in_order_and_all_of_them(
        of in vec((0..4_u8, 1..40_000_usize), 1..60), happens in vec(any::<bool>(), 0..200)
    ) {
        let waiting = spans(&of);
        let (mut breaker, mut sent, mut failures) = (Breaker::default(), 0, 0);
        // Whatever happens first, the destination works in the end.
        for works in happens.into_iter().chain(std::iter::repeat_n(true, of.len())) {
            let left = &waiting[sent..];
            let admitted = breaker.admits(left);
            prop_assert_eq!(admitted == 0, left.is_empty());
            prop_assert!(admitted <= left.len());
            if failures < FAILURES {
                prop_assert_eq!(admitted, left.len());
            }
            if works {
                breaker.answered();
                (sent, failures) = (sent + admitted, 0);
            } else {
                breaker.failed();
                failures += 1;
            }
        }
        prop_assert_eq!(sent, of.len());
    }
}
