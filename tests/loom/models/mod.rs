//! What holds in every order in which threads can run, with a few preemptions: models for loom, which
//! runs each until there is no other order. A thread that is never woken is a deadlock to it.

mod intake;
mod outbox;
mod pipe;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, UNIX_EPOCH};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};

use crate::sync::clock::SOME_TIME;
use crate::sync::now;

pub use intake::*;
pub use outbox::*;
pub use pipe::*;

/// How often a thread may be stopped where it need not wait; where it waits, every order is tried.
const PREEMPTIONS: usize = 3;

fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.max_branches = 5_000;
    let runs = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&runs);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        run();
    });
    let runs = runs.load(Ordering::Relaxed);
    println!("{runs} orders");
    assert!(runs > 1, "a model without a race proves nothing");
}

/// A deadline that a model never sees.
fn never() -> Instant {
    now() + 2 * SOME_TIME
}

/// A deadline that is over when the model lets time pass.
fn soon() -> Instant {
    now() + SOME_TIME / 2
}

/// A number that no order depends on: loom does not hear of it.
#[derive(Clone, Debug, Default)]
struct Count(Arc<AtomicU64>);

impl Count {
    fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::SeqCst);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A root of a trace of its own.
fn root(trace: u8) -> SpanData {
    let ids = (TraceId::from(u128::from(trace)), SpanId::from(u64::from(trace)));
    SpanData {
        span_context: SpanContext::new(
            ids.0,
            ids.1,
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: "root".into(),
        start_time: UNIX_EPOCH,
        end_time: UNIX_EPOCH + Duration::from_secs(1),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Unset,
        instrumentation_scope: InstrumentationScope::default(),
    }
}
