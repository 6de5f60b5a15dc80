//! The account as OpenTelemetry metrics, read when they are collected: nothing is done for a span.

use std::sync::{Arc, Weak};

use opentelemetry::metrics::{AsyncInstrument, Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};

use crate::guard::TracingGuard;
use crate::process::account::Account;
use crate::process::intake::IntakeStats;
use crate::semconv::metrics as names;
use crate::stats::{DestinationStats, Dropped};
use crate::sync::now;

/// Name of the meter.
const SCOPE: &str = "mlflow_tracing";
/// The one processor of a guard.
const PROCESSOR: &str = "mlflow_tracing::MlflowSpanProcessor/0";
const SPANS: &str = "{span}";

impl TracingGuard {
    /// Shows the account as metrics of `provider`: those of
    /// [`semconv::metrics`](crate::semconv::metrics), each read when it is collected, with the
    /// destination as `otel.component.name` and the reason of drops as `error.type`. Default: none.
    ///
    /// Call it once: each further call for the same provider makes the same metrics again. They end with
    /// the pipe, which they do not keep. Needs the feature `metrics`.
    ///
    /// # Examples
    ///
    /// ```
    /// use mlflow_tracing::opentelemetry_sdk::metrics::{InMemoryMetricExporter, SdkMeterProvider};
    /// use mlflow_tracing::semconv::metrics::QUEUE_SIZE;
    /// # let directory = std::env::temp_dir().join("mlflow-tracing-doc-metrics");
    /// let tracing = mlflow_tracing::builder().with_local_directory(&directory).build()?;
    /// let exporter = InMemoryMetricExporter::default();
    /// let provider = SdkMeterProvider::builder().with_periodic_exporter(exporter.clone()).build();
    /// tracing.register_metrics(&provider); // or opentelemetry::global::meter_provider().as_ref()
    /// provider.force_flush()?;
    /// let collected = exporter.get_finished_metrics()?;
    /// let mut metrics = collected[0].scope_metrics().flat_map(|scope| scope.metrics());
    /// assert!(metrics.any(|metric| metric.name() == QUEUE_SIZE));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn register_metrics(&self, provider: &dyn MeterProvider) {
        let scope = InstrumentationScope::builder(SCOPE).with_version(env!("CARGO_PKG_VERSION"));
        let meter = provider.meter_with_scope(scope.build());
        let source = Source(Arc::downgrade(self.pipeline.account()));
        register_processor(&meter, &source);
        register_ends(&meter, &source);
        register_counts(&meter, &source);
        register_levels(&meter, &source);
    }
}

/// Where the numbers come from, for as long as it is there.
#[derive(Clone)]
struct Source(Weak<Account>);

/// Tells one number with its attributes.
type Tell<'a, T> = &'a dyn Fn(T, &[KeyValue]);

impl Source {
    /// What observes by `read`, which gets each destination with its attributes.
    fn destinations<T: 'static>(
        &self,
        read: impl Fn(&DestinationStats, &[KeyValue], Tell<'_, T>) + Send + Sync + 'static,
    ) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
        let source = self.clone();
        move |instrument| {
            let Some(account) = source.0.upgrade() else { return };
            let (_, destinations) = account.parts(now());
            for (destination, component_type) in destinations.iter().zip(account.component_types())
            {
                let attributes = component(&destination.name, component_type);
                let tell = |value, attributes: &[KeyValue]| instrument.observe(value, attributes);
                read(destination, &attributes, &tell);
            }
        }
    }

    /// What observes by `read`, which gets what the intake knows of.
    fn intake<T: 'static>(
        &self,
        read: impl Fn(&IntakeStats, &[KeyValue], Tell<'_, T>) + Send + Sync + 'static,
    ) -> impl Fn(&dyn AsyncInstrument<T>) + Send + Sync + 'static {
        let source = self.clone();
        let attributes = component(PROCESSOR, names::PROCESSOR_TYPE);
        move |instrument| {
            if let Some(account) = source.0.upgrade() {
                let tell = |value, attributes: &[KeyValue]| instrument.observe(value, attributes);
                read(&account.parts(now()).0, &attributes, &tell);
            }
        }
    }
}

fn component(name: &str, component_type: &'static str) -> [KeyValue; 2] {
    [
        KeyValue::new(names::COMPONENT_NAME, name.to_owned()),
        KeyValue::new(names::COMPONENT_TYPE, component_type),
    ]
}

/// What came to its end: well, or for a reason.
fn tell_ends(well: u64, dropped: &Dropped, attributes: &[KeyValue], tell: Tell<'_, u64>) {
    tell(well, attributes);
    for (reason, spans) in dropped.iter().filter(|(_, spans)| *spans > 0) {
        let reason = KeyValue::new(names::ERROR_TYPE, reason.as_str());
        tell(spans, &[attributes, &[reason]].concat());
    }
}

/// A count that can fall, as the API wants it.
fn level(count: impl TryInto<i64>) -> i64 {
    count.try_into().unwrap_or(i64::MAX)
}

fn register_processor(meter: &Meter, source: &Source) {
    meter
        .i64_observable_up_down_counter(names::QUEUE_SIZE)
        .with_unit(SPANS)
        .with_description("Spans that ended and are yet to be encoded")
        .with_callback(source.intake(|it, attributes, tell| tell(level(it.held), attributes)))
        .build();
    meter
        .u64_observable_counter(names::PROCESSED)
        .with_unit(SPANS)
        .with_description("Spans that were handed to the destinations, or given up before")
        .with_callback(source.intake(|it, attributes, tell| {
            let handed_over = it.ended - it.held - it.dropped.total();
            tell_ends(handed_over, &it.dropped, attributes, tell);
        }))
        .build();
}

fn register_ends(meter: &Meter, source: &Source) {
    meter
        .u64_observable_counter(names::EXPORTED)
        .with_unit(SPANS)
        .with_description("Spans that the destination acknowledged, or will never get")
        .with_callback(source.destinations(|it, attributes, tell| {
            tell_ends(it.delivered, &it.dropped, attributes, tell);
        }))
        .build();
    meter
        .f64_observable_gauge(names::OLDEST)
        .with_unit("s")
        .with_description("How long the oldest span that waits has waited")
        .with_callback(source.destinations(|it, attributes, tell| {
            tell(it.oldest_pending.unwrap_or_default().as_secs_f64(), attributes);
        }))
        .build();
}

/// Name, unit, description, and where it stands in the account.
type Metric<T> = (&'static str, &'static str, &'static str, fn(&DestinationStats) -> T);

/// What only grows.
fn register_counts(meter: &Meter, source: &Source) {
    let counts: [Metric<u64>; 4] = [
        (names::DUPLICATES, SPANS, "Spans sent again, which may be there twice", |it| {
            it.duplicates
        }),
        (names::FILTERED, SPANS, "Spans that the destination's filter left out", |it| it.filtered),
        (names::RECOVERED, SPANS, "Spans taken over from processes that are no more", |it| {
            it.recovered
        }),
        (names::RETRIES, "{request}", "Requests repeated after a failure", |it| it.retries),
    ];
    for (name, unit, description, read) in counts {
        meter
            .u64_observable_counter(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(
                source.destinations(move |it, attributes, tell| tell(read(it), attributes)),
            )
            .build();
    }
}

/// What grows and falls.
fn register_levels(meter: &Meter, source: &Source) {
    let levels: [Metric<i64>; 4] = [
        (
            names::INFLIGHT,
            SPANS,
            "Spans that wait for the destination, or are under way to it",
            |it| level(it.pending + it.spooled),
        ),
        (names::SPOOLED, SPANS, "Spans that wait on disk alone", |it| level(it.spooled)),
        (names::MEMORY, "By", "Bytes in memory for the destination", |it| level(it.pending_bytes)),
        (names::DISK, "By", "Bytes on disk for the destination", |it| level(it.spooled_bytes)),
    ];
    for (name, unit, description, read) in levels {
        meter
            .i64_observable_up_down_counter(name)
            .with_unit(unit)
            .with_description(description)
            .with_callback(
                source.destinations(move |it, attributes, tell| tell(read(it), attributes)),
            )
            .build();
    }
}
