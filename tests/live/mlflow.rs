//! An MLflow server, asked over REST.

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Deserialize as _;
use serde_json::{Map, Value, json};
use ureq::RequestBuilder;

use super::servers::told;
use super::stored::{Event, Link, Span, Trace};
use super::support::spans::hex;

const EXPERIMENTS: &str = "/api/2.0/mlflow/experiments";
const TRACES: &str = "/api/3.0/mlflow/traces";

#[derive(Clone, Debug)]
pub(crate) struct Mlflow {
    pub(crate) uri: String,
    /// User and password.
    pub(crate) credentials: Option<(String, String)>,
}

/// An experiment that no other test, and no earlier run, knows.
#[derive(Clone, Debug)]
pub(crate) struct Experiment {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Mlflow {
    pub(crate) fn plain() -> Self {
        Self { uri: told("MLFLOW_TEST_URI"), credentials: None }
    }

    pub(crate) fn killable() -> Self {
        Self { uri: told("MLFLOW_TEST_KILLABLE_URI"), credentials: None }
    }

    pub(crate) fn killable_on_postgres() -> Self {
        Self { uri: told("MLFLOW_TEST_KILLABLE_POSTGRES_URI"), credentials: None }
    }

    /// One on PostgreSQL, under a path prefix, that asks for a password.
    pub(crate) fn with_password() -> Self {
        let credentials = (told("MLFLOW_TEST_AUTH_USER"), told("MLFLOW_TEST_AUTH_PASSWORD"));
        Self { uri: told("MLFLOW_TEST_AUTH_URI"), credentials: Some(credentials) }
    }

    pub(crate) fn experiment(&self, test: &str) -> Experiment {
        let name = unused_name(test);
        let answer = self.post(&format!("{EXPERIMENTS}/create"), &json!({ "name": name }));
        Experiment { id: text(&answer["experiment_id"]), name }
    }

    pub(crate) fn delete(&self, experiment: &Experiment) {
        self.post(&format!("{EXPERIMENTS}/delete"), &json!({ "experiment_id": experiment.id }));
    }

    /// The id of the experiment of this name.
    pub(crate) fn experiment_id(&self, name: &str) -> String {
        let path =
            format!("{EXPERIMENTS}/get-by-name?experiment_name={}", name.replace(' ', "%20"));
        text(&self.get(&path)["experiment"]["experiment_id"])
    }

    /// Every trace of the experiment, page by page.
    pub(crate) fn trace_ids(&self, experiment_id: &str) -> Vec<String> {
        self.search(experiment_id, "")
    }

    /// Every trace of the experiment whose spans came from this service.
    pub(crate) fn trace_ids_of(&self, experiment_id: &str, service: &str) -> Vec<String> {
        self.search(experiment_id, &format!("tags.`service.name` = '{service}'"))
    }

    fn search(&self, experiment_id: &str, filter: &str) -> Vec<String> {
        let location = json!({
            "type": "MLFLOW_EXPERIMENT",
            "mlflow_experiment": { "experiment_id": experiment_id },
        });
        let mut ids = Vec::new();
        let mut query = json!({ "locations": [location], "filter": filter, "max_results": 50 });
        loop {
            let answer = self.post(&format!("{TRACES}/search"), &query);
            let page = answer["traces"].as_array().cloned().unwrap_or_default();
            ids.extend(page.iter().map(|info| text(&info["trace_id"])));
            match answer["next_page_token"].as_str() {
                Some(token) if !token.is_empty() => query["page_token"] = token.into(),
                _ => return ids,
            }
        }
    }

    pub(crate) fn trace(&self, trace_id: &str) -> Trace {
        trace(&self.get(&format!("{TRACES}/get?trace_id={trace_id}"))["trace"])
    }

    pub(crate) fn answers(&self) -> bool {
        ureq::get(format!("{}/version", self.uri)).call().is_ok()
    }

    fn get(&self, path: &str) -> Value {
        let request = ureq::get(format!("{}{path}", self.uri));
        let answer = self.authorized(request).call();
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        serde_json::from_str(&answer.into_body().read_to_string().unwrap()).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request = ureq::post(format!("{}{path}", self.uri));
        let answer = self
            .authorized(request)
            .header("Content-Type", "application/json")
            .send(body.to_string());
        let answer = answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"));
        serde_json::from_str(&answer.into_body().read_to_string().unwrap()).unwrap()
    }

    fn authorized<B>(&self, request: RequestBuilder<B>) -> RequestBuilder<B> {
        match &self.credentials {
            Some((user, password)) => {
                let secret = BASE64.encode(format!("{user}:{password}"));
                request.header("Authorization", format!("Basic {secret}"))
            }
            None => request,
        }
    }
}

/// A name that starts like this and that nobody has used.
pub(crate) fn unused_name(test: &str) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("{test} {}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

fn trace(answer: &Value) -> Trace {
    let info = &answer["trace_info"];
    let strings = |key: &str| Option::deserialize(&info[key]).unwrap().unwrap_or_default();
    let optional = |key: &str| info[key].as_str().map(str::to_owned);
    Trace {
        id: text(&info["trace_id"]),
        experiment_id: text(&info["trace_location"]["mlflow_experiment"]["experiment_id"]),
        client_request_id: optional("client_request_id"),
        state: text(&info["state"]),
        request_time: text(&info["request_time"]),
        duration_ms: info["execution_duration"].as_str().map(milliseconds),
        request_preview: optional("request_preview"),
        response_preview: optional("response_preview"),
        tags: strings("tags"),
        metadata: strings("trace_metadata"),
        spans: items(&answer["spans"]).map(span).collect(),
    }
}

fn span(answer: &Value) -> Span {
    let attributes = object(&answer["attributes"]);
    let attribute = |key: &str| attributes.get(key).cloned().unwrap_or_default();
    // What is nought is left out.
    let status = answer["status"]["code"].as_str().unwrap_or("STATUS_CODE_UNSET");
    Span {
        id: id(&answer["span_id"]).unwrap(),
        parent_id: id(&answer["parent_span_id"]),
        name: answer["name"].as_str().unwrap_or_default().to_owned(),
        kind: attribute("mlflow.spanType"),
        inputs: attribute("mlflow.spanInputs"),
        outputs: attribute("mlflow.spanOutputs"),
        status: status.strip_prefix("STATUS_CODE_").unwrap().to_owned(),
        message: answer["status"]["message"].as_str().unwrap_or_default().to_owned(),
        start: answer["start_time_unix_nano"].as_u64().unwrap(),
        end: answer["end_time_unix_nano"].as_u64().unwrap(),
        events: items(&answer["events"]).map(event).collect(),
        links: items(&answer["links"]).map(link).collect(),
        attributes,
    }
}

fn event(answer: &Value) -> Event {
    Event {
        name: text(&answer["name"]),
        time: answer["time_unix_nano"].as_u64().unwrap(),
        attributes: object(&answer["attributes"]),
    }
}

fn link(answer: &Value) -> Link {
    Link {
        trace_id: format!("tr-{}", id(&answer["trace_id"]).unwrap()),
        span_id: id(&answer["span_id"]).unwrap(),
        attributes: object(&answer["attributes"]),
    }
}

/// `None` for a span without parent.
fn id(base64: &Value) -> Option<String> {
    Some(hex(&BASE64.decode(base64.as_str()?).unwrap()))
}

fn object(pairs: &Value) -> Map<String, Value> {
    let key = |pair: &Value| pair["key"].as_str().unwrap_or_default().to_owned();
    items(pairs).map(|pair| (key(pair), any(&pair["value"]))).collect()
}

/// OTLP's value as protobuf JSON has it.
fn any(value: &Value) -> Value {
    let Some((kind, content)) = value.as_object().and_then(|value| value.iter().next()) else {
        return Value::Null;
    };
    match kind.as_str() {
        "kvlist_value" => object(&content["values"]).into(),
        "array_value" => items(&content["values"]).map(any).collect::<Vec<_>>().into(),
        "string_value" | "bool_value" | "int_value" | "double_value" => content.clone(),
        other => panic!("not sent by this crate: {other}"),
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}

/// Of a duration such as `0.141s`.
fn milliseconds(duration: &str) -> u64 {
    let (seconds, fraction) = match duration.strip_suffix('s').unwrap().split_once('.') {
        Some((seconds, fraction)) => (seconds, format!("{fraction:0<3}")),
        None => (duration.strip_suffix('s').unwrap(), "000".to_owned()),
    };
    seconds.parse::<u64>().unwrap() * 1000 + fraction.parse::<u64>().unwrap()
}
