//! Spans with many attributes: more than the 32 fields that `tracing` allows.

use std::sync::LazyLock;

use tracing::{Span, info_span};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

const MOST: usize = 64;

static KEYS: LazyLock<Vec<&'static str>> =
    LazyLock::new(|| (0..MOST).map(|number| &*format!("attribute.{number:02}").leak()).collect());

pub fn trace(children: u64, attributes: usize) {
    let root = info_span!("root").entered();
    set(&root, attributes);
    for _ in 0..children {
        let child = info_span!("child").entered();
        set(&child, attributes);
    }
}

fn set(span: &Span, attributes: usize) {
    for (key, value) in KEYS.iter().copied().zip(0_i64..).take(attributes) {
        span.set_attribute(key, value);
    }
}
