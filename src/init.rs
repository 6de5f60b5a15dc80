//! Assembly: configuration → destinations → pipe → provider → layer → guard.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::config::builder::Builder;
use crate::config::env::Env;
use crate::config::explain::Explanation;
use crate::config::resolve::{Config, DestinationConfig, KindConfig};
use crate::diagnostics;
use crate::error::{Error, Result};
use crate::exit::{panic, signal};
use crate::export::local::newest_file;
use crate::export::{Destination, exporter, local, mlflow, otlp};
use crate::guard::TracingGuard;
use crate::process::fork::Destinations;
use crate::process::ids::Ids;
use crate::process::pipeline::Pipeline;
use crate::process::processor::MlflowSpanProcessor;
use crate::process::sampler::MlflowSampler;

/// Name of the instrumentation scope of captured spans.
const SCOPE: &str = "mlflow_tracing";

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
        if let Some(text) = without_destination(&config) {
            diagnostics::info(&text);
        }
        let destinations = destinations(&mut config);
        let pipeline =
            Pipeline::start(destinations()?, config.resource.clone(), config.pipeline.clone())?;
        let pipeline = Arc::new(pipeline.with_children(destinations));
        let signals = config.shutdown_on_signal.map(|patience| signal::watch(&pipeline, patience));
        if let Some(patience) = config.flush_on_panic {
            panic::watch(&pipeline, patience);
        }
        let trace_context = Arc::new(self.trace_context);
        let waits = config.waits_for_delivery.then_some(config.drop_timeout);
        let processor =
            MlflowSpanProcessor::new(Arc::clone(&pipeline), waits, Arc::clone(&trace_context));
        let on = Arc::new(AtomicBool::new(!config.disabled));
        let usually = trace_context.is_enabled().unwrap_or(true);
        let sampler = MlflowSampler::new(config.sampler.clone(), Arc::clone(&on), usually);
        let provider = provider(processor, sampler.clone(), &config);
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        let guard = TracingGuard {
            tracer: provider.tracer_with_scope(scope.build()),
            provider,
            pipeline,
            rules: config.rules,
            target: config.target,
            drop_timeout: config.drop_timeout,
            waits,
            trace_context,
            on,
            sampler,
            propagation: config.propagation,
            explanation: config.explanation,
            _signals: signals.transpose()?,
        };
        if let Some(patience) = config.strict {
            guard.ready(patience)?;
        }
        Ok(guard)
    }
}

/// What makes the destinations: here, and again in a child that is made by `fork`.
pub(crate) fn destinations(config: &mut Config) -> Destinations {
    let all = std::mem::take(&mut config.destinations);
    let wanted = if config.disabled { Vec::new() } else { all };
    let here = std::process::id();
    Arc::new(move || {
        let is_first = std::process::id() == here;
        if !is_first {
            signal::is_left_behind();
        }
        wanted.iter().cloned().map(|config| destination(config, is_first)).collect()
    })
}

/// `is_first` where it is not made again.
fn destination(config: DestinationConfig, is_first: bool) -> Result<Destination> {
    let DestinationConfig { kind, retry, filter } = config;
    let destination = match kind {
        KindConfig::Exporter(settings) if !is_first => exporter::left_behind(&settings),
        KindConfig::Exporter(settings) => exporter::destination(settings),
        KindConfig::Local(settings) => local::destination(settings),
        KindConfig::Mlflow(mut settings) => {
            settings.print_url &= is_first;
            mlflow::destination(*settings)?
        }
        KindConfig::Otlp(settings) => otlp::destination(*settings)?,
    };
    Ok(Destination { retry, filter, ..destination })
}

/// Where the traces are when nobody named a destination.
pub(crate) fn without_destination(config: &Config) -> Option<String> {
    let directory = config.destinations.iter().find_map(|destination| match &destination.kind {
        KindConfig::Local(settings) => settings.directory.as_deref(),
        _ => None,
    });
    let directory = directory.filter(|_| config.local_by_default && !config.disabled)?;
    Some(format!(
        "no destination is set: traces are written to {}. Set MLFLOW_TRACKING_URI or \
         OTEL_EXPORTER_OTLP_ENDPOINT to send them",
        newest_file(directory).display()
    ))
}

fn provider(
    processor: MlflowSpanProcessor,
    sampler: MlflowSampler,
    config: &Config,
) -> SdkTracerProvider {
    let builder = SdkTracerProvider::builder()
        .with_resource(config.resource.clone())
        .with_span_limits(config.span_limits)
        .with_sampler(sampler)
        .with_id_generator(Ids::default());
    // A processor that is not asked still costs.
    if config.disabled { builder.build() } else { builder.with_span_processor(processor).build() }
}

fn already_installed() -> Error {
    Error::installed(
        "a tracing subscriber is already set for this process; use `mlflow_tracing::builder().build()` \
         and add `.with(tracing.layer())` to that subscriber",
    )
}
