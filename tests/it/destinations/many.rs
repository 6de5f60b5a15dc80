//! Every span reaches every destination, in the words and the form of each.

use std::fs;

use mlflow_tracing::destination::{Exporter, Local, Mlflow, Otlp};
use mlflow_tracing::{
    Compression, Console, MlflowSpanExt as _, OtlpEncoder, Protocol, SpanType, semconv,
};
use serde_json::Value;
use tracing::info_span;
use tracing_subscriber::layer::SubscriberExt as _;

use crate::support::app::{builder, conserved};
use crate::support::exporter::Scripted;
use crate::support::scratch::Scratch;
use crate::support::server::grpc::GrpcServer;
use crate::support::server::{Route, Server};
use crate::support::time::PATIENCE;

const COUNT: usize = 5;

/// Names of the spans in a request of OTLP/JSON.
fn names(request: &Value) -> Vec<String> {
    let scopes = request["resourceSpans"].as_array().into_iter().flatten();
    let scopes = scopes.flat_map(|resource| resource["scopeSpans"].as_array().unwrap());
    let spans = scopes.flat_map(|scope| scope["spans"].as_array().unwrap());
    spans.map(|span| span["name"].as_str().unwrap().to_owned()).collect()
}

fn sorted(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names
}

#[test]
fn any_number_of_every_kind_gets_every_span() {
    let (rag, other) = (Server::mlflow(), Server::mlflow());
    let (protobuf, gzip, json) = (Server::collector(), Server::collector(), Server::collector());
    let grpc = GrpcServer::collector();
    let scratch = Scratch::new();
    let exporter = Scripted::default();
    let mlflow = |server: &Server| Mlflow::new(server.url()).with_print_url(false);
    let otlp = |server: &Server| Otlp::new(format!("{}/v1/traces", server.url()));
    // The official encoder writes no JSON.
    let guard = builder()
        .with_otlp_encoder(OtlpEncoder::Own)
        .with_destination(mlflow(&rag).with_experiment("rag"))
        .with_destination(mlflow(&other).with_token("t-1"))
        .with_destination(otlp(&protobuf).with_header("x-tenant", "a"))
        .with_destination(otlp(&gzip).with_compression(Compression::Gzip))
        .with_destination(otlp(&json).with_protocol(Protocol::HttpJson))
        .with_destination(Otlp::new(grpc.url()).with_protocol(Protocol::Grpc))
        .with_destination(Local::new(scratch.path()).with_console(Console::Never))
        .with_destination(Exporter::new("mine", exporter.clone()))
        .build()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        for number in 0..COUNT {
            info_span!("agent", number).in_scope(|| drop(info_span!("step")));
        }
    });
    guard.flush(PATIENCE).unwrap();
    let stats = conserved(&guard);
    let accounts: Vec<_> =
        stats.destinations.iter().map(|d| (d.delivered, d.pending, d.retries)).collect();
    assert_eq!(accounts, [(2 * COUNT as u64, 0, 0); 8]);
    let kinds: Vec<_> =
        stats.destinations.iter().map(|d| d.name.split(' ').next().unwrap()).collect();
    assert_eq!(kinds, ["MLflow", "MLflow", "OTLP", "OTLP", "OTLP", "OTLP", "local", "exporter"]);

    let expected = sorted(["agent", "step"].repeat(COUNT).into_iter().map(str::to_owned).collect());
    for server in [&rag, &other, &protobuf, &gzip] {
        assert_eq!(server.spans().sorted_names(), expected);
    }
    assert_eq!(grpc.spans().sorted_names(), expected);
    let requests = json.requests(Route::Spans);
    let by_json = requests.iter().flat_map(|request| names(&request.json())).collect();
    assert_eq!(sorted(by_json), expected);
    let text = fs::read_to_string(scratch.path().join("traces.jsonl")).unwrap();
    let lines = text.lines().flat_map(|line| names(&serde_json::from_str(line).unwrap()));
    assert_eq!(sorted(lines.collect()), expected);
    assert_eq!(sorted(exporter.names()), expected);

    let head = |server: &Server, header| {
        server.requests(Route::Spans)[0].head.header(header).map(str::to_owned)
    };
    assert_eq!(head(&rag, semconv::http::EXPERIMENT_HEADER).as_deref(), Some("1"));
    assert_eq!(head(&other, semconv::http::EXPERIMENT_HEADER).as_deref(), Some("0"));
    assert_eq!(head(&other, "authorization").as_deref(), Some("Bearer t-1"));
    assert_eq!(head(&rag, "authorization"), None);
    assert_eq!(head(&protobuf, "x-tenant").as_deref(), Some("a"));
    assert_eq!(head(&gzip, "x-tenant"), None);
    assert_eq!(head(&gzip, "content-encoding").as_deref(), Some("gzip"));
    assert_eq!(head(&protobuf, "content-encoding"), None);
    assert_eq!(head(&json, "content-type").as_deref(), Some("application/json"));
}

#[test]
fn each_destination_speaks_its_own_words() {
    let (mlflow, usual, genai) = (Server::mlflow(), Server::collector(), Server::collector());
    let otlp = |server: &Server| Otlp::new(format!("{}/v1/traces", server.url()));
    let guard = builder()
        .with_destination(Mlflow::new(mlflow.url()).with_print_url(false))
        .with_destination(otlp(&usual))
        .with_destination(otlp(&genai).with_genai_semconv(true))
        .build()
        .unwrap();
    let subscriber = tracing_subscriber::registry().with(guard.layer());
    tracing::subscriber::with_default(subscriber, || {
        let asked = serde_json::json!({ "messages": [{ "role": "user", "content": "why?" }] });
        info_span!("chat").set_span_type(SpanType::ChatModel).set_inputs(&asked).clone()
    });
    guard.flush(PATIENCE).unwrap();
    conserved(&guard);
    let has = |server: &Server, key: &str| server.spans().one("chat").attribute(key).is_some();
    let keys = ["mlflow.spanInputs", "gen_ai.input.messages", "gen_ai.operation.name"];
    let of = |server: &Server| keys.map(|key| has(server, key));
    assert_eq!(of(&mlflow), [true, false, false]);
    assert_eq!(of(&usual), [true, false, true]);
    assert_eq!(of(&genai), [false, true, true]);
}

#[test]
fn the_same_place_may_be_named_twice_and_gets_everything_twice() {
    let server = Server::collector();
    let otlp = || Otlp::new(format!("{}/v1/traces", server.url()));
    let guard = builder().with_destination(otlp()).with_destination(otlp()).build().unwrap();
    crate::support::app::end_span(&guard, "span");
    guard.flush(PATIENCE).unwrap();
    assert_eq!(server.spans().names(), ["span", "span"]);
    conserved(&guard);
}
