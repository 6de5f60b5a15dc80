//! Assembly: configuration → destinations → pipe → provider → layer → guard.

use std::sync::Arc;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::builder::Builder;
use crate::config::env::Env;
use crate::config::explain::Explanation;
use crate::config::resolve::Config;
use crate::diagnostics;
use crate::error::{Error, Result};
use crate::export::local::newest_file;
use crate::export::{Destination, local, mlflow, otlp};
use crate::guard::TracingGuard;
use crate::process::pipeline::Pipeline;
use crate::process::processor::MlflowSpanProcessor;

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
    /// What the configuration comes to, and where each setting comes from. Sets nothing up.
    ///
    /// # Errors
    ///
    /// As [`build`](Self::build).
    pub fn explain_config(&self) -> Result<Explanation> {
        Ok(Config::resolve(self)?.explanation)
    }

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
        let subscriber = tracing_subscriber::registry().with(guard.layer());
        tracing::subscriber::set_global_default(subscriber).map_err(|_| already_installed())?;
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
