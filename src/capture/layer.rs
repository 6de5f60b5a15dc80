//! The capturing layer: leaves notes on spans for the worker, and ends them.

use std::fmt;
use std::sync::OnceLock;

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Array, Context as OtelContext, KeyValue, StringValue, Value};
use tracing::dispatcher::{self, WeakDispatch};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::capture::event::{self, Told};
use crate::capture::fields::Integers;
use crate::capture::filter::Muted;
use crate::semconv::{otel, private};

/// Called when the layer became part of a subscriber. May not log: `tracing` holds its locks.
pub(crate) type OnInstall = Box<dyn Fn(Installed) + Send + Sync>;

/// Where the layer came to.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) subscriber: WeakDispatch,
    /// Whether this is the subscriber's only capturing layer.
    pub(crate) alone: bool,
}

/// Gives the `OpenTelemetry` spans of `tracing` spans their MLflow meaning.
///
/// Made by [`TracingGuard::capture_layer`](crate::TracingGuard::capture_layer), for those who have
/// an `OpenTelemetryLayer` of their own: add this one **before** it, and
/// [`processor`](crate::TracingGuard::processor) to its provider. Everybody else uses
/// [`layer`](crate::TracingGuard::layer), which holds both.
pub struct CaptureLayer {
    dispatch: OnceLock<WeakDispatch>,
    on_install: OnInstall,
    /// False where an OTel layer records events itself.
    records_events: bool,
    muted: Muted,
}

impl CaptureLayer {
    pub(crate) fn new(records_events: bool, on_install: OnInstall) -> Self {
        Self { dispatch: OnceLock::new(), on_install, records_events, muted: Muted::default() }
    }

    /// Tells whether this layer leaves the work to another one.
    pub(crate) fn muted(&self) -> Muted {
        self.muted.clone()
    }

    /// Notes the subscriber that this layer is part of; it belongs to one for ever.
    fn register(&self, subscriber: &Dispatch) {
        if self.dispatch.set(subscriber.downgrade()).is_ok() {
            let found = subscriber.downcast_ref::<Self>();
            let alone = found.is_none_or(|found| std::ptr::eq(found, self));
            if !alone {
                self.muted.set();
            }
            (self.on_install)(Installed { subscriber: subscriber.downgrade(), alone });
        }
    }

    /// `Option` and `Vec` do not tell the layers in them what they become part of
    /// (tracing-subscriber 0.3.23): it is the current subscriber, if that knows this layer.
    fn register_late(&self) {
        if self.dispatch.get().is_none() {
            dispatcher::get_default(|current| {
                let found = current.downcast_ref::<Self>();
                if found.is_some_and(|found| std::ptr::eq(found, self)) {
                    self.register(current);
                }
            });
        }
    }

    /// The OTel context of a span, which is started by this if it was not. No lock of the span may
    /// be held.
    fn otel_context(&self, id: &Id) -> Option<OtelContext> {
        self.register_late();
        let dispatch = self.dispatch.get()?.upgrade()?;
        get_otel_context(id, &dispatch)
    }

    fn tell(&self, id: &Id, told: Told) {
        let recorded = self.records_events || matches!(told, Told::Returned(_));
        let Some(cx) = recorded.then(|| self.otel_context(id)).flatten() else {
            return;
        };
        let span = cx.span();
        match told {
            Told::Returned(text) => span.set_attribute(KeyValue::new(private::RETURN, text)),
            Told::Failed(message) => {
                let attribute = KeyValue::new(otel::EXCEPTION_MESSAGE, message.clone());
                span.add_event(otel::EXCEPTION, vec![attribute]);
                span.set_status(Status::error(message));
            }
            Told::Happened(happening) => span.add_event(happening.name, happening.attributes),
        }
    }
}

impl fmt::Debug for CaptureLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaptureLayer").finish_non_exhaustive()
    }
}

impl<S> Layer<S> for CaptureLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_register_dispatch(&self, subscriber: &Dispatch) {
        self.register(subscriber);
    }

    /// A subscriber that is not the global one can be asked for here, but not during an event.
    fn on_enter(&self, _: &Id, _: Context<'_, S>) {
        self.register_late();
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, ctx: Context<'_, S>) {
        let mut integers = Integers::default();
        attributes.record(&mut integers);
        if !integers.0.is_empty() {
            if let Some(span) = ctx.span(id) {
                // Replaces rather than inserts: a second layer must not panic.
                span.extensions_mut().replace(integers);
            }
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(id) else { return };
        let mut extensions = span.extensions_mut();
        if let Some(integers) = extensions.get_mut::<Integers>() {
            values.record(integers);
            return;
        }
        let mut integers = Integers::default();
        values.record(&mut integers);
        if !integers.0.is_empty() {
            extensions.replace(integers);
        }
    }

    fn on_event(&self, event: &Event<'_>, ctx: Context<'_, S>) {
        let Some(span) = ctx.event_span(event).filter(|_| !self.muted.is_set()) else {
            return;
        };
        if let Some(told) = event::read(event, span.metadata()) {
            self.tell(&span.id(), told);
        }
    }

    /// A span lasts until it closes: ended here, because the OTel layer would take the moment it was
    /// last left.
    fn on_close(&self, id: Id, ctx: Context<'_, S>) {
        let Some(span) = ctx.span(&id) else { return };
        let integers = span.extensions_mut().remove::<Integers>();
        let Some(cx) = self.otel_context(&id) else {
            return;
        };
        let otel_span = cx.span();
        if !otel_span.is_recording() {
            return;
        }
        let fields = span.metadata().fields().iter().map(|field| field.name());
        let arguments: Vec<StringValue> =
            fields.filter(|name| !name.contains('.')).map(StringValue::from).collect();
        if !arguments.is_empty() {
            otel_span.set_attribute(names(private::FIELDS, arguments));
        }
        if let Some(Integers(integers)) = integers {
            let integers = integers.into_iter().map(StringValue::from).collect();
            otel_span.set_attribute(names(private::INTEGERS, integers));
        }
        otel_span.end();
    }
}

fn names(key: &'static str, names: Vec<StringValue>) -> KeyValue {
    KeyValue::new(key, Value::Array(Array::String(names)))
}
