//! Roots that have started: what it takes to make one up, should it never end.
//!
//! The SDK shows a processor a span that starts, and copying what it has costs as much as half of
//! making it. A root that the capturing layer makes is therefore left where it is, and looked at
//! only when it is given up.

use std::cell::Cell;
use std::sync::{Arc, Mutex, Weak};

use opentelemetry::Value;
use opentelemetry::trace::{Span as _, SpanId, TraceId};
use opentelemetry_sdk::trace::{Span, SpanData};

use crate::model::text::cut;
use crate::process::intake::Intake;
use crate::sync::lock;

/// What is kept of a long value in case the root never ends.
const MAX_START_CHARS: usize = 1024;

/// A root of this process that has not ended.
#[derive(Debug)]
pub(crate) struct OpenRoot {
    pub(crate) trace_id: TraceId,
    pub(crate) span_id: SpanId,
    /// Whether it is the root of the whole trace, and not only of this process's part.
    pub(crate) is_whole: bool,
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// What it told when it started.
    Told(Box<SpanData>),
    /// The span itself, while it lives.
    Live(Weak<Mutex<Span>>),
}

impl OpenRoot {
    /// A root of which only the start is known.
    pub(crate) fn told(mut start: SpanData) -> Self {
        shorten(&mut start);
        Self {
            trace_id: start.span_context.trace_id(),
            span_id: start.span_context.span_id(),
            is_whole: start.parent_span_id == SpanId::INVALID,
            source: Source::Told(Box::new(start)),
        }
    }

    /// What is known of it; nothing when it has just ended.
    pub(crate) fn data(&self) -> Option<SpanData> {
        match &self.source {
            Source::Told(start) => Some(SpanData::clone(start)),
            Source::Live(span) => {
                let mut data = lock(&*span.upgrade()?).exported_data()?;
                shorten(&mut data);
                Some(data)
            }
        }
    }
}

/// The roots of a trace that have not ended, in the order in which they started. Nearly always one,
/// for which no list is made.
#[derive(Debug, Default)]
pub(crate) struct OpenRoots {
    first: Option<OpenRoot>,
    others: Vec<OpenRoot>,
}

impl OpenRoots {
    pub(crate) fn push(&mut self, root: OpenRoot) {
        if self.first.is_none() {
            self.first = Some(root);
        } else {
            self.others.push(root);
        }
    }

    pub(crate) fn remove(&mut self, id: SpanId) {
        self.others.retain(|root| root.span_id != id);
        if self.first.as_ref().is_some_and(|root| root.span_id == id) {
            self.first = (!self.others.is_empty()).then(|| self.others.remove(0));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &OpenRoot> {
        self.first.iter().chain(&self.others)
    }
}

thread_local! {
    static WATCHED: Cell<bool> = const { Cell::new(false) };
}

/// Whether the root that starts on this thread is told of by who makes it.
pub(super) fn is_watched() -> bool {
    WATCHED.try_with(Cell::get).unwrap_or(false)
}

/// Makes a root with `build` and tells the intake of it.
pub(crate) fn watched(
    intake: Option<&Intake>,
    is_whole: bool,
    build: &mut dyn FnMut() -> Span,
) -> Arc<Mutex<Span>> {
    let _ = WATCHED.try_with(|watched| watched.set(true));
    let span = build();
    let _ = WATCHED.try_with(|watched| watched.set(false));
    let context = span.span_context();
    let (trace_id, span_id, is_sampled) =
        (context.trace_id(), context.span_id(), context.is_sampled());
    let span = Arc::new(Mutex::new(span));
    if let Some(intake) = intake.filter(|_| is_sampled) {
        let source = Source::Live(Arc::downgrade(&span));
        intake.started(OpenRoot { trace_id, span_id, is_whole, source });
    }
    span
}

/// What is known of a root may be kept for long: only its beginning.
fn shorten(data: &mut SpanData) {
    for attribute in &mut data.attributes {
        let short = match &attribute.value {
            Value::String(text) if text.as_str().len() > MAX_START_CHARS => {
                Some(cut(text.as_str(), MAX_START_CHARS).to_owned())
            }
            _ => None,
        };
        if let Some(short) = short {
            attribute.value = Value::String(short.into());
        }
    }
}

#[cfg(test)]
mod tests;
