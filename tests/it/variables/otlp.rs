//! What an OTLP receiver is sent, by variable; and what the program says about itself.

use mlflow_tracing::{MlflowSpanExt as _, OtlpEncoder, SpanType};
use serde_json::json;
use tracing::info_span;

use super::{environment, with};
use crate::support::app::{Traced, builder};
use crate::support::server::grpc::GrpcServer;
use crate::support::server::{Request, Route, Server};

/// A request of our own encoder: the official one writes no JSON.
fn request(variables: &[(&str, &str)]) -> Request {
    let server = Server::collector();
    let builder = environment(&server, variables).with_otlp_encoder(OtlpEncoder::Own);
    let traced = Traced::new(builder.build().unwrap(), server);
    traced.end_span("span");
    traced.flush();
    assert_eq!(traced.conserved().destinations[0].delivered, 1);
    traced.server.requests(Route::Spans).pop().unwrap()
}

#[test]
fn headers_of_traces_stand_in_place_of_the_general_ones() {
    let general = ("OTEL_EXPORTER_OTLP_HEADERS", "x-general=1,x-both=general");
    let traces = ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "x-both=traces%2Ctoo");
    let of = |variables: &[(&str, &str)], name: &str| {
        request(variables).head.header(name).map(str::to_owned)
    };
    assert_eq!(of(&[general], "x-general").as_deref(), Some("1"));
    assert_eq!(of(&[general, traces], "x-general"), None);
    assert_eq!(of(&[general, traces], "x-both").as_deref(), Some("traces,too"));
}

#[test]
fn compression_of_traces_wins_over_the_general_one() {
    let general = |value| ("OTEL_EXPORTER_OTLP_COMPRESSION", value);
    let traces = |value| ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", value);
    let of = |variables: &[(&str, &str)]| {
        request(variables).head.header("content-encoding").map(str::to_owned)
    };
    assert_eq!(of(&[general("gzip")]).as_deref(), Some("gzip"));
    assert_eq!(of(&[traces("gzip")]).as_deref(), Some("gzip"));
    assert_eq!(of(&[general("gzip"), traces("none")]), None);
}

#[test]
fn the_protocol_is_seen_in_the_form_of_the_request() {
    let general = |value| ("OTEL_EXPORTER_OTLP_PROTOCOL", value);
    let traces = |value| ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", value);
    let form = |variables: &[(&str, &str)]| {
        request(variables).head.header("content-type").unwrap().to_owned()
    };
    assert_eq!(form(&[]), "application/x-protobuf");
    assert_eq!(form(&[general("http/protobuf")]), "application/x-protobuf");
    assert_eq!(form(&[general("http/json")]), "application/json");
    assert_eq!(form(&[general("http/protobuf"), traces("http/json")]), "application/json");
    let request = request(&[traces("http/json")]);
    let span = &request.json()["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["name"], request.head.path.as_str()), (&json!("span"), "/v1/traces"));
}

#[test]
fn the_endpoint_of_traces_wins_over_the_general_one() {
    let (special, general) = (Server::collector(), Server::collector());
    let variables = [
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", format!("{}/as/it/is", special.url())),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", general.url()),
    ];
    let traced = Traced::new(builder().with_environment(variables).build().unwrap(), special);
    traced.end_span("span");
    traced.delivered();
    assert_eq!(traced.server.requests(Route::Spans)[0].head.path, "/as/it/is");
    assert_eq!(general.asked(), 0);
}

#[test]
fn a_grpc_address_without_a_scheme_gets_the_one_that_the_switch_says() {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"] {
        let server = GrpcServer::collector();
        let address = server.address().to_string();
        let variables = |value| {
            [
                ("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
                (name, value),
            ]
        };
        let secure = builder().with_environment(variables("false")).explain_config().unwrap();
        let mut settings = secure.settings();
        let receiver = settings.find(|(name, ..)| *name == "OTLP receiver").unwrap().1;
        assert_eq!(receiver, format!("https://{address}"));
        let guard = builder().with_environment(variables("true")).build().unwrap();
        let traced = Traced::new(guard, server);
        traced.end_span("span");
        assert_eq!(traced.delivered().names(), ["span"]);
    }
}

#[test]
fn messages_are_in_the_words_of_the_conventions_when_asked_for() {
    let keys = ["mlflow.spanInputs", "gen_ai.input.messages", "gen_ai.output.messages"];
    let of = |server: Server, value: &str| {
        let traced = with(server, &[("MLFLOW_ENABLE_OTEL_GENAI_SEMCONV", value)]);
        traced.run(|| {
            info_span!("chat")
                .set_span_type(SpanType::ChatModel)
                .set_inputs(&json!({ "messages": [{ "role": "user", "content": "why?" }] }))
                .set_outputs(&json!({ "choices": [{ "message": { "role": "assistant", "content": "so" } }] }))
                .clone()
        });
        let spans = traced.delivered();
        keys.map(|key| spans.one("chat").attribute(key).is_some())
    };
    assert_eq!(of(Server::collector(), "true"), [false, true, true]);
    assert_eq!(of(Server::collector(), "false"), [true, false, false]);
    // An MLflow server reads its own.
    assert_eq!(of(Server::mlflow(), "true"), [true, false, false]);
}

#[test]
fn both_encoders_say_the_same() {
    let bodies = ["own", "official"].map(|encoder| {
        let server = Server::collector();
        let variables = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", server.url()),
            ("MLFLOW_TRACING_OTLP_ENCODER", encoder.to_owned()),
        ];
        let guard = match mlflow_tracing::builder().with_environment(variables).build() {
            Ok(guard) => guard,
            Err(error) => {
                assert!(encoder == "official" && !cfg!(feature = "opentelemetry-otlp"));
                assert!(error.to_string().contains("opentelemetry-otlp"), "{error}");
                return None;
            }
        };
        let traced = Traced::new(guard, server);
        traced.run(|| drop(info_span!("span", query = "q", top_k = 3_u64, app.ratio = 0.5)));
        let spans = traced.delivered();
        let got = spans.one("span");
        Some((got.attributes(), got.resource.clone(), got.scope.clone(), got.span.kind))
    });
    let [own, official] = bodies;
    assert!(own.is_some());
    assert!(official.is_none_or(|official| Some(official) == own));
}

#[test]
fn the_resource_is_what_the_variables_say() {
    let traced = with(
        Server::collector(),
        &[
            ("OTEL_SERVICE_NAME", "api"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,team=blue%2Cgreen"),
        ],
    );
    traced.end_span("span");
    let resource = traced.delivered().0.remove(0).resource;
    assert_eq!(resource["service.name"], "api");
    assert_eq!(resource["team"], "blue,green");
}
