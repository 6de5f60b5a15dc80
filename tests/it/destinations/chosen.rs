//! Which destinations the environment asks for.

use mlflow_tracing::{Builder, OtlpEncoder, Source, semconv};
use serde_json::json;

use crate::support::app::{builder, conserved, end_span};
use crate::support::child;
use crate::support::scratch::Scratch;
use crate::support::server::{Route, Server};
use crate::support::time::{PATIENCE, SLACK, timed};

struct Both {
    mlflow: Server,
    collector: Server,
}

impl Both {
    fn new() -> Self {
        Self { mlflow: Server::mlflow(), collector: Server::collector() }
    }

    fn environment(&self, more: &[(&str, &str)]) -> Builder {
        let more = more.iter().map(|(name, value)| (*name, (*value).to_owned()));
        let both = [
            ("MLFLOW_TRACKING_URI", self.mlflow.url()),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.collector.url()),
        ];
        builder().with_environment(both.into_iter().chain(more))
    }

    /// How many spans MLflow and the collector get of one, with these variables.
    fn arrived(&self, more: &[(&str, &str)]) -> (usize, usize) {
        let guard = self.environment(more).build().unwrap();
        end_span(&guard, "span");
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
        (self.mlflow.spans().0.len(), self.collector.spans().0.len())
    }

    fn warnings(&self, more: &[(&str, &str)]) -> usize {
        self.environment(more).explain_config().unwrap().warnings().count()
    }
}

#[test]
fn dual_export_sends_to_both() {
    let both = Both::new();
    let dual = [("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "true")];
    assert_eq!(both.arrived(&dual), (1, 1));
    assert_eq!(both.warnings(&dual), 0);
    // Each in its own words: only MLflow's has the trace's name as a tag.
    let name = "mlflow.traceTag.mlflow.traceName";
    assert_eq!(both.mlflow.spans().one("span").attribute(name), Some(json!("span")));
    assert_eq!(both.collector.spans().one("span").attribute(name), None);
}

#[test]
fn without_dual_export_otlp_wins_and_it_is_told() {
    let both = Both::new();
    assert_eq!(both.arrived(&[]), (0, 1));
    assert_eq!(both.warnings(&[]), 1);
    assert_eq!(both.mlflow.asked(), 0);
}

#[test]
fn a_tracing_destination_wins_over_otlp_and_names_the_experiment() {
    let both = Both::new();
    both.mlflow.with_store(|store| assert_eq!(store.add("seven"), "1"));
    let chosen = [("MLFLOW_TRACING_DESTINATION", "1"), ("MLFLOW_EXPERIMENT_ID", "0")];
    assert_eq!(both.arrived(&chosen), (1, 0));
    assert_eq!((both.warnings(&chosen), both.collector.asked()), (0, 0));
    let request = both.mlflow.requests(Route::Spans).remove(0);
    assert_eq!(request.head.header(semconv::http::EXPERIMENT_HEADER), Some("1"));
    let dual = [chosen[0], ("MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT", "1")];
    assert_eq!(Both::new().environment(&dual).build().unwrap().stats().destinations.len(), 2);
}

#[test]
fn an_otlp_exporter_that_is_off_leaves_the_endpoint_aside() {
    let both = Both::new();
    assert_eq!(both.arrived(&[("MLFLOW_ENABLE_OTLP_EXPORTER", "false")]), (1, 0));
    assert_eq!(both.collector.asked(), 0);
}

#[test]
fn otlp_of_the_exporters_is_the_endpoint_and_console_alone_leaves_it_aside() {
    let both = Both::new();
    assert_eq!(both.arrived(&[("OTEL_TRACES_EXPORTER", "otlp")]), (0, 1));
    for word in ["none", "console"] {
        // They speak of what OpenTelemetry's own variables set up.
        let explanation = both.environment(&[("OTEL_TRACES_EXPORTER", word)]).explain_config();
        let text = explanation.unwrap().to_string();
        assert!(text.contains("MLflow server") && !text.contains("OTLP receiver"), "{text}");
    }
}

#[test]
fn otlp_without_an_endpoint_is_the_address_of_the_specification() {
    for (protocol, address) in [
        (None, "http://localhost:4318/v1/traces"),
        (Some("http/protobuf"), "http://localhost:4318/v1/traces"),
        (Some("http/json"), "http://localhost:4318/v1/traces"),
        (Some("grpc"), "http://localhost:4317"),
    ] {
        let protocol = protocol.map(|protocol| ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol));
        let variables = [("OTEL_TRACES_EXPORTER", "otlp")].into_iter().chain(protocol);
        // The official encoder writes no JSON.
        let builder = builder().with_environment(variables).with_otlp_encoder(OtlpEncoder::Own);
        let explanation = builder.explain_config().unwrap();
        let receiver = explanation.settings().find(|(name, ..)| *name == "OTLP receiver");
        assert_eq!(receiver, Some(("OTLP receiver", address, Source::Default)));
    }
}

#[test]
fn none_means_that_nothing_is_kept_anywhere() {
    let scratch = Scratch::new();
    let directory = scratch.path().to_str().unwrap();
    let server = Server::collector();
    let url = server.url();
    let variables = [
        ("OTEL_TRACES_EXPORTER", "none"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str()),
        ("MLFLOW_TRACING_DIRECTORY", directory),
    ];
    let guard = builder().with_environment(variables).build().unwrap();
    end_span(&guard, "span");
    let (time, ()) = timed(|| {
        guard.flush(PATIENCE).unwrap();
        guard.ready(PATIENCE).unwrap();
    });
    assert!(time < SLACK, "{time:?}");
    assert_eq!((conserved(&guard).destinations.len(), server.asked()), (0, 0));
    assert!(!scratch.path().exists());
}

#[test]
fn console_draws_trees_and_keeps_no_files() {
    let scratch = Scratch::new();
    let directory = scratch.path().to_str().unwrap();
    let environment =
        [("OTEL_TRACES_EXPORTER", "console"), ("MLFLOW_TRACING_DIRECTORY", directory)];
    let test = "destinations::chosen::console_draws_trees_and_keeps_no_files";
    let said = child::run(test, &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        drop(tracing::info_span!("drawn in the terminal"));
        guard.flush(PATIENCE).unwrap();
        let stats = conserved(&guard);
        assert_eq!((stats.destinations[0].name.as_str(), stats.ended), ("console", 1));
    });
    let Some(said) = said else { return };
    assert!(said.stderr.contains("drawn in the terminal"), "{said:?}");
    assert!(!scratch.path().exists());
}

#[test]
fn several_exporters_stand_with_commas() {
    let server = Server::collector();
    let url = server.url();
    let environment =
        [("OTEL_TRACES_EXPORTER", "otlp, console"), ("OTEL_EXPORTER_OTLP_ENDPOINT", url.as_str())];
    let test = "destinations::chosen::several_exporters_stand_with_commas";
    let said = child::run(test, &environment, || {
        let guard = mlflow_tracing::init().unwrap();
        drop(tracing::info_span!("in both places"));
        guard.flush(PATIENCE).unwrap();
        conserved(&guard);
    });
    let Some(said) = said else { return };
    assert!(said.stderr.contains("in both places"), "{said:?}");
    assert_eq!(server.spans().names(), ["in both places"]);
}

#[test]
fn exporters_that_nobody_knows_are_an_error() {
    for (value, fix) in [
        ("zipkin", "write one of otlp, console, none"),
        ("otlp,jaeger", "write one of otlp, console, none"),
        ("none,console", "`none` stands alone"),
    ] {
        let builder = builder().with_environment([("OTEL_TRACES_EXPORTER", value)]);
        let error = builder.build().unwrap_err();
        let words = error.to_string();
        assert!(error.is_config() && words.contains("OTEL_TRACES_EXPORTER"), "{words}");
        assert!(words.contains(fix), "{words}");
    }
}
