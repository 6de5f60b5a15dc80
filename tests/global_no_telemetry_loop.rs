//! Exporting is never traced, not even where everything is.
#![cfg(test)]

use std::io::sink;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mlflow_tracing::destination::Otlp;
use mlflow_tracing::opentelemetry::trace::{Tracer as _, TracerProvider as _};
use mlflow_tracing::opentelemetry_sdk::trace::SdkTracer;
use mlflow_tracing::{Compression, Protocol};
use tonic::Code;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber, info_span};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use support::app::{NOTHING, conserved};
use support::server::grpc::{self, GrpcServer};
use support::server::{Route, Server};
use support::time::PATIENCE;

#[path = "support/mod.rs"]
#[expect(dead_code, reason = "a test in a file of its own needs only a part")]
mod support;

/// Makes a span wherever the exporting threads let anything be heard, as an instrumented HTTP
/// client would.
struct Instrumented {
    tracer: SdkTracer,
    heard: Arc<Heard>,
}

/// How often each of the two kinds of threads was heard.
#[derive(Default)]
struct Heard {
    worker: AtomicU64,
    senders: AtomicU64,
}

impl<S: Subscriber> Layer<S> for Instrumented {
    fn on_event(&self, _: &Event<'_>, _: Context<'_, S>) {
        let heard = match std::thread::current().name() {
            Some("mlflow-tracing") => &self.heard.worker,
            Some("mlflow-tracing-send") => &self.heard.senders,
            _ => return,
        };
        heard.fetch_add(1, Ordering::Relaxed);
        self.tracer.in_span("request", |_| ());
    }
}

#[test]
fn exporting_makes_no_spans_of_its_own() {
    let (mlflow, collector, grpc) =
        (Server::mlflow(), Server::collector(), GrpcServer::collector());
    // Trouble makes the most noise.
    mlflow.script(Route::Spans, [503, 401, 200]);
    grpc.script(Route::Spans, [grpc::Act::Close, grpc::Act::GoAway, Code::Unavailable.into()]);
    let guard = mlflow_tracing::builder()
        .with_environment(NOTHING)
        .with_tracking_uri(mlflow.url())
        .with_otlp_endpoint(collector.url())
        .with_compression(Compression::Gzip)
        .with_destination(Otlp::new(grpc.url()).with_protocol(Protocol::Grpc))
        .with_max_level(LevelFilter::TRACE)
        .with_infrastructure_spans(true)
        .build()
        .unwrap();
    let heard = Arc::new(Heard::default());
    let instrumented =
        Instrumented { tracer: guard.provider().tracer("http"), heard: Arc::clone(&heard) };
    // Takes in what the `log` crate says, too: the HTTP client speaks there. A second layer is what
    // the worker speaks of.
    tracing_subscriber::registry()
        .with(guard.layer())
        .with(guard.layer())
        .with(instrumented)
        .with(tracing_subscriber::fmt::layer().with_writer(sink))
        .init();
    for round in 1..=5 {
        info_span!("root").in_scope(|| drop(info_span!("child")));
        while guard.flush(PATIENCE).is_err() {}
        assert_eq!(conserved(&guard).ended, 2 * round);
    }
    assert!(heard.worker.load(Ordering::Relaxed) >= 1, "the worker was heard");
    assert!(heard.senders.load(Ordering::Relaxed) > 10, "the senders were heard");
    for spans in [mlflow.spans(), collector.spans(), grpc.spans()] {
        assert_eq!(spans.0.len(), 10);
        assert!(spans.0.iter().all(|span| span.events().is_empty()));
    }
}
