//! A capturing layer's place in its subscriber, and the way from there to a span's OTel span.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use opentelemetry::trace::{Status, TraceContextExt as _};
use opentelemetry::{Context as OtelContext, KeyValue};
use tracing::dispatcher::{self, WeakDispatch};
use tracing::span::Id;
use tracing::{Dispatch, Metadata, Subscriber};
use tracing_opentelemetry::get_otel_context;
use tracing_subscriber::Layer as _;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::capture::Asked;
use crate::capture::event::Told;
use crate::capture::filter::CaptureFilter;
use crate::capture::layer::CaptureLayer;
use crate::context::update::Tell;
use crate::semconv::{otel, private};

/// Called when the layer became part of a subscriber. May not log: `tracing` holds its locks.
pub(crate) type OnInstall = Box<dyn Fn(Installed) + Send + Sync>;

/// What a capturing layer is given by the guard that makes it.
pub(crate) struct Hooks {
    pub(crate) on_install: OnInstall,
    /// Where traces are changed that run.
    pub(crate) tell: Tell,
    /// Whether spans are captured.
    pub(crate) on: Arc<AtomicBool>,
}

/// Where the layer came to.
#[derive(Clone, Debug)]
pub(crate) struct Installed {
    pub(crate) subscriber: WeakDispatch,
    /// Whether this is the subscriber's only capturing layer.
    pub(crate) alone: bool,
}

/// What a capturing layer knows of its subscriber, which it belongs to for ever.
pub(crate) struct Link {
    subscriber: OnceLock<WeakDispatch>,
    /// Another capturing layer of the subscriber does the work: two OTel layers in one subscriber
    /// panic (tracing-opentelemetry 0.34).
    muted: AtomicBool,
    /// Open spans of which something is noted: while there are none, one that closes is not looked
    /// up.
    pub(crate) noted: AtomicUsize,
    hooks: Hooks,
}

impl Link {
    pub(crate) fn new(hooks: Hooks) -> Self {
        Self {
            subscriber: OnceLock::new(),
            muted: AtomicBool::new(false),
            noted: AtomicUsize::new(0),
            hooks,
        }
    }

    /// Whether spans are captured.
    pub(crate) fn is_on(&self) -> bool {
        self.hooks.on.load(Ordering::Relaxed)
    }

    /// Where traces are changed that run.
    pub(crate) fn tell(&self) -> &Tell {
        &self.hooks.tell
    }

    pub(crate) fn is_muted(&self) -> bool {
        self.muted.load(Ordering::Relaxed)
    }

    pub(crate) fn register(&self, subscriber: &Dispatch) {
        if self.subscriber.set(subscriber.downgrade()).is_ok() {
            let alone = Self::of(subscriber).is_none_or(|working| std::ptr::eq(working, self));
            self.muted.store(!alone, Ordering::Relaxed);
            (self.hooks.on_install)(Installed { subscriber: subscriber.downgrade(), alone });
        }
    }

    /// `Option` and `Vec` do not tell the layers in them what they become part of
    /// (tracing-subscriber 0.3.23): it is the current subscriber, if that knows this layer.
    pub(crate) fn register_late(&self) {
        if self.subscriber.get().is_none() {
            dispatcher::get_default(|current| {
                if Self::of(current).is_some_and(|working| std::ptr::eq(working, self)) {
                    self.register(current);
                }
            });
        }
    }

    /// That of the capturing layer which does a subscriber's work.
    pub(crate) fn of(subscriber: &Dispatch) -> Option<&Self> {
        let whole = subscriber.downcast_ref::<CaptureFilter>().map(|filter| &*filter.link);
        whole.or_else(|| subscriber.downcast_ref::<CaptureLayer>().map(CaptureLayer::link))
    }

    /// The OTel context of a span, which is started by this if it was not. No lock of the span may
    /// be held.
    pub(crate) fn otel_context(&self, id: &Id) -> Option<OtelContext> {
        self.register_late();
        let subscriber = self.subscriber.get()?.upgrade()?;
        get_otel_context(id, &subscriber)
    }

    /// Asks the filter of the OTel layer that is to hear of nothing once more.
    pub(crate) fn ask_again<S>(&self, metadata: &Metadata<'_>, ctx: Context<'_, S>)
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        self.register_late();
        let subscriber = self.subscriber.get().and_then(WeakDispatch::upgrade);
        if let Some(layer) = subscriber.as_ref().and_then(Dispatch::downcast_ref::<Asked<S>>) {
            layer.enabled(metadata, ctx);
        }
    }

    /// Writes down what was told in a span.
    pub(crate) fn write_down(&self, id: &Id, told: Told) {
        let Some(cx) = self.otel_context(id) else { return };
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

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}
