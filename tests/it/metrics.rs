//! The account as OpenTelemetry metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use mlflow_tracing::opentelemetry::KeyValue;
use mlflow_tracing::opentelemetry::trace::{
    TraceContextExt as _, Tracer as _, TracerProvider as _,
};
use mlflow_tracing::opentelemetry_sdk::metrics::data::{
    AggregatedMetrics, MetricData, ScopeMetrics, SumDataPoint,
};
use mlflow_tracing::opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
use mlflow_tracing::semconv::metrics as names;
use mlflow_tracing::{DropReason, TracingGuard};

use crate::support::app::{builder, conserved, end_span, to_collector, to_mlflow};
use crate::support::server::grpc::GrpcServer;
use crate::support::server::{Act, Route, Server};
use crate::support::time::{PATIENCE, until};

/// Name and unit of a metric, then its values by component and `error.type`; seconds as nanoseconds.
type Collected = BTreeMap<(String, String), BTreeMap<(String, String), u64>>;

struct Meters {
    provider: SdkMeterProvider,
    exporter: InMemoryMetricExporter,
}

impl Meters {
    fn new() -> Self {
        let exporter = InMemoryMetricExporter::default();
        let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
        Self { provider, exporter }
    }

    fn of(guard: &TracingGuard) -> Self {
        let meters = Self::new();
        guard.register_metrics(&meters.provider);
        meters
    }

    fn collect(&self) -> Collected {
        self.exporter.reset();
        self.provider.force_flush().unwrap();
        let mut collected = Collected::new();
        for resource in self.exporter.get_finished_metrics().unwrap() {
            for scope in resource.scope_metrics() {
                assert_eq!(scope.scope().name(), "mlflow_tracing");
                for metric in scope.metrics() {
                    assert!(!metric.description().is_empty());
                    let key = (metric.name().to_owned(), metric.unit().to_owned());
                    let values = points(metric.data()).into_iter().collect::<BTreeMap<_, _>>();
                    assert!(collected.insert(key, values).is_none(), "one of each name");
                }
            }
        }
        collected
    }
}

fn points(data: &AggregatedMetrics) -> Vec<((String, String), u64)> {
    let named = |attributes: Vec<&KeyValue>| {
        let value = |key: &str| {
            let found = attributes.iter().find(|it| it.key.as_str() == key);
            found.map(|it| it.value.as_str().into_owned()).unwrap_or_default()
        };
        assert!(!value(names::COMPONENT_TYPE).is_empty());
        (value(names::COMPONENT_NAME), value(names::ERROR_TYPE))
    };
    match data {
        AggregatedMetrics::U64(MetricData::Sum(sum)) => {
            assert!(sum.is_monotonic());
            let point = sum.data_points();
            point.map(|it| (named(it.attributes().collect()), it.value())).collect()
        }
        AggregatedMetrics::I64(MetricData::Sum(sum)) => {
            assert!(!sum.is_monotonic());
            let point = sum.data_points();
            point
                .map(|it| (named(it.attributes().collect()), u64::try_from(it.value()).unwrap()))
                .collect()
        }
        AggregatedMetrics::F64(MetricData::Gauge(gauge)) => {
            let point = gauge.data_points();
            let nanos = |seconds| Duration::from_secs_f64(seconds).as_nanos();
            let value = |seconds| u64::try_from(nanos(seconds)).unwrap();
            point.map(|it| (named(it.attributes().collect()), value(it.value()))).collect()
        }
        other => panic!("nobody should use {other:?}"),
    }
}

/// One value of a metric of spans.
fn spans(collected: &Collected, metric: &str, component: &str, reason: &str) -> Option<u64> {
    let values = collected.get(&(metric.to_owned(), "{span}".to_owned())).unwrap();
    values.get(&(component.to_owned(), reason.to_owned())).copied()
}

#[test]
fn the_metrics_say_what_the_account_says() {
    const LIMIT: usize = 1024 * 1024;
    let server = Server::collector();
    let guard = to_collector(&server).with_memory_limit(LIMIT).build().unwrap();
    let meters = Meters::of(&guard);
    server.script(Route::Spans, [400, 503]);
    end_span(&guard, "refused");
    guard.flush(PATIENCE).unwrap_err();
    end_span(&guard, "delivered");
    guard.flush(PATIENCE).unwrap_err();
    // More than the queue can ever hold.
    guard.provider().tracer("test").in_span("huge", |cx| {
        cx.span().set_attribute(KeyValue::new("app.load", "x".repeat(LIMIT)));
    });
    server.always(Route::Spans, Act::Hold);
    end_span(&guard, "under way");
    server.wait_for(Route::Spans, 4);
    let account = conserved(&guard).destinations.remove(0);
    let collected = meters.collect();
    let destination = account.name.as_str();
    let processor = "mlflow_tracing::MlflowSpanProcessor/0";
    let value = |metric, component, reason| spans(&collected, metric, component, reason);
    assert_eq!(value(names::QUEUE_SIZE, processor, ""), Some(0));
    assert_eq!(value(names::PROCESSED, processor, ""), Some(3));
    assert_eq!(value(names::PROCESSED, processor, "queue_full"), Some(1));
    assert_eq!(value(names::EXPORTED, destination, ""), Some(1));
    assert_eq!(value(names::EXPORTED, destination, "rejected"), Some(1));
    // What never reached the exporter it has not lost.
    assert_eq!(value(names::EXPORTED, destination, "queue_full"), None);
    assert_eq!(value(names::INFLIGHT, destination, ""), Some(1));
    assert_eq!(account.dropped.get(DropReason::QueueFull), 1);
    for (metric, unit, expected) in [
        (names::RETRIES, "{request}", account.retries),
        (names::MEMORY, "By", u64::try_from(account.pending_bytes).unwrap()),
        (names::DISK, "By", 0),
        (names::SPOOLED, "{span}", 0),
        (names::RECOVERED, "{span}", 0),
        (names::FILTERED, "{span}", 0),
        (names::DUPLICATES, "{span}", account.duplicates),
    ] {
        let values = &collected[&(metric.to_owned(), unit.to_owned())];
        assert_eq!(values[&(destination.to_owned(), String::new())], expected, "{metric}");
    }
    assert!(account.retries > 0 && account.pending_bytes > 0);
    let age = &collected[&(names::OLDEST.to_owned(), "s".to_owned())];
    assert!(age[&(destination.to_owned(), String::new())] > 0);
    server.release();
    guard.flush(PATIENCE).unwrap_err();
}

#[test]
fn each_destination_has_its_type_in_the_words_of_the_conventions() {
    let (http, grpc) = (Server::mlflow(), GrpcServer::collector());
    let builder = builder()
        .with_tracking_uri(http.url())
        .with_otlp_endpoint(grpc.url())
        .with_protocol(mlflow_tracing::Protocol::Grpc);
    let guard = builder.build().unwrap();
    let meters = Meters::of(&guard);
    meters.provider.force_flush().unwrap();
    let mut types = Vec::new();
    for resource in meters.exporter.get_finished_metrics().unwrap() {
        for metric in resource.scope_metrics().flat_map(ScopeMetrics::metrics) {
            if let (names::INFLIGHT, AggregatedMetrics::I64(MetricData::Sum(sum))) =
                (metric.name(), metric.data())
            {
                let attributes = sum.data_points().flat_map(SumDataPoint::attributes);
                let found = attributes.filter(|it| it.key.as_str() == names::COMPONENT_TYPE);
                types.extend(found.map(|it| it.value.as_str().into_owned()));
            }
        }
    }
    types.sort();
    assert_eq!(types, [names::OTLP_GRPC_TYPE, names::OTLP_HTTP_TYPE]);
}

#[test]
fn the_metrics_end_with_the_guard_and_do_not_keep_it() {
    let server = Server::mlflow();
    let guard = to_mlflow(&server).build().unwrap();
    let meters = Meters::of(&guard);
    end_span(&guard, "span");
    assert!(!meters.collect().is_empty());
    guard.shutdown(PATIENCE).unwrap();
    assert_eq!(server.spans().names(), ["span"]);
    // Threads that were not waited for may still be about to let go of it.
    until("nothing is left", || meters.collect().values().all(BTreeMap::is_empty));
}
