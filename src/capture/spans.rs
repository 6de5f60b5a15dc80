//! The part of the stack that hears of everything: reads fields and events, and has the OTel layer make
//! the spans.

use std::fmt;
use std::sync::atomic::Ordering;

use tracing::field::{FieldSet, Value};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::{LookupSpan, SpanRef};

use crate::capture::event::{self, Told};
use crate::capture::fields::{Fields, Integers};
use crate::capture::filter::CaptureFilter;
use crate::capture::link::Link;
use crate::capture::pass;
use crate::capture::tracer::{CapturingTracer, Closing, closing, opening};

/// Stands between the subscriber and an OTel layer of its own.
///
/// That one is given spans without fields, and no events: it would write integers as text, grow its
/// lists from nothing, format into memory that it grows, too, and make every `error!` an error of its
/// span.
pub(crate) struct SpanLayer<S> {
    filter: CaptureFilter,
    otel: OpenTelemetryLayer<S, CapturingTracer>,
}

/// What is to be told of a span when it closes.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) integers: Integers,
    /// What the function returned, by `#[instrument(ret)]`.
    pub(crate) returned: Option<String>,
}

impl<S> SpanLayer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    pub(crate) fn new(filter: CaptureFilter, otel: OpenTelemetryLayer<S, CapturingTracer>) -> Self {
        Self { filter, otel }
    }

    fn link(&self) -> &Link {
        &self.filter.link
    }

    /// Has the OTel layer make a span that says what `fields` say.
    fn make(&self, new: &Attributes<'_>, fields: Fields, id: &Id, ctx: &Context<'_, S>) {
        let callsite = new.metadata();
        if !opening(fields.attributes) {
            return self.otel.on_new_span(new, id, ctx.clone());
        }
        let none = FieldSet::new(&[], callsite.callsite());
        let values = none.value_set(&[]);
        let bare = match new.parent() {
            Some(parent) => Attributes::child_of(parent.clone(), callsite, &values),
            None if new.is_root() => Attributes::new_root(callsite, &values),
            None => Attributes::new(callsite, &values),
        };
        self.otel.on_new_span(&bare, id, ctx.clone());
        for (field, text) in fields.otel {
            let values = [(&field, Some(&text.as_str() as &dyn Value))];
            let values = callsite.fields().value_set(&values);
            self.otel.on_record(id, &Record::new(&values), ctx.clone());
        }
    }
}

/// Changes what is to be told of a span.
fn note<'a, R>(link: &Link, span: &SpanRef<'a, R>, change: impl FnOnce(&mut Notes))
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

impl<S> Layer<S> for SpanLayer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.link().register(subscriber);
    }

    fn on_new_span(&self, new: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let is_refused = !pass::take() && ctx.span(id).is_none();
        if is_refused {
            return;
        }
        let fields = Fields::of(new);
        let large = fields.large;
        self.make(new, fields, id, &ctx);
        if !large.is_empty()
            && let Some(span) = ctx.span(id)
        {
            note(self.link(), &span, |notes| notes.integers = large);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        if let Some(span) = ctx.span(id) {
            let known = span.extensions().get::<Notes>().map(|notes| notes.integers);
            let mut integers = known.unwrap_or_default();
            values.record(&mut integers);
            if integers != known.unwrap_or_default() {
                note(self.link(), &span, |notes| notes.integers = integers);
            }
        }
        self.otel.on_record(id, values, ctx);
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, ctx: Context<'_, S>) {
        self.otel.on_follows_from(id, follows, ctx);
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let is_refused = !pass::take() && !self.filter.wants(event.metadata());
        if is_refused {
            return;
        }
        let Some(span) = ctx.event_span(event) else { return };
        match event::read(event, span.metadata()) {
            // Known until the span closes: no need for its OTel span.
            Some(Told::Returned(text)) => {
                note(self.link(), &span, |notes| notes.returned = Some(text));
            }
            Some(told) => self.link().write_down(&span.id(), told),
            None => {}
        }
    }

    /// A subscriber that is not the global one can be asked for here, but not during an event.
    fn on_enter(&self, id: &Id, ctx: Context<'_, S>) {
        self.link().register_late();
        self.otel.on_enter(id, ctx);
    }

    fn on_exit(&self, id: &Id, ctx: Context<'_, S>) {
        self.otel.on_exit(id, ctx);
    }

    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        // Whoever closes a span has seen what was noted of it: its handles were passed on.
        let noted = if self.link().noted.load(Ordering::Relaxed) == 0 {
            None
        } else {
            ctx.span(&id).and_then(|span| {
                let notes = span.extensions_mut().remove::<Notes>()?;
                self.link().noted.fetch_sub(1, Ordering::Relaxed);
                Some(Closing::Noted(span.metadata(), notes))
            })
        };
        closing(noted.unwrap_or(Closing::Plain));
        self.otel.on_close(id, ctx);
    }
}

impl<S> fmt::Debug for SpanLayer<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer").finish_non_exhaustive()
    }
}
