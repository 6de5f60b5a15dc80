//! What is compared: each side is a subscriber, and a way to know that its spans arrived.

use std::time::{Duration, Instant};

use mlflow_tracing::TracingGuard;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};
use tracing::Subscriber;
use tracing::subscriber::set_global_default;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Identity, SubscriberExt as _};

/// Spans that either queue holds; more than any run has under way, so that nothing is dropped.
pub const QUEUE_SPANS: usize = 65_536;
/// The same for a queue that is bounded in bytes: a standard span weighs a little less than this.
pub const SPAN_BYTES: usize = 1_536;
/// Far more than any run takes, valgrind's included.
const PATIENCE: Duration = Duration::from_mins(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// mlflow-tracing, sending OTLP.
    Ours,
    /// Default `tracing-opentelemetry`, batch processor, `opentelemetry-otlp` over HTTP.
    Stock,
    /// Default `tracing-opentelemetry`; spans are dropped at their end.
    StockDropped,
    /// The same with its extras off, as mlflow-tracing sets it.
    SlimDropped,
    /// `tracing` with its registry and a layer that does nothing.
    Registry,
}

impl Side {
    pub const ALL: [Self; 5] =
        [Self::Ours, Self::Stock, Self::StockDropped, Self::SlimDropped, Self::Registry];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Stock => "stock",
            Self::StockDropped => "stock-dropped",
            Self::SlimDropped => "slim-dropped",
            Self::Registry => "registry",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| side.name() == name)
    }

    /// Whether its spans go to the sink.
    pub fn sends(self) -> bool {
        matches!(self, Self::Ours | Self::Stock)
    }

    /// Makes this side the subscriber of the process.
    pub fn install(self, url: &str) -> Installed {
        match self {
            Self::Ours => {
                let guard = ours(url);
                set(tracing_subscriber::registry().with(guard.layer()));
                Installed::Ours(guard)
            }
            Self::Stock => {
                let provider = stock(url);
                set(with_otel(default_layer(&provider)));
                Installed::Official(provider)
            }
            Self::StockDropped => {
                let provider = SdkTracerProvider::builder().build();
                set(with_otel(default_layer(&provider)));
                Installed::Official(provider)
            }
            Self::SlimDropped => {
                let provider = SdkTracerProvider::builder().build();
                let layer = default_layer(&provider)
                    .with_location(false)
                    .with_threads(false)
                    .with_target(false)
                    .with_level(false)
                    .with_tracked_inactivity(false);
                set(with_otel(layer));
                Installed::Official(provider)
            }
            Self::Registry => {
                // Without any layer on it the registry never forgets a span that closed.
                set(tracing_subscriber::registry().with(Identity::new()));
                Installed::Bare
            }
        }
    }
}

/// A side at work.
pub enum Installed {
    Ours(TracingGuard),
    Official(SdkTracerProvider),
    Bare,
}

impl Installed {
    /// Waits until every span that ended was acknowledged.
    pub fn flush(&self) {
        match self {
            Self::Ours(guard) => guard.flush(PATIENCE).expect("everything is delivered"),
            Self::Official(provider) => {
                // One call waits for five seconds and no longer.
                let start = Instant::now();
                while let Err(error) = provider.force_flush() {
                    assert!(start.elapsed() < PATIENCE, "not flushed: {error}");
                }
            }
            Self::Bare => {}
        }
    }

    /// Checks the account of `ended` spans, where there is one.
    pub fn check(&self, ended: u64) {
        if let Self::Ours(guard) = self {
            let stats = guard.stats();
            assert_eq!(stats.ended, ended, "every span reached the pipe");
            for destination in &stats.destinations {
                assert!(destination.conserves(ended), "{destination:?}");
                assert_eq!(destination.delivered, ended, "{destination:?}");
            }
        }
    }
}

fn ours(url: &str) -> TracingGuard {
    mlflow_tracing::builder()
        .with_environment::<String, String>([])
        .with_otlp_endpoint(url)
        .with_service_name("bench")
        .with_memory_limit(QUEUE_SPANS * SPAN_BYTES)
        .build()
        .expect("the address is well formed")
}

fn stock(url: &str) -> SdkTracerProvider {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(url)
        .build()
        .expect("the address is well formed");
    let config = BatchConfigBuilder::default().with_max_queue_size(QUEUE_SPANS).build();
    let processor = BatchSpanProcessor::builder(exporter).with_batch_config(config).build();
    SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name("bench").build())
        .with_span_processor(processor)
        .build()
}

type OtelLayer =
    tracing_opentelemetry::OpenTelemetryLayer<Registry, opentelemetry_sdk::trace::SdkTracer>;

fn default_layer(provider: &SdkTracerProvider) -> OtelLayer {
    tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"))
}

fn with_otel(layer: OtelLayer) -> impl Subscriber + Send + Sync {
    tracing_subscriber::registry().with(layer)
}

fn set(subscriber: impl Subscriber + Send + Sync) {
    set_global_default(subscriber).expect("one side a process");
}
