//! Assembly: configuration → destinations → pipe → provider → layer → guard.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::InstrumentationScope;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::capture;
use crate::capture::filter::CaptureFilter;
use crate::capture::layer::{CaptureLayer, OnInstall};
use crate::capture::probe;
use crate::config::builder::Builder;
use crate::config::env::Env;
use crate::config::explain::Explanation;
use crate::config::resolve::Config;
use crate::diagnostics;
use crate::error::{Error, Result};
use crate::export::local::newest_file;
use crate::export::{Destination, local, mlflow, otlp};
use crate::process::flush::FlushError;
use crate::process::pipeline::Pipeline;
use crate::process::processor::MlflowSpanProcessor;
use crate::stats::Stats;

/// Name of the instrumentation scope of captured spans.
const SCOPE: &str = "mlflow_tracing";
/// Events of one span; the SDK's own limit of 128 would drop the last, which tell how it ended.
const MAX_EVENTS: u32 = 4096;

/// Sets up tracing from the environment, for the whole process.
///
/// Short for `builder().init()`; see [`Builder::init`].
///
/// # Errors
///
/// As [`Builder::init`].
///
/// # Examples
///
/// ```
/// # fn main() -> Result<(), mlflow_tracing::Error> {
/// # if false {
/// let _guard = mlflow_tracing::init()?;
/// # }
/// # Ok(())
/// # }
/// ```
pub fn init() -> Result<TracingGuard> {
    builder().init()
}

/// Starts a configuration; what is not set comes from the environment.
pub fn builder() -> Builder {
    Builder::new(Env::of_process())
}

/// What [`init`] would do with this environment, and what said so; secrets are masked.
///
/// # Errors
///
/// As [`Builder::init`], for a value that cannot work.
///
/// # Examples
///
/// ```
/// let explanation = mlflow_tracing::explain_config()?;
/// assert!(explanation.settings().any(|(name, ..)| name == "service"));
/// # Ok::<(), mlflow_tracing::Error>(())
/// ```
pub fn explain_config() -> Result<Explanation> {
    builder().explain_config()
}

impl Builder {
    /// Sets up tracing for the whole process: the `tracing` subscriber, the OpenTelemetry provider
    /// and the W3C propagators (trace context, baggage) become the global ones.
    ///
    /// Nothing waits for the network here. Keep the guard: dropping it delivers what is left.
    ///
    /// # Errors
    ///
    /// [`is_config`](Error::is_config): a value cannot work; the text says which, and the fix.
    /// [`is_already_installed`](Error::is_already_installed): a subscriber is set; use
    /// [`build`](Self::build) and add [`layer`](TracingGuard::layer) to it.
    /// [`is_not_ready`](Error::is_not_ready): only with [`with_strict`](Self::with_strict).
    pub fn init(self) -> Result<TracingGuard> {
        // Asked before threads start: who cannot have the subscriber should get nothing.
        if tracing::dispatcher::has_been_set() {
            return Err(already_installed());
        }
        let guard = self.build()?;
        tracing_subscriber::registry()
            .with(guard.layer())
            .try_init()
            .map_err(|_| already_installed())?;
        guard.install_opentelemetry();
        Ok(guard)
    }

    /// Sets up tracing without touching anything global.
    ///
    /// Add [`layer`](TracingGuard::layer) to a subscriber of your own. Keep the guard: dropping it
    /// delivers what is left.
    ///
    /// # Errors
    ///
    /// [`is_config`](Error::is_config): a value cannot work; the text says which, and the fix.
    /// [`is_not_ready`](Error::is_not_ready): only with [`with_strict`](Self::with_strict).
    ///
    /// # Examples
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-build");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     tracing::info_span!("work").in_scope(|| ());
    /// });
    /// tracing.flush(std::time::Duration::from_secs(5))?;
    /// assert_eq!(tracing.stats().destinations[0].delivered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(self) -> Result<TracingGuard> {
        let mut config = Config::resolve(&self)?;
        for warning in config.explanation.warnings() {
            diagnostics::warn(warning);
        }
        let destinations = if config.disabled { Vec::new() } else { destinations(&mut config)? };
        let pipeline = Pipeline::start(destinations, config.resource.clone(), config.pipeline)?;
        let pipeline = Arc::new(pipeline);
        let provider = provider(&pipeline, &config);
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        let guard = TracingGuard {
            tracer: provider.tracer_with_scope(scope.build()),
            provider,
            pipeline,
            filter: config.filter,
            target: config.target,
            drop_timeout: config.drop_timeout,
            explanation: config.explanation,
        };
        if let Some(patience) = config.strict {
            guard.ready(patience)?;
        }
        Ok(guard)
    }
}

/// Holds tracing: its layer, its provider, its account. Dropping it delivers what is left.
///
/// Dropping waits at most the drop timeout (5 s), on this thread, needs no runtime, and is safe in
/// a panic. Spans that end later are counted as dropped (`after_shutdown`).
#[must_use = "dropping the guard ends tracing; bind it to a variable that lives as long as the program"]
pub struct TracingGuard {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    pipeline: Arc<Pipeline>,
    filter: CaptureFilter,
    target: &'static str,
    drop_timeout: Duration,
    explanation: Explanation,
}

impl TracingGuard {
    /// The layer for a `tracing` subscriber: captures spans and events, and answers
    /// [`OpenTelemetrySpanExt`](tracing_opentelemetry::OpenTelemetrySpanExt).
    ///
    /// Captures INFO and above, without the spans of infrastructure crates. A filter for other
    /// layers must be given to those layers: a bare `EnvFilter` in the stack filters this one too
    /// (a warning says so). May be boxed and filtered; inside `reload::Layer`, which hides a
    /// layer's insides, `OpenTelemetrySpanExt` does not find it.
    #[must_use = "the layer does nothing until it is part of a subscriber"]
    pub fn layer<S>(&self) -> impl Layer<S> + Send + Sync + 'static + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    {
        capture::stack(CaptureLayer::new(true, self.on_install()), self.tracer.clone(), self.filter)
    }

    /// The capturing part of [`layer`](Self::layer) alone, for those who have an
    /// `OpenTelemetryLayer`: add it before that one, and [`processor`](Self::processor) to that
    /// one's provider. Events are then recorded by that layer, in its own way.
    pub fn capture_layer(&self) -> CaptureLayer {
        CaptureLayer::new(false, self.on_install())
    }

    /// The span processor alone, for those who have an `SdkTracerProvider`.
    ///
    /// # Examples
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-processor");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let provider = SdkTracerProvider::builder().with_span_processor(tracing.processor()).build();
    /// provider.tracer("app").in_span("work", |_| ());
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn processor(&self) -> MlflowSpanProcessor {
        MlflowSpanProcessor::new(Arc::clone(&self.pipeline))
    }

    /// The OpenTelemetry provider, for spans made with the OpenTelemetry API.
    #[must_use]
    pub fn provider(&self) -> &SdkTracerProvider {
        &self.provider
    }

    /// Waits until every destination has acknowledged every span that ended before this call.
    ///
    /// Blocks this thread for at most `patience`; needs no runtime. Ends early when a destination
    /// says something that waiting does not mend, such as 401.
    ///
    /// # Errors
    ///
    /// [`FlushError`] says where the spans are that were not acknowledged. It is also returned when
    /// any span was dropped before, since the guard was made.
    pub fn flush(&self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        self.pipeline.flush(patience)
    }

    /// Waits until every destination is known to work: reached, authorised, its experiment found.
    ///
    /// # Errors
    ///
    /// [`is_not_ready`](Error::is_not_ready), with what the destination said and what to do.
    pub fn ready(&self, patience: Duration) -> Result<()> {
        self.pipeline.ready(patience)
    }

    /// What became of every span that ended.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.pipeline.stats()
    }

    /// What was configured, and what said so.
    #[must_use]
    pub fn explain_config(&self) -> &Explanation {
        &self.explanation
    }

    /// Delivers what is left, for at most `patience`, and ends tracing. Dropping the guard does the
    /// same with the drop timeout and keeps the result to itself.
    ///
    /// # Errors
    ///
    /// [`FlushError`] when a span was not delivered; nothing more will be.
    pub fn shutdown(self, patience: Duration) -> std::result::Result<(), Box<FlushError>> {
        self.pipeline.shutdown(patience)
    }

    fn install_opentelemetry(&self) {
        opentelemetry::global::set_tracer_provider(self.provider.clone());
        opentelemetry::global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
            Box::new(TraceContextPropagator::new()),
            Box::new(BaggagePropagator::new()),
        ]));
    }

    /// Has the subscriber looked at on the worker's thread, once the layer is part of it.
    fn on_install(&self) -> OnInstall {
        let pipeline = Arc::downgrade(&self.pipeline);
        let target = self.target;
        Box::new(move |subscriber| {
            if let Some(pipeline) = pipeline.upgrade() {
                pipeline.intake().run(Box::new(move || probe::check(&subscriber, target)));
            }
        })
    }
}

impl fmt::Debug for TracingGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracingGuard").field("stats", &self.stats()).finish_non_exhaustive()
    }
}

impl Drop for TracingGuard {
    fn drop(&mut self) {
        // What was not delivered has been told, with its reasons, by the pipe.
        let _ = self.pipeline.shutdown(self.drop_timeout);
    }
}

fn destinations(config: &mut Config) -> Result<Vec<Destination>> {
    let mut destinations = Vec::new();
    if let Some(settings) = config.mlflow.take() {
        destinations.push(mlflow::destination(settings)?);
    }
    if let Some(settings) = config.otlp.take() {
        destinations.push(otlp::destination(settings));
    }
    if let Some(settings) = config.local.take() {
        if destinations.is_empty() {
            diagnostics::info(&format!(
                "no destination is set: traces are written to {}. Set MLFLOW_TRACKING_URI or \
                 OTEL_EXPORTER_OTLP_ENDPOINT to send them",
                newest_file(&settings.directory).display()
            ));
        }
        destinations.push(local::destination(settings));
    }
    Ok(destinations)
}

fn provider(pipeline: &Arc<Pipeline>, config: &Config) -> SdkTracerProvider {
    let builder = SdkTracerProvider::builder()
        .with_resource(config.resource.clone())
        // Reserved attributes, and our notes, come last: no count may cut them off.
        .with_max_attributes_per_span(u32::MAX)
        .with_max_events_per_span(MAX_EVENTS);
    if config.disabled {
        return builder.with_sampler(Sampler::AlwaysOff).build();
    }
    builder.with_span_processor(MlflowSpanProcessor::new(Arc::clone(pipeline))).build()
}

fn already_installed() -> Error {
    Error::installed(
        "a tracing subscriber is already set for this process; use `mlflow_tracing::builder().build()` \
         and add `.with(tracing.layer())` to that subscriber",
    )
}
