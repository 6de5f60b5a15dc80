//! Which spans and events are captured, decided once per callsite.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::Metadata;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing_subscriber::layer::{Context, Filter};

/// Crates that carry requests, ours among them: their spans are not the application's.
const INFRASTRUCTURE: [&str; 12] = [
    "h2",
    "hyper",
    "hyper_util",
    "mlflow_tracing",
    "opentelemetry",
    "opentelemetry_otlp",
    "opentelemetry_sdk",
    "reqwest",
    "rustls",
    "tonic",
    "tower",
    "ureq",
];

/// Spans and events up to a level, without those of infrastructure crates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CaptureFilter {
    pub(crate) max_level: LevelFilter,
    pub(crate) infrastructure: bool,
}

impl CaptureFilter {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.max_level
            && (self.infrastructure || !is_infrastructure(metadata.target()))
    }
}

/// Whether `target` is one of the infrastructure crates or a module of one.
pub(crate) fn is_infrastructure(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    INFRASTRUCTURE.contains(&name)
}

impl<S> Filter<S> for CaptureFilter {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.max_level)
    }
}

/// Keeps events from the OTel layer: it would make every `error!` an error of its span.
#[derive(Clone, Debug)]
pub(crate) struct SpansOnly {
    pub(crate) muted: Muted,
}

/// Whether another capturing layer of the subscriber does the work: two OTel layers in one
/// subscriber panic (tracing-opentelemetry 0.34).
#[derive(Clone, Debug, Default)]
pub(crate) struct Muted(Arc<AtomicBool>);

impl Muted {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl SpansOnly {
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && !self.muted.is_set()
    }
}

impl<S> Filter<S> for SpansOnly {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    /// Asked after the layer was told what it became part of.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }
}
