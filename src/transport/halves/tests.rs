use std::sync::Arc;

use opentelemetry::trace::TraceId;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::tests::cases;
use crate::transport::{Body, Envelope};

fn spans(traces: &[u8]) -> Vec<Payload> {
    let payload = |trace: &u8| Payload {
        trace_id: TraceId::from(u128::from(*trace)),
        envelope: Arc::new(Envelope::default()),
        body: Body::Bytes(Vec::new().into()),
        counted: true,
    };
    traces.iter().map(payload).collect()
}

#[test]
fn the_cut_is_between_the_two_traces_nearest_to_the_middle() {
    for (traces, at) in [
        (&[1, 1][..], 1),
        (&[1, 1, 1, 1, 1], 2),
        (&[1, 2, 3, 4], 2),
        (&[1, 1, 1, 2], 3),
        (&[1, 2, 2, 2, 2], 1),
        (&[1, 1, 2, 2, 2, 2, 2, 3], 2),
        (&[1, 2, 2, 2, 2, 2, 3, 3], 6),
    ] {
        assert_eq!(middle_of(&spans(traces)), at, "{traces:?}");
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn both_sides_have_something_and_no_trace_is_cut_that_need_not_be(
        traces in vec(0..5_u8, 2..40)
    ) {
        let waiting = spans(&traces);
        let at = middle_of(&waiting);
        prop_assert!(0 < at && at < traces.len());
        let one_trace = traces.iter().all(|trace| *trace == traces[0]);
        prop_assert_eq!(traces[at - 1] == traces[at], one_trace);
    }
}
