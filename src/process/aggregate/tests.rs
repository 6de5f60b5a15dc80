mod random;
mod updates;

use opentelemetry::KeyValue;
use opentelemetry::trace::{SpanId, Status};

use super::*;
use crate::semconv;
use crate::sync::now;
use crate::tests::{at, context, plain, span_data};

const MILLI: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_finished_trace_leaves_after_a_moment_as_one_with_the_root_last() {
    let (mut table, t0) = table();
    assert!(table.started(OpenRoot::told(root(1)), t0).is_none());
    assert!(table.ended(child(2, 1), t0 + 10 * MILLI).is_none());
    assert!(table.ended(ended(root(1)), t0 + 20 * MILLI).is_none());
    // A child that ends after its root still leaves before it, and does not draw out the wait.
    assert!(table.ended(child(3, 1), t0 + 30 * MILLI).is_none());

    assert!(table.due(t0 + 219 * MILLI).is_empty());
    let releases = table.due(t0 + 220 * MILLI);
    assert_eq!(told(&releases), [(vec![2, 3, 1], true, false)]);
    assert_eq!(table.next_due(), None);
}

#[test]
fn spans_of_a_running_trace_leave_every_five_seconds() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    for (id, second) in [(2, 1), (3, 3), (4, 7)] {
        // The wait begins with the first span that waits.
        let due = if second < 6 { 6 } else { 12 };
        assert!(table.due(t0 + (second * SECOND).saturating_sub(MILLI)).is_empty());
        table.ended(child(id, 1), t0 + second * SECOND);
        assert_eq!(table.next_due(), Some(t0 + due * SECOND));
        if second == 3 {
            let releases = table.due(t0 + 6 * SECOND);
            assert_eq!(told(&releases), [(vec![2, 3], false, false)]);
        }
    }
    table.ended(ended(root(1)), t0 + 8 * SECOND);
    let releases = table.due(t0 + 8 * SECOND + 200 * MILLI);
    assert_eq!(told(&releases), [(vec![4, 1], true, false)]);
}

#[test]
fn traces_that_leave_together_leave_in_the_order_in_which_they_came() {
    let came: Vec<u64> = (1..=40).collect();
    let filled = || {
        let (mut table, t0) = table();
        for id in &came {
            // Their ids say nothing of when they came.
            let trace = u128::from(id.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            table.ended(ended(in_trace(trace, root(*id))), t0);
        }
        table
    };
    let left = |releases: &[Release]| -> Vec<u64> {
        releases.iter().map(|release| id_of(&release.spans[0].span.data)).collect()
    };
    assert_eq!(left(&filled().flush()), came);
    assert_eq!(left(&filled().close()), came);
}

#[test]
fn a_late_child_leaves_alone() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    table.ended(ended(root(1)), t0);
    assert_eq!(told(&table.due(t0 + SECOND)), [(vec![1], true, false)]);

    table.ended(child(2, 1), t0 + 2 * SECOND);
    assert_eq!(table.next_due(), Some(t0 + 7 * SECOND));
    assert_eq!(told(&table.due(t0 + 7 * SECOND)), [(vec![2], true, false)]);
    assert_eq!(table.next_due(), None);
}

#[test]
fn a_trace_with_two_roots_in_this_process_is_finished_with_the_last() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    table.started(OpenRoot::told(remote(2, 1)), t0);
    table.ended(ended(remote(2, 1)), t0 + MILLI);
    // Not finished: what has ended waits as in any running trace.
    assert_eq!(table.next_due(), Some(t0 + MILLI + 5 * SECOND));
    table.ended(child(3, 1), t0 + 2 * MILLI);
    table.ended(ended(root(1)), t0 + SECOND);
    let releases = table.due(t0 + SECOND + 200 * MILLI);
    assert_eq!(told(&releases), [(vec![3, 2, 1], true, false)]);
}

#[test]
fn a_root_with_a_parent_elsewhere_finishes_its_part() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(remote(1, 99)), t0);
    table.ended(child(2, 1), t0);
    table.ended(ended(remote(1, 99)), t0);
    assert_eq!(told(&table.due(t0 + 200 * MILLI)), [(vec![2, 1], true, false)]);
}

#[test]
fn a_root_that_never_ends_is_made_up_after_its_time() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    table.ended(child(2, 1), t0);
    assert_eq!(told(&table.due(t0 + 5 * SECOND)), [(vec![2], false, false)]);
    assert_eq!(table.next_due(), Some(t0 + 3600 * SECOND), "counted from the last that ended");
    table.ended(child(3, 1), t0 + 1000 * SECOND);
    assert_eq!(told(&table.due(t0 + 1005 * SECOND)), [(vec![3], false, false)]);
    assert!(table.due(t0 + 4599 * SECOND).is_empty());

    let releases = table.due(t0 + 4600 * SECOND);
    assert_eq!(told(&releases), [(vec![], true, true)]);
    let made_up = releases[0].synthetic_root.as_ref().unwrap();
    assert_eq!(made_up.span_context.span_id(), SpanId::from(1));
    assert_eq!(made_up.name, "root");
    assert_eq!(made_up.end_time, at(100), "the end of the last that ended");
    let reason = Status::error("the root span did not end within 3600 s of silence");
    assert_eq!(made_up.status, reason);
    assert!(made_up.attributes.contains(&KeyValue::new(semconv::span::SYNTHETIC, "expired")));
    assert_eq!(table.next_due(), None);

    // Should it end after all, it goes the way of a late child: the server takes the later one.
    table.ended(ended(root(1)), t0 + 5000 * SECOND);
    assert_eq!(told(&table.due(t0 + 5001 * SECOND)), [(vec![1], true, false)]);
}

#[test]
fn its_time_may_be_shorter_than_that_of_a_running_trace() {
    let t0 = now();
    let mut table = TraceTable::new(TableLimits { ttl: SECOND, ..TableLimits::default() });
    table.started(OpenRoot::told(root(1)), t0);
    table.ended(child(2, 1), t0 + 500 * MILLI);
    assert!(table.due(t0 + 1499 * MILLI).is_empty());
    assert_eq!(told(&table.due(t0 + 1500 * MILLI)), [(vec![2], true, true)]);
}

#[test]
fn no_root_is_made_up_that_is_not_known_or_not_ours() {
    let (mut table, t0) = table();
    // Its start was left out when memory was short.
    table.ended(child(2, 1), t0);
    assert_eq!(told(&table.due(t0 + 5 * SECOND)), [(vec![2], true, false)]);
    // Its true root is in another process.
    table.started(OpenRoot::told(remote(3, 99)), t0);
    assert!(table.due(t0 + 3600 * SECOND).is_empty());
    assert_eq!(table.next_due(), None, "and yet it is forgotten");
}

#[test]
fn whoever_got_a_part_of_a_trace_is_told_its_end() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(remote(1, 99)), t0);
    table.ended(child(2, 1), t0);
    assert_eq!(told(&table.flush()), [(vec![2], false, false)]);
    assert_eq!(told(&table.due(t0 + 3600 * SECOND)), [(vec![], true, false)], "it expired");

    let limits = TableLimits { max_traces: 1, ..TableLimits::default() };
    let mut table = TraceTable::new(limits);
    table.started(OpenRoot::told(remote(1, 99)), t0);
    table.ended(child(2, 1), t0);
    table.flush();
    let evicted = table.started(OpenRoot::told(in_trace(2, root(3))), t0);
    assert_eq!(told(evicted.as_slice()), [(vec![], true, false)]);
    assert!(
        table.started(OpenRoot::told(in_trace(3, root(4))), t0).is_none(),
        "of that one nobody knew"
    );
}

#[test]
fn a_root_that_has_not_ended_at_shutdown_is_made_up() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    table.ended(child(2, 1), t0);
    let releases = table.close();
    assert_eq!(told(&releases), [(vec![2], true, true)]);
    let made_up = releases[0].synthetic_root.as_ref().unwrap();
    assert_eq!(made_up.status, Status::error("tracing was shut down before the root span ended"));
    assert!(made_up.attributes.contains(&KeyValue::new(semconv::span::SYNTHETIC, "shutdown")));
    assert_eq!(table.next_due(), None);
    assert!(table.close().is_empty());
}

#[test]
fn a_made_up_root_does_not_end_before_it_started() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(SpanData { start_time: at(500), ..root(1) }), t0);
    table.ended(child(2, 1), t0);
    assert_eq!(table.close()[0].synthetic_root.as_ref().unwrap().end_time, at(500));
}

#[test]
fn a_flush_releases_what_has_ended_and_keeps_what_runs() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(root(1)), t0);
    assert!(table.flush().is_empty());
    table.ended(child(2, 1), t0);
    assert_eq!(told(&table.flush()), [(vec![2], false, false)]);
    assert!(table.flush().is_empty());
    table.ended(ended(root(1)), t0);
    assert_eq!(told(&table.flush()), [(vec![1], true, false)]);
    assert_eq!(table.next_due(), None);
}

#[test]
fn one_trace_too_many_pushes_out_the_one_that_would_leave_next() {
    let limits = TableLimits { max_traces: 2, ..TableLimits::default() };
    let (mut table, t0) = (TraceTable::new(limits), now());
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.ended(ended(in_trace(1, span_data("child", 2, 1))), t0);
    table.started(OpenRoot::told(in_trace(2, root(3))), t0);
    // A trace that is there already makes no difference.
    assert!(table.ended(ended(in_trace(2, root(3))), t0 + SECOND).is_none());

    let evicted = table.started(OpenRoot::told(in_trace(3, root(4))), t0 + SECOND).unwrap();
    assert_eq!(evicted.trace_id, TraceId::from(2_u128), "200 ms are over before 5 s are");
    assert!(evicted.finished);
    let evicted = table.ended(ended(in_trace(4, root(5))), t0 + SECOND).unwrap();
    assert_eq!(evicted.trace_id, TraceId::from(1_u128));
    assert!(evicted.finished, "the table knows nothing more of it");
    // An evicted trace's root still leaves when it ends.
    table.due(t0 + 2 * SECOND);
    table.ended(ended(in_trace(1, root(1))), t0 + 2 * SECOND);
    assert_eq!(told(&table.due(t0 + 3 * SECOND)), [(vec![1], true, false)]);
}

#[test]
fn where_many_spans_wait_finished_traces_do_not() {
    let (mut table, t0) = table();
    table.started(OpenRoot::told(in_trace(1, root(1))), t0);
    table.ended(ended(in_trace(1, span_data("child", 2, 1))), t0);
    for id in 3..=u64::try_from(MANY_SPANS).unwrap() + 2 {
        assert!(table.due(t0).is_empty());
        table.ended(ended(in_trace(u128::from(id), root(id))), t0);
    }
    let releases = table.due(t0);
    assert_eq!(releases.len(), MANY_SPANS, "and the one that runs stays");
    assert_eq!(id_of(&releases[0].spans[0].span.data), 3);
    assert_eq!(table.held, 1);
}

fn table() -> (TraceTable, Instant) {
    (TraceTable::new(TableLimits::default()), now())
}

fn root(id: u64) -> SpanData {
    span_data("root", id, 0)
}

/// A root of this process whose parent is in another.
fn remote(id: u64, parent: u64) -> SpanData {
    SpanData { parent_span_is_remote: true, ..span_data("handler", id, parent) }
}

fn ended(span: SpanData) -> Weighed {
    Weighed { span: Box::new(plain(span)), bytes: 1 }
}

fn child(id: u64, parent: u64) -> Weighed {
    ended(span_data("child", id, parent))
}

fn in_trace(trace: u128, span: SpanData) -> SpanData {
    let id = u64::from_be_bytes(span.span_context.span_id().to_bytes());
    SpanData { span_context: context(trace, id, false), ..span }
}

/// Of each release: the spans' ids, whether it is the trace's last, whether a root was made up.
fn told(releases: &[Release]) -> Vec<(Vec<u64>, bool, bool)> {
    let id = |weighed: &Weighed| id_of(&weighed.span.data);
    releases
        .iter()
        .map(|release| {
            let ids = release.spans.iter().map(id).collect();
            (ids, release.finished, release.synthetic_root.is_some())
        })
        .collect()
}

fn id_of(span: &SpanData) -> u64 {
    u64::from_be_bytes(span.span_context.span_id().to_bytes())
}
