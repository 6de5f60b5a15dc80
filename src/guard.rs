//! The guard: what a program holds of tracing.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::Context;
use opentelemetry::propagation::{TextMapCompositePropagator, TextMapPropagator};
use opentelemetry::trace::TraceContextExt as _;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Subscriber;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::capture;
use crate::capture::current;
use crate::capture::filter::CaptureRules;
use crate::capture::layer::CaptureLayer;
use crate::capture::link::{Hooks, OnInstall};
use crate::capture::probe;
use crate::capture::tracer::{CapturingTracer, MakeRoot};
use crate::config::explain::Explanation;
use crate::config::resolve::Propagation;
use crate::context::trace_context::TraceContext;
use crate::context::update::{Tell, TraceUpdate};
use crate::error::Result;
use crate::exit::signal::Watch;
use crate::process::exporter::MlflowSpanExporter;
use crate::process::flush::FlushError;
use crate::process::flushing::FlushFuture;
use crate::process::pipeline::Pipeline;
use crate::process::processor::MlflowSpanProcessor;
use crate::process::roots;
use crate::process::sampler::MlflowSampler;
use crate::stats::Stats;

/// Holds tracing: its layer, its provider, its account. Dropping it delivers what is left.
///
/// Dropping waits at most the drop timeout (5 s), on this thread, needs no runtime, and is safe in
/// a panic. Spans that end later are counted as dropped (`after_shutdown`).
///
/// # Processes that fork
///
/// A child that is made by `fork` has none of the threads. It starts clean when its first root span
/// begins, with threads, memory and an account of its own, from the same settings, and the guard is
/// that of its own process: it waits for nothing of the parent's. What the parent held, it delivers.
/// A span that is open at the fork is the parent's; what ends of its trace in the child before a
/// root begins there is not recorded, and what ends later is sent by both. Exporters of the official
/// SDK do not work there: their spans are counted as rejected. Nothing of this needs a call; before
/// `exec` nothing happens at all. Ids stay unique in the spans of [`provider`](Self::provider) and
/// [`layer`](Self::layer); a provider of your own has to see to them.
#[must_use = "dropping the guard ends tracing; bind it to a variable that lives as long as the program"]
pub struct TracingGuard {
    pub(crate) provider: SdkTracerProvider,
    pub(crate) tracer: SdkTracer,
    pub(crate) pipeline: Arc<Pipeline>,
    pub(crate) rules: CaptureRules,
    pub(crate) target: &'static str,
    pub(crate) drop_timeout: Duration,
    /// How long the end of a root span waits for delivery, if it does.
    pub(crate) waits: Option<Duration>,
    /// What is said of every trace.
    pub(crate) trace_context: Arc<TraceContext>,
    /// Whether spans are captured and recorded.
    pub(crate) on: Arc<AtomicBool>,
    pub(crate) sampler: MlflowSampler,
    pub(crate) propagation: Propagation,
    pub(crate) explanation: Explanation,
    pub(crate) _signals: Option<Arc<Watch>>,
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
        capture::stack(self.hooks(), self.capturing_tracer(), self.rules)
    }

    /// The capturing part of [`layer`](Self::layer) alone, for those who have an
    /// `OpenTelemetryLayer`: add it before that one, and [`processor`](Self::processor) to that
    /// one's provider. Events are then recorded by that layer, in its own way.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
    /// use opentelemetry::trace::TracerProvider as _;
    /// use tracing_subscriber::prelude::*;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-capture-layer");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let provider = SdkTracerProvider::builder().with_span_processor(tracing.processor()).build();
    /// let subscriber = tracing_subscriber::registry()
    ///     .with(tracing.capture_layer())
    ///     .with(tracing_opentelemetry::layer().with_tracer(provider.tracer("app")));
    /// tracing::subscriber::with_default(subscriber, || tracing::info_span!("work").in_scope(|| ()));
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    #[must_use]
    pub fn capture_layer(&self) -> CaptureLayer {
        CaptureLayer::new(self.hooks())
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
    #[must_use]
    pub fn processor(&self) -> MlflowSpanProcessor {
        let trace_context = Arc::clone(&self.trace_context);
        MlflowSpanProcessor::new(Arc::clone(&self.pipeline), self.waits, trace_context)
    }

    /// The sampler alone, for those who have an `SdkTracerProvider`: with it
    /// [`set_enabled`](Self::set_enabled) and [`TraceContext::enabled`] are obeyed there too. What
    /// they leave is decided by the configured sampler.
    ///
    /// # Examples
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-sampler");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let provider = SdkTracerProvider::builder()
    ///     .with_sampler(tracing.sampler())
    ///     .with_span_processor(tracing.processor())
    ///     .build();
    /// tracing.set_enabled(false);
    /// provider.tracer("app").in_span("not recorded", |_| ());
    /// assert_eq!(tracing.stats().ended, 0);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    #[must_use]
    pub fn sampler(&self) -> MlflowSampler {
        self.sampler.clone()
    }

    /// Switches tracing off, or on again.
    ///
    /// While it is off no span begins: [`layer`](Self::layer) and [`capture_layer`](Self::capture_layer)
    /// capture none, and what [`provider`](Self::provider) makes is not recorded, here and in the
    /// processes that are called from it. Spans that have begun are not touched: they get their
    /// events, end, and are delivered; their trace can still be updated. A `tracing` span begins when
    /// it is first entered: one that was only made before is not recorded if it is entered now. When
    /// tracing is on again, spans that begin below one that was not recorded are not, either.
    ///
    /// Works at once, on every thread. Not to be called from inside of a `tracing` layer. Of a
    /// provider of your own the spans are switched only if it has [`sampler`](Self::sampler). Where
    /// `OTEL_SDK_DISABLED` is true, tracing stays off.
    ///
    /// # Examples
    ///
    /// ```
    /// use tracing_subscriber::prelude::*;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-switch");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let subscriber = tracing_subscriber::registry().with(tracing.layer());
    /// tracing::subscriber::with_default(subscriber, || {
    ///     tracing.set_enabled(false);
    ///     tracing::info_span!("unseen").in_scope(|| ());
    ///     tracing.set_enabled(true);
    ///     tracing::info_span!("seen").in_scope(|| ());
    /// });
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn set_enabled(&self, enabled: bool) {
        let is_on = enabled && self.pipeline.intake().is_some();
        if self.on.swap(is_on, Ordering::Relaxed) != is_on {
            // `tracing` remembers what the layer said of each callsite.
            tracing::callsite::rebuild_interest_cache();
        }
    }

    /// Whether tracing is on: not switched off by [`set_enabled`](Self::set_enabled) or
    /// `OTEL_SDK_DISABLED`.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.on.load(Ordering::Relaxed)
    }

    /// Changes the trace that a span of this context belongs to; as
    /// [`update_current_trace`](crate::update_current_trace), for programs that use the
    /// OpenTelemetry API alone. Does nothing when there is no span in it, or none that is recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-api-update");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// tracing.provider().tracer("app").in_span("work", |context| {
    ///     tracing.update_trace(&context).user("ada").tag("team", "blue");
    /// });
    /// assert_eq!(tracing.stats().ended, 1);
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    pub fn update_trace(&self, context: &Context) -> TraceUpdate {
        current::update(context.span().span_context(), &self.tell())
    }

    /// The pipe as an exporter of the official SDK, for those who keep a batch processor of their
    /// own. Spans come here when they have ended, so that a [`TraceContext`] says nothing of their
    /// traces; [`update_trace`](Self::update_trace) does.
    ///
    /// # Examples
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// use mlflow_tracing::opentelemetry_sdk::trace::SdkTracerProvider;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-exporter");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let provider = SdkTracerProvider::builder().with_batch_exporter(tracing.exporter()).build();
    /// provider.tracer("app").in_span("work", |_| ());
    /// provider.force_flush()?; // The processor hands over what it holds …
    /// tracing.flush(std::time::Duration::from_secs(5))?; // … and the pipe delivers it.
    /// assert_eq!(tracing.stats().destinations[0].delivered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn exporter(&self) -> MlflowSpanExporter {
        MlflowSpanExporter::new(Arc::clone(&self.pipeline))
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

    /// Begins what [`flush`](Self::flush) does, for `async` code: the task waits, its thread does not.
    ///
    /// Needs no runtime: a thread that lives as long as the flush waits for at most `patience` and wakes
    /// the task. Goes on when the future is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use opentelemetry::trace::{Tracer as _, TracerProvider as _};
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-flush-async");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// tracing.provider().tracer("app").in_span("work", |_| ());
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// tracing.flush_async(std::time::Duration::from_secs(5)).await?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// assert_eq!(tracing.stats().destinations[0].delivered, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`flush`](Self::flush).
    pub fn flush_async(&self, patience: Duration) -> FlushFuture {
        FlushFuture::start(&self.pipeline, patience)
    }

    /// Waits until every destination is known to work: reached, authorised, its experiment found.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// let tracing = mlflow_tracing::builder().with_tracking_uri("http://127.0.0.1:9").build()?;
    /// let error = tracing.ready(Duration::from_millis(200)).unwrap_err();
    /// assert!(error.is_not_ready());
    /// # Ok::<(), mlflow_tracing::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`is_not_ready`](crate::Error::is_not_ready), with what the destination said and what to do.
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

    pub(crate) fn install_opentelemetry(&self) {
        opentelemetry::global::set_tracer_provider(self.provider.clone());
        let mut propagators: Vec<Box<dyn TextMapPropagator + Send + Sync>> = Vec::new();
        if self.propagation.trace_context {
            propagators.push(Box::new(TraceContextPropagator::new()));
        }
        if self.propagation.baggage {
            propagators.push(Box::new(BaggagePropagator::new()));
        }
        let propagator = TextMapCompositePropagator::new(propagators);
        opentelemetry::global::set_text_map_propagator(propagator);
    }

    /// Has the subscriber looked at on the worker's thread, once the layer is part of it.
    fn capturing_tracer(&self) -> CapturingTracer {
        let pipeline = Arc::downgrade(&self.pipeline);
        let make_root: MakeRoot = Arc::new(move |is_whole, build| {
            let pipeline = pipeline.upgrade();
            roots::watched(pipeline.as_deref().and_then(Pipeline::intake_here), is_whole, build)
        });
        let trace_context = Arc::clone(&self.trace_context);
        CapturingTracer { tracer: self.tracer.clone(), make_root, trace_context }
    }

    fn hooks(&self) -> Hooks {
        Hooks { on_install: self.on_install(), tell: self.tell(), on: Arc::clone(&self.on) }
    }

    /// Where traces are changed that run.
    fn tell(&self) -> Tell {
        let pipeline = Arc::downgrade(&self.pipeline);
        Arc::new(move |trace_id, said| {
            if let Some(pipeline) = pipeline.upgrade() {
                pipeline.updated(trace_id, said);
            }
        })
    }

    fn on_install(&self) -> OnInstall {
        let pipeline = Arc::downgrade(&self.pipeline);
        let target = self.target;
        Box::new(move |installed| {
            if let Some(intake) = pipeline.upgrade().as_deref().and_then(Pipeline::intake_here) {
                intake.run(Box::new(move || probe::check(&installed, target)));
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
