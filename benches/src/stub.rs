//! What an MLflow server would answer, without its work: it forgets what it is told.

use std::io;

use serde_json::{Value, json};

use crate::otlp;
use crate::server::{Answer, Request, Server};

const JSON: &str = "application/json";

pub fn start() -> io::Result<Server> {
    Server::start(answer)
}

fn answer(request: &Request<'_>) -> Answer {
    let path = request.path.split('?').next().unwrap_or("");
    match (request.method, path) {
        ("GET", "/version") => Answer { content_type: "text/plain", body: "3.17.2".to_owned() },
        ("POST", otlp::PATH) => {
            Answer { content_type: "application/x-protobuf", body: String::new() }
        }
        ("GET", "/api/2.0/mlflow/experiments/get") => answered(&json!({ "experiment": {
            "experiment_id": "0",
            "name": "Default",
            "artifact_location": "mlflow-artifacts:/0",
            "lifecycle_stage": "active",
        }})),
        ("POST", "/api/3.0/mlflow/traces") => answered(&stored(request.body)),
        _ => answered(&json!({})),
    }
}

/// The trace as it was sent, with what the server adds when its spans are there.
fn stored(body: &[u8]) -> Value {
    let mut trace: Value = serde_json::from_slice(body).unwrap_or_default();
    let tags = &mut trace["trace"]["trace_info"]["tags"];
    tags["mlflow.trace.spansLocation"] = "TRACKING_STORE".into();
    tags["mlflow.artifactLocation"] = "mlflow-artifacts:/0/traces/artifacts".into();
    trace
}

fn answered(value: &Value) -> Answer {
    Answer { content_type: JSON, body: value.to_string() }
}
