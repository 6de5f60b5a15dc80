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

/// Whether `target` is one of the crates that carry requests, ours among them, or a module of one:
/// their spans are not the application's.
pub(crate) fn is_infrastructure(target: &str) -> bool {
    // Asked of every span and event, so there is no list to go through.
    let end = target.bytes().position(|byte| byte == b':').unwrap_or(target.len());
    matches!(
        target.get(..end),
        Some(
            "h2" | "hyper"
                | "hyper_util"
                | "mlflow_tracing"
                | "opentelemetry"
                | "opentelemetry_otlp"
                | "opentelemetry_sdk"
                | "reqwest"
                | "rustls"
                | "tonic"
                | "tower"
                | "ureq"
        )
    )
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
