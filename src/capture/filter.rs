//! Which spans and events are captured.

use std::sync::Arc;

use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::capture::link::Link;
use crate::capture::pass;

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

/// A bit for each byte that one of their names begins with: most targets begin otherwise, and every
/// span and event is asked about.
const BEGINNINGS: u128 = {
    let (mut bits, mut names) = (0, INFRASTRUCTURE.as_slice());
    while let [name, rest @ ..] = names {
        if let [first, ..] = name.as_bytes() {
            bits |= 1 << *first;
        }
        names = rest;
    }
    bits
};

/// Whether `target` is one of the infrastructure crates or a module of one.
pub(crate) fn is_infrastructure(target: &str) -> bool {
    let begins =
        |first: &u8| BEGINNINGS.checked_shr(u32::from(*first)).is_some_and(|it| it & 1 == 1);
    target.as_bytes().first().is_some_and(begins)
        && INFRASTRUCTURE.contains(&target.split("::").next().unwrap_or(target))
}

/// The filter around the stack.
#[derive(Clone, Debug)]
pub(crate) struct CaptureFilter {
    pub(crate) rules: CaptureRules,
    pub(crate) link: Arc<Link>,
}

impl CaptureFilter {
    /// Open spans still get their events while no new ones are captured.
    pub(crate) fn wants(&self, metadata: &Metadata<'_>) -> bool {
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
    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn on_new_span(&self, new: &Attributes<'_>, _: &Id, ctx: Context<'_, S>) {
        if !pass::is_answered() {
            self.link.ask_again::<S>(new.metadata(), ctx);
            pass::take();
        }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.rules.max_level)
    }
}

/// Lets nothing through.
#[derive(Debug)]
pub(crate) struct Nothing;

impl<S> Filter<S> for Nothing {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        pass::answer();
        false
    }

    fn callsite_enabled(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::never()
    }
}
