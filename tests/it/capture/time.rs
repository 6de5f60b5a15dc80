//! When spans begin and end.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tracing::{info, info_span};

use crate::support::app::captured;
use crate::support::spans::Got;
use crate::support::time::{busy_for, wall_clock};

const A_WHILE: Duration = Duration::from_millis(30);

fn start(got: &Got) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(got.span.start_time_unix_nano)
}

fn end(got: &Got) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(got.span.end_time_unix_nano)
}

#[test]
fn a_span_lasts_until_it_closes_and_not_until_it_was_last_left() {
    let mut closed = None;
    let spans = captured(|| {
        let span = info_span!("held");
        span.in_scope(|| ());
        busy_for(A_WHILE);
        closed = Some(wall_clock());
    });
    assert!(end(spans.one("held")) >= closed.unwrap());
}

#[test]
fn a_span_begins_when_it_is_made_and_not_when_it_is_entered() {
    let mut entered = None;
    let spans = captured(|| {
        let made = info_span!("made");
        busy_for(A_WHILE);
        entered = Some(wall_clock());
        made.in_scope(|| ());
    });
    assert!(start(spans.one("made")) + A_WHILE <= entered.unwrap());
}

#[test]
fn a_span_that_is_never_entered_has_a_length() {
    let spans = captured(|| {
        let _made = info_span!("made");
        busy_for(A_WHILE);
    });
    let made = spans.one("made");
    assert!(end(made).duration_since(start(made)).unwrap() >= A_WHILE);
}

#[test]
fn a_span_ends_with_its_last_handle() {
    let mut before = None;
    let spans = captured(|| {
        let span = info_span!("shared");
        let other = span.clone();
        drop(span);
        busy_for(A_WHILE);
        before = Some(wall_clock());
        drop(other);
    });
    assert!(end(spans.one("shared")) >= before.unwrap());
}

#[test]
fn a_parent_lasts_at_least_as_long_as_its_children() {
    let spans = captured(|| {
        let parent = info_span!("parent");
        let child = parent.in_scope(|| info_span!("child"));
        drop(parent);
        busy_for(A_WHILE);
        drop(child);
    });
    let (parent, child) = (spans.one("parent"), spans.one("child"));
    assert!(start(parent) <= start(child) && end(parent) >= end(child));
}

#[test]
fn an_event_has_the_time_at_which_it_happened() {
    let mut times = (None, None);
    let spans = captured(|| {
        let _span = info_span!("span").entered();
        busy_for(A_WHILE);
        times.0 = Some(wall_clock());
        info!("now");
        times.1 = Some(wall_clock());
        busy_for(A_WHILE);
    });
    let nanos = spans.one("span").span.events[0].time_unix_nano;
    let at = UNIX_EPOCH + Duration::from_nanos(nanos);
    assert!(times.0.unwrap() <= at && at <= times.1.unwrap());
}
