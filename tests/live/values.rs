//! Every value comes back as it was set, through REST and through the official client.

use mlflow_tracing::MlflowSpanExt as _;
use mlflow_tracing::tracing_opentelemetry::OpenTelemetrySpanExt as _;
use serde_json::{Map, Value, json};
use tracing::{Span, info_span};

use super::mlflow::Mlflow;
use super::program::Program;

/// Texts that a server may take for something else.
const TEXTS: [&str; 15] = [
    "",
    " ",
    "plain",
    "héllo 🦀 日本 \u{202e}",
    "two\nlines\tand \"quotes\" and \\",
    "with \u{1} and \u{7f}",
    "123",
    "-0.5e3",
    "true",
    "null",
    "NaN",
    r#"{"an": "object"}"#,
    "[1, 2]",
    r#""quoted""#,
    r#" {"after": "a space"}"#,
];

fn scalars() -> Vec<Value> {
    let numbers = json!([true, false, 0, -1, i64::MAX, i64::MIN, 0.1, -2.0, 1e300, 5e-324]);
    let texts = TEXTS.iter().map(|text| json!(text));
    numbers.as_array().unwrap().iter().cloned().chain(texts).collect()
}

fn structures() -> Vec<Value> {
    let every = scalars();
    let nested = json!({ "list": [1, [2.5, [null, { "empty": {}, "none": [] }]]], "text": TEXTS });
    let keyed: Map<String, Value> =
        TEXTS.iter().map(|text| ((*text).to_owned(), json!(1))).collect();
    vec![json!([]), json!({}), json!(every), nested, keyed.into()]
}

/// Sets each value on a span of its own, all of one trace, and compares what came back.
fn check(test: &str, values: &[Value], set: impl Fn(&Span, &Value), key: &str) {
    check_on(Mlflow::plain(), test, values, set, key);
}

fn check_on(server: Mlflow, test: &str, values: &[Value], set: impl Fn(&Span, &Value), key: &str) {
    let program = Program::on(server, test, |builder| builder);
    let trace_id = program.run(|| {
        let root = info_span!("root").entered();
        for (index, value) in values.iter().enumerate() {
            set(&info_span!("value", otel.name = index), value);
        }
        root.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    for (index, value) in values.iter().enumerate() {
        let stored = trace.span(&index.to_string()).attributes.get(key);
        assert_eq!(stored, Some(value), "{test} {index}");
    }
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn inputs_come_back_as_they_were_set() {
    let values = [scalars(), structures()].concat();
    let set = |span: &Span, value: &Value| {
        span.set_inputs(value);
    };
    check("inputs", &values, set, "mlflow.spanInputs");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn inputs_come_back_from_postgresql_as_they_were_set() {
    let values = [scalars(), structures()].concat();
    let set = |span: &Span, value: &Value| {
        span.set_inputs(value);
    };
    check_on(Mlflow::with_password(), "PostgreSQL", &values, set, "mlflow.spanInputs");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn outputs_come_back_as_they_were_set() {
    let values = [scalars(), structures()].concat();
    let set = |span: &Span, value: &Value| {
        span.set_outputs(value);
    };
    check("outputs", &values, set, "mlflow.spanOutputs");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn json_attributes_come_back_as_they_were_set() {
    let values = [scalars(), structures()].concat();
    let set = |span: &Span, value: &Value| {
        span.set_json_attribute("app.value", value);
    };
    check("json attributes", &values, set, "app.value");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn attributes_of_the_opentelemetry_api_come_back_as_they_were_set() {
    let set = |span: &Span, value: &Value| match value {
        Value::Bool(value) => span.set_attribute("app.value", *value),
        Value::String(text) => span.set_attribute("app.value", text.clone()),
        number => match number.as_i64() {
            Some(integer) => span.set_attribute("app.value", integer),
            None => span.set_attribute("app.value", number.as_f64().unwrap()),
        },
    };
    check("API attributes", &scalars(), set, "app.value");
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn arguments_keep_their_types() {
    #[tracing::instrument(ret)]
    fn work(flag: bool, small: u8, least: i64, ratio: f64, object: &str, list: Vec<u8>) -> usize {
        list.len()
    }

    let program = Program::new("arguments");
    let trace_id = program.run(|| {
        let root = info_span!("root").entered();
        work(true, 7, i64::MIN, 0.1, r#"{"an": "object"}"#, vec![1, 2]);
        root.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    let inputs = json!({
        "flag": true,
        "small": 7,
        "least": i64::MIN,
        "ratio": 0.1,
        "object": r#"{"an": "object"}"#,
        "list": "[1, 2]",
    });
    assert_eq!(trace.span("work").inputs, inputs);
    assert_eq!(trace.span("work").outputs, 2);
}

#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn structure_too_deep_for_the_server_goes_on_as_text() {
    const KEPT: usize = 24;
    let program = Program::new("depth");
    let list = |depth, leaf| (0..depth).fold(leaf, |inner, _| json!([inner]));
    let object = |depth, leaf| (0..depth).fold(leaf, |inner, _| json!({ "in": inner }));
    let trace_id = program.run(|| {
        let span = info_span!("deep").entered();
        span.set_inputs(&list(30, json!("here"))).set_outputs(&object(30, json!("here")));
        span.set_json_attribute("app.fits", &object(KEPT, json!("here")));
        span.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    let rest = |structure: Value| Value::String(structure.to_string());
    let span = trace.span("deep");
    assert_eq!(span.inputs, list(KEPT, rest(list(30 - KEPT, json!("here")))));
    assert_eq!(span.outputs, object(KEPT, rest(object(30 - KEPT, json!("here")))));
    assert_eq!(span.attributes["app.fits"], object(KEPT, json!("here")));
}

/// The server stores such an integer, and then cannot read the trace: it goes as text.
#[test]
#[ignore = "needs real servers: run tests/all.sh"]
fn an_integer_beyond_64_bits_with_sign_does_not_spoil_its_trace() {
    let program = Program::new("large integers");
    let trace_id = program.run(|| {
        let root = info_span!("fields", most = u64::MAX, huge = u128::MAX, fits = 1_u128).entered();
        info_span!("inputs").set_inputs(&json!({ "most": u64::MAX, "list": [u64::MAX, 1e300] }));
        info_span!("attribute").set_json_attribute("app.most", &u64::MAX);
        root.trace_id().unwrap()
    });
    let trace = program.stored(&trace_id);
    let most = u64::MAX.to_string();
    let fields = json!({ "most": most, "huge": u128::MAX.to_string(), "fits": 1 });
    assert_eq!(trace.span("fields").inputs, fields);
    assert_eq!(trace.span("inputs").inputs, json!({ "most": most, "list": [most, 1e300] }));
    assert_eq!(trace.span("attribute").attributes["app.most"], most);
}
