//! The part of the stack that watches spans: tells the tracer what the OTel layer does not.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::capture::fields::{FirstIntegers, Integers, has_arguments};
use crate::capture::link::Link;
use crate::capture::tracer::{Closing, Opening, closing, opening};

/// Stands before the OTel layer, so that it hears of everything first.
#[derive(Debug)]
pub(crate) struct SpanLayer {
    link: Arc<Link>,
}

/// What is to be told of a span when it closes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) integers: Integers,
    /// What the function returned, by `#[instrument(ret)]`.
    pub(crate) returned: Option<String>,
}

impl SpanLayer {
    pub(crate) fn new(link: Arc<Link>) -> Self {
        Self { link }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }
}

/// Changes what is to be told of a span.
pub(crate) fn note<'a, R>(link: &Link, span: &SpanRef<'a, R>, change: impl FnOnce(&mut Notes))
where
    R: LookupSpan<'a>,
{
    let mut extensions = span.extensions_mut();
    if let Some(notes) = extensions.get_mut::<Notes>() {
        return change(notes);
    }
    let mut notes = Notes::default();
    change(&mut notes);
    extensions.insert(notes);
    link.noted.fetch_add(1, Ordering::Relaxed);
}

impl<S> Layer<S> for SpanLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.link.register(subscriber);
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let callsite = attributes.metadata();
        let (has_arguments, is_root) = (has_arguments(callsite), attributes.is_root());
        if has_arguments || is_root {
            opening(Opening { callsite, has_arguments, is_root });
        }
        let mut first = FirstIntegers::default();
        attributes.record(&mut first);
        let FirstIntegers(integers) = first;
        if !integers.is_empty()
            && let Some(span) = ctx.span(id)
        {
            note(&self.link, &span, |notes| notes.integers = integers);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let known = span.extensions().get::<Notes>().map(|notes| notes.integers);
        let mut integers = known.unwrap_or_default();
        values.record(&mut integers);
        if integers != known.unwrap_or_default() {
            note(&self.link, &span, |notes| notes.integers = integers);
        }
    }

    /// A subscriber that is not the global one can be asked for here, but not during an event.
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        self.link.register_late();
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        // Whoever closes a span has seen what was noted of it: its handles were passed on.
        if self.link.noted.load(Ordering::Relaxed) == 0 {
            return closing(Closing::Plain);
        }
        let noted = ctx.span(&id).and_then(|span| {
            let notes = span.extensions_mut().remove::<Notes>()?;
            Some(Closing::Noted(span.metadata(), notes))
        });
        if noted.is_some() {
            self.link.noted.fetch_sub(1, Ordering::Relaxed);
        }
        closing(noted.unwrap_or(Closing::Plain));
    }
}
