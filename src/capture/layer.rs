//! The capturing layer for those who have an OTel layer of their own.

use std::sync::Arc;

use opentelemetry::trace::TraceContextExt as _;
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::capture::event::{self, Told};
use crate::capture::fields::{self, Integers, has_arguments};
use crate::capture::link::{Hooks, Link};

/// Gives the `OpenTelemetry` spans of `tracing` spans their MLflow meaning.
///
/// Made by [`TracingGuard::capture_layer`](crate::TracingGuard::capture_layer), for those who have
/// an `OpenTelemetryLayer` of their own: add this one **before** it, and
/// [`processor`](crate::TracingGuard::processor) to its provider. Everybody else uses
/// [`layer`](crate::TracingGuard::layer), which is whole, and costs less: here each span is looked
/// up anew when it closes.
#[derive(Debug)]
pub struct CaptureLayer {
    link: Arc<Link>,
}

impl CaptureLayer {
    pub(crate) fn new(hooks: Hooks) -> Self {
        Self { link: Arc::new(Link::new(hooks)) }
    }

    pub(crate) fn link(&self) -> &Link {
        &self.link
    }
}

impl<S> Layer<S> for CaptureLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.link.register(subscriber);
    }

    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        self.link.register_late();
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut integers = Integers::default();
        attributes.record(&mut integers);
        if !integers.is_empty()
            && let Some(span) = ctx.span(id)
        {
            // Replaces rather than inserts: a second layer must not panic.
            span.extensions_mut().replace(integers);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let mut integers = extensions.get_mut::<Integers>().copied().unwrap_or_default();
        values.record(&mut integers);
        extensions.replace(integers);
    }

    /// The OTel layer records events itself, but not what `#[instrument]` means by its own.
    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.event_span(event).filter(|_| !self.link.is_muted()) else {
            return;
        };
        if let Some(told @ Told::Returned(_)) = event::read(event, span.metadata()) {
            self.link.write_down(&span.id(), told);
        }
    }

    /// A span lasts until it closes: ended here, because the OTel layer would take the moment it was
    /// last left.
    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let integers = span.extensions_mut().remove::<Integers>().unwrap_or_default();
        let Some(cx) = self.link.otel_context(&id) else { return };
        let otel_span = cx.span();
        if !otel_span.is_recording() {
            return;
        }
        let callsite = span.metadata();
        if has_arguments(callsite) {
            otel_span.set_attribute(fields::arguments(callsite));
        }
        if !integers.is_empty() {
            otel_span.set_attribute(fields::integers(callsite, integers));
        }
        otel_span.end();
    }
}
