//! What is compared: each side is a subscriber that a program sets up.

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::{TraceInfoMode, TracingGuard};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider,
};
use serde::{Deserialize, Serialize};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::set_global_default;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::layer::{Identity, Layer, SubscriberExt as _};
use tracing_subscriber::{Registry, registry};

use crate::installed::{Installed, PATIENCE};
use crate::scenario::{QUEUE_SPANS, Scenario, Source, Target};

const SERVICE: &str = "bench";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Side {
    /// mlflow-tracing.
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
    /// The two whose ratio is told.
    pub const BOTH: [Self; 2] = [Self::Ours, Self::Stock];

    pub fn title(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Stock => "stock",
            Self::StockDropped => "stock, dropped",
            Self::SlimDropped => "slim, dropped",
            Self::Registry => "registry",
        }
    }

    /// The side that is called so, in any letter case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|side| format!("{side:?}").eq_ignore_ascii_case(name))
    }

    /// Whether its spans go to a receiver.
    pub fn sends(self) -> bool {
        matches!(self, Self::Ours | Self::Stock)
    }
}

impl Scenario {
    /// Makes this scenario's side the subscriber of the process, with its receiver at `url`.
    pub fn install(&self, url: &str) -> Installed {
        match self.side {
            Side::Ours => {
                let guard = self.ours(url);
                self.set(guard.layer());
                Installed::Ours(Box::new(guard))
            }
            Side::Stock => self.official(self.stock(url), layer),
            Side::StockDropped => self.official(SdkTracerProvider::builder().build(), layer),
            Side::SlimDropped => self.official(SdkTracerProvider::builder().build(), slim),
            Side::Registry => {
                // Without any layer on it the registry never forgets a span that closed.
                set_global_default(registry().with(Identity::new())).expect("one side a process");
                Installed::Bare
            }
        }
    }

    fn official(
        &self,
        provider: SdkTracerProvider,
        layer: impl FnOnce(&SdkTracerProvider) -> OtelLayer,
    ) -> Installed {
        let layer = layer(&provider);
        if self.source == Source::Refused {
            self.set(layer.with_filter(LevelFilter::INFO));
        } else {
            self.set(layer);
        }
        Installed::Official(provider)
    }

    fn set(&self, layer: impl Layer<Registry> + Send + Sync) {
        let subscriber = registry().with(layer);
        let set = if self.company {
            set_global_default(subscriber.with(Identity::new()))
        } else {
            set_global_default(subscriber)
        };
        set.expect("one side a process");
    }

    fn ours(&self, url: &str) -> TracingGuard {
        let mut builder = mlflow_tracing::builder()
            .with_environment::<String, String>([])
            .with_service_name(SERVICE);
        builder = match self.target {
            Target::Otlp if self.destinations == 1 => builder.with_otlp_endpoint(url),
            Target::Otlp => (0..self.destinations)
                .fold(builder, |builder, _| builder.with_destination(Otlp::new(url))),
            Target::Mlflow { experiment, every_info } => {
                let mode = if every_info { TraceInfoMode::Always } else { TraceInfoMode::Auto };
                let experiment = experiment.to_string();
                builder
                    .with_tracking_uri(url)
                    .with_experiment_id(experiment)
                    .with_trace_info(mode)
                    .with_print_url(false)
            }
        };
        if let Some(bytes) = self.queue_bytes() {
            builder = builder.with_memory_limit(bytes);
        }
        if !self.sampled {
            builder = builder.with_sampler(never());
        }
        builder.build().expect("the address is well formed")
    }

    fn stock(&self, url: &str) -> SdkTracerProvider {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(url)
            // Its batches are of 512 spans however large those are: beyond 64 MiB they would be
            // lost, and valgrind takes its time.
            .with_max_request_body_size(usize::MAX)
            .with_timeout(PATIENCE)
            .build()
            .expect("the address is well formed");
        let mut config = BatchConfigBuilder::default();
        if self.queue_bytes().is_some() {
            config = config.with_max_queue_size(QUEUE_SPANS);
        }
        let processor =
            BatchSpanProcessor::builder(exporter).with_batch_config(config.build()).build();
        let mut provider = SdkTracerProvider::builder()
            .with_resource(Resource::builder().with_service_name(SERVICE).build())
            .with_span_processor(processor);
        if !self.sampled {
            provider = provider.with_sampler(never());
        }
        provider.build()
    }
}

fn never() -> Sampler {
    Sampler::TraceIdRatioBased(0.0)
}

type OtelLayer = OpenTelemetryLayer<Registry, SdkTracer>;

fn layer(provider: &SdkTracerProvider) -> OtelLayer {
    tracing_opentelemetry::layer().with_tracer(provider.tracer(SERVICE))
}

fn slim(provider: &SdkTracerProvider) -> OtelLayer {
    layer(provider)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_level(false)
        .with_tracked_inactivity(false)
}
