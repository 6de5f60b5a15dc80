//! A tracer between the OTel layer and the SDK's: the one place that sees a span begin and end.
//!
//! Who calls the OTel layer tells, on the same thread and in the same callback, what the span that is
//! about to begin says, or what there is to tell of the one that is about to end: that one then gets
//! its notes and ends now, not at the moment it was last left. Spans that end by other hands are left
//! as they are.

use std::borrow::Cow;
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanBuilder, SpanContext, Status, TraceContextExt as _, Tracer};
use opentelemetry::{Context, KeyValue, time};
use opentelemetry_sdk::trace::{SdkTracer, Span as SdkSpan};
use tracing::Metadata;

use crate::capture::fields;
use crate::capture::spans::Notes;
use crate::context::scope;
use crate::context::trace_context::TraceContext;
use crate::semconv::private;
use crate::sync::lock;

/// Where a `tracing` span is made.
pub(crate) type Callsite = &'static Metadata<'static>;

thread_local! {
    static OPENING: Cell<Option<Vec<KeyValue>>> = const { Cell::new(None) };
    static CLOSING: Cell<Closing> = const { Cell::new(Closing::No) };
}

/// Says what the span says that the OTel layer is about to make; `false` without a thread's storage, at
/// its very end.
pub(crate) fn opening(said: Vec<KeyValue>) -> bool {
    OPENING.try_with(|cell| cell.set(Some(said))).is_ok()
}

/// Whether the OTel layer is about to end a span.
#[derive(Debug, Default)]
pub(crate) enum Closing {
    #[default]
    No,
    Plain,
    /// One of which there is something to tell.
    Noted(Callsite, Notes),
}

/// Says that the OTel layer is about to end a span.
pub(crate) fn closing(closing: Closing) {
    let _ = CLOSING.try_with(|cell| cell.set(closing));
}

/// Makes the root of a trace, or of this process's part of one: `true` for the former.
pub(crate) type MakeRoot =
    Arc<dyn Fn(bool, &mut dyn FnMut() -> SdkSpan) -> Arc<Mutex<SdkSpan>> + Send + Sync>;

/// Makes spans that know how a `tracing` span begins and ends.
#[derive(Clone)]
pub(crate) struct CapturingTracer {
    pub(crate) tracer: SdkTracer,
    pub(crate) make_root: MakeRoot,
    /// What is said of every trace.
    pub(crate) trace_context: Arc<TraceContext>,
}

impl Tracer for CapturingTracer {
    type Span = CapturedSpan;

    fn build_with_context(&self, builder: SpanBuilder, parent: &Context) -> CapturedSpan {
        let of = parent.span();
        let (has_parent, is_remote) = (of.span_context().is_valid(), of.span_context().is_remote());
        if has_parent && !is_remote {
            return CapturedSpan::Inner(self.tracer.build_with_context(builder, parent));
        }
        let mut builder = builder;
        let has = builder.attributes.as_deref().unwrap_or_default();
        let said = scope::said_of_root(has, &self.trace_context, parent);
        if !said.is_empty() {
            builder.attributes.get_or_insert_default().extend(said);
        }
        let mut builder = Some(builder);
        let span = (self.make_root)(!has_parent, &mut || {
            self.tracer.build_with_context(builder.take().unwrap_or_default(), parent)
        });
        let context = lock(&span).span_context().clone();
        CapturedSpan::Root(context, span)
    }

    fn span_builder<T>(&self, name: T) -> SpanBuilder
    where
        T: Into<Cow<'static, str>>,
    {
        let mut builder = SpanBuilder::from_name(name);
        builder.attributes = OPENING.try_with(Cell::take).ok().flatten();
        builder
    }
}

/// A span of the SDK, made for a `tracing` span.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "the large one is nearly every span")]
pub(crate) enum CapturedSpan {
    Inner(SdkSpan),
    /// One that others may look at.
    Root(SpanContext, Arc<Mutex<SdkSpan>>),
}

impl CapturedSpan {
    fn with<T>(&mut self, change: impl FnOnce(&mut SdkSpan) -> T) -> T {
        match self {
            Self::Inner(span) => change(span),
            Self::Root(_, span) => change(&mut lock(span)),
        }
    }
}

impl Span for CapturedSpan {
    fn add_event_with_timestamp<T>(
        &mut self,
        name: T,
        timestamp: SystemTime,
        attributes: Vec<KeyValue>,
    ) where
        T: Into<Cow<'static, str>>,
    {
        self.with(|span| span.add_event_with_timestamp(name, timestamp, attributes));
    }

    fn span_context(&self) -> &SpanContext {
        match self {
            Self::Inner(span) => span.span_context(),
            Self::Root(context, _) => context,
        }
    }

    fn is_recording(&self) -> bool {
        match self {
            Self::Inner(span) => span.is_recording(),
            Self::Root(_, span) => lock(span).is_recording(),
        }
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.with(|span| span.set_attribute(attribute));
    }

    /// The OTel layer sets one on every span that starts; `Unset` changes nothing.
    fn set_status(&mut self, status: Status) {
        if status != Status::Unset {
            self.with(|span| span.set_status(status));
        }
    }

    fn update_name<T>(&mut self, new_name: T)
    where
        T: Into<Cow<'static, str>>,
    {
        self.with(|span| span.update_name(new_name));
    }

    fn add_link(&mut self, span_context: SpanContext, attributes: Vec<KeyValue>) {
        self.with(|span| span.add_link(span_context, attributes));
    }

    fn end_with_timestamp(&mut self, timestamp: SystemTime) {
        let closing = CLOSING.try_with(Cell::take).unwrap_or_default();
        let end = if matches!(closing, Closing::No) { timestamp } else { time::now() };
        self.with(|span| {
            if let Closing::Noted(callsite, Notes { integers, returned }) = closing {
                if !integers.is_empty() {
                    span.set_attribute(fields::integers(callsite, integers));
                }
                if let Some(text) = returned {
                    span.set_attribute(KeyValue::new(private::RETURN, text));
                }
            }
            span.end_with_timestamp(end);
        });
    }
}
