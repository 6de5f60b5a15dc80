//! Which spans and events are captured, decided once per callsite; events are captured right here.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::capture::event::{self, Told};
use crate::capture::link::Link;
use crate::capture::spans::note;

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
pub(crate) struct CaptureRules {
    pub(crate) max_level: LevelFilter,
    pub(crate) infrastructure: bool,
}

impl CaptureRules {
    fn want(self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= self.max_level
            && (self.infrastructure || !is_infrastructure(metadata.target()))
    }
}

/// Whether `target` is one of the infrastructure crates or a module of one.
pub(crate) fn is_infrastructure(target: &str) -> bool {
    let name = target.split("::").next().unwrap_or(target);
    INFRASTRUCTURE.contains(&name)
}

/// The filter around the stack.
///
/// It takes the events itself, where a filter is asked about them, and lets none through: the OTel
/// layer would make every `error!` an error of its span. A second filter, around the OTel layer
/// alone, would look up every span five times more.
#[derive(Debug)]
pub(crate) struct CaptureFilter {
    pub(crate) rules: CaptureRules,
    pub(crate) link: Arc<Link>,
}

impl CaptureFilter {
    /// Open spans still get their events while no new ones are captured.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        self.rules.want(metadata)
            && !self.link.is_muted()
            && (self.link.is_on() || !metadata.is_span())
    }
}

impl<S> Filter<S> for CaptureFilter
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.wants(metadata)
    }

    /// Asked after the layer was told what it became part of.
    ///
    /// An event that is always wanted may not be refused afterwards: tracing-subscriber 0.3.23 panics
    /// then in a debug build.
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        match (self.wants(metadata), metadata.is_span()) {
            (true, true) => Interest::always(),
            (true, false) => Interest::sometimes(),
            (false, _) => Interest::never(),
        }
    }

    fn event_enabled(&self, event: &Event<'_>, ctx: &Context<'_, S>) -> bool {
        if let Some(span) = ctx.event_span(event) {
            match event::read(event, span.metadata()) {
                // Known until the span closes: no need for its OTel span.
                Some(Told::Returned(text)) => {
                    note(&self.link, &span, |notes| notes.returned = Some(text));
                }
                Some(told) => self.link.write_down(&span.id(), told),
                None => {}
            }
        }
        false
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.rules.max_level)
    }
}
