//! As much of an MLflow server as set-up asks for.

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::super::http::Answer;
use super::request::Request;

/// The experiments; the place in the list is the id.
#[derive(Debug)]
pub(crate) struct Store(Vec<Experiment>);

#[derive(Debug)]
struct Experiment {
    name: String,
    deleted: bool,
}

impl Default for Store {
    fn default() -> Self {
        Self(vec![Experiment { name: "Default".to_owned(), deleted: false }])
    }
}

impl Store {
    /// Adds an experiment and returns its id.
    pub(crate) fn add(&mut self, name: &str) -> String {
        self.0.push(Experiment { name: name.to_owned(), deleted: false });
        (self.0.len() - 1).to_string()
    }

    pub(crate) fn set_deleted(&mut self, name: &str, deleted: bool) {
        self.0.iter_mut().find(|known| known.name == name).unwrap().deleted = deleted;
    }

    /// Source: mlflow 3.17.2, `get`, `get-by-name` and `create` of `/api/2.0/mlflow/experiments`.
    pub(super) fn answer(&mut self, request: &Request) -> Answer {
        let (path, query) =
            request.head.path.split_once('?').unwrap_or((request.head.path.as_str(), ""));
        let asked = query.split_once('=').map(|(_, value)| value).unwrap_or_default();
        let asked = percent_decode_str(asked).decode_utf8().unwrap().into_owned();
        match path.rsplit('/').next().unwrap() {
            "get" => self.describe(asked.parse().ok()),
            "get-by-name" => self.describe(self.0.iter().position(|known| known.name == asked)),
            "create" => {
                let name = request.json()["name"].as_str().unwrap().to_owned();
                if self.0.iter().any(|known| known.name == name) {
                    return refusal(400, "RESOURCE_ALREADY_EXISTS");
                }
                let id = self.add(&name);
                Answer::new(200).json(&json!({ "experiment_id": id }))
            }
            other => panic!("nobody should ask for {other}"),
        }
    }

    fn describe(&self, id: Option<usize>) -> Answer {
        let Some((id, known)) = id.and_then(|id| Some((id, self.0.get(id)?))) else {
            return refusal(404, "RESOURCE_DOES_NOT_EXIST");
        };
        let experiment: Value = json!({
            "experiment_id": id.to_string(),
            "name": known.name,
            "lifecycle_stage": if known.deleted { "deleted" } else { "active" },
        });
        Answer::new(200).json(&json!({ "experiment": experiment }))
    }
}

/// How the server words a refusal.
pub(crate) fn refusal(status: u16, code: &str) -> Answer {
    Answer::new(status).json(&json!({ "error_code": code, "message": "as the test wants it" }))
}
