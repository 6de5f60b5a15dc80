//! Requests to an MLflow server: the experiment at the start, spans, trace info.

mod examine;

use std::time::Duration;

use serde_json::json;

use super::trace_info::request_body;
use crate::diagnostics;
use crate::export::form::Form;
use crate::export::mlflow_settings::{Experiment, MlflowSettings};
use crate::export::{frame, reply};
use crate::finding::Finding;
use crate::model::percent;
use crate::semconv::http as names;
use crate::stats::DropReason;
use crate::transport::headers::Headers;
use crate::transport::http::{Failure, Http, Method, Outcome, Reply, Request};
use crate::transport::parts::Parts;
use crate::transport::proxy::CREDENTIALS as PROXY_CREDENTIALS;
use crate::transport::retry::{Receiver, classify};
use crate::transport::{Epilogue, Limits, Payload, Repeat, Verdict, Wire};

#[derive(Debug)]
pub(super) struct MlflowWire {
    http: Http,
    settings: MlflowSettings,
    /// The settings' headers, and the experiment's once it is known.
    span_headers: Headers,
    experiment_id: String,
    url_told: bool,
}

impl MlflowWire {
    pub(super) fn new(settings: MlflowSettings) -> Self {
        Self {
            http: Http::new(&settings.connection),
            settings,
            span_headers: Headers::default(),
            experiment_id: String::new(),
            url_told: false,
        }
    }

    /// The experiment's id, made if need be.
    fn find_experiment(&self, timeout: Duration) -> Result<String, Verdict> {
        match &self.settings.experiment {
            Experiment::Id(id) => self.check_experiment(id, timeout).map(|()| id.clone()),
            Experiment::Name(name) => match self.look_up_experiment(name, timeout)? {
                Some(id) => Ok(id),
                None => self.create_experiment(name, timeout),
            },
        }
    }

    fn check_experiment(&self, id: &str, timeout: Duration) -> Result<(), Verdict> {
        let path =
            format!("{}?experiment_id={}", names::EXPERIMENT_BY_ID_PATH, percent::encode(id));
        let reply = self.ask(Method::Get, &path, &[], timeout)?;
        match reply.status {
            404 if is_missing(&reply) => Err(Verdict::when_mended(format!(
                "there is no experiment with id {id}; set MLFLOW_EXPERIMENT_ID to one that exists, \
                 or MLFLOW_EXPERIMENT_NAME to have one made"
            ))),
            200 if is_deleted(&reply) => Err(deleted(&format!("with id {id}"))),
            200 if text_at(&reply, "/experiment/experiment_id").is_some() => Ok(()),
            // A proxy may route nothing but the spans' path.
            404 | 405 => self.check_traces_path(id, timeout),
            _ => Err(refused(reply)),
        }
    }

    /// Asks with a request that has no spans: a server that takes spans refuses just that.
    fn check_traces_path(&self, id: &str, timeout: Duration) -> Result<(), Verdict> {
        let outcome = self.post_spans(&self.headers_for(id), &Parts::default(), timeout);
        match judge(&outcome, 0) {
            failed @ Verdict::Failed { .. } => Err(failed),
            Verdict::Delivered { .. } | Verdict::Split { .. } => Ok(()),
        }
    }

    fn look_up_experiment(&self, name: &str, timeout: Duration) -> Result<Option<String>, Verdict> {
        let path =
            format!("{}?experiment_name={}", names::EXPERIMENT_BY_NAME_PATH, percent::encode(name));
        let reply = self.ask(Method::Get, &path, &[], timeout)?;
        match reply.status {
            200 if is_deleted(&reply) => Err(deleted(&format!("`{name}`"))),
            200 => match text_at(&reply, "/experiment/experiment_id") {
                Some(id) => Ok(Some(id)),
                None => Err(refused(reply)),
            },
            404 if is_missing(&reply) => Ok(None),
            _ => Err(refused(reply)),
        }
    }

    fn create_experiment(&self, name: &str, timeout: Duration) -> Result<String, Verdict> {
        let body = json!({ "name": name }).to_string();
        let reply =
            self.ask(Method::Post, names::EXPERIMENT_CREATE_PATH, body.as_bytes(), timeout)?;
        match reply.status {
            200 => text_at(&reply, "/experiment_id").ok_or_else(|| refused(reply)),
            // Another process was faster.
            400 if error_code(&reply).as_deref() == Some("RESOURCE_ALREADY_EXISTS") => {
                self.look_up_experiment(name, timeout)?.ok_or_else(|| refused(reply))
            }
            _ => Err(refused(reply)),
        }
    }

    fn ask(
        &self,
        method: Method,
        path: &str,
        body: &[u8],
        timeout: Duration,
    ) -> Result<Reply, Verdict> {
        let outcome = self.http.send(&Request {
            method,
            url: &self.settings.endpoint.join(path),
            headers: &self.settings.headers,
            content_type: Form::Json.content_type(),
            content_encoding: None,
            body: &body.to_vec().into(),
            timeout,
        });
        match outcome {
            Outcome::Reply(reply) => Ok(reply),
            failed @ Outcome::Failed(_) => Err(judge(&failed, body.len())),
        }
    }

    fn post_spans(&self, headers: &Headers, body: &Parts<'_>, timeout: Duration) -> Outcome {
        self.http.send(&Request {
            method: Method::Post,
            url: &self.settings.endpoint.join(names::TRACES_PATH),
            headers,
            content_type: Form::Protobuf.content_type(),
            content_encoding: None,
            body,
            timeout,
        })
    }

    fn headers_for(&self, experiment_id: &str) -> Headers {
        let mut headers = self.settings.headers.clone();
        headers.set(names::EXPERIMENT_HEADER, experiment_id);
        headers
    }

    fn tell_url(&mut self) {
        if self.settings.print_url && !self.url_told {
            self.url_told = true;
            let url = self
                .settings
                .endpoint
                .join(&format!("/#/experiments/{}/traces", self.experiment_id));
            diagnostics::info(&format!("traces appear at {url}"));
        }
    }
}

impl Wire for MlflowWire {
    fn limits(&self) -> Limits {
        self.settings.limits
    }

    fn prepare(&mut self, timeout: Duration) -> Verdict {
        match self.find_experiment(timeout) {
            Ok(id) => {
                self.span_headers = self.headers_for(&id);
                self.experiment_id = id;
                self.tell_url();
                Verdict::delivered()
            }
            Err(verdict) => verdict,
        }
    }

    fn examine(&mut self, timeout: Duration) -> Vec<Finding> {
        self.examined(timeout)
    }

    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict {
        let body = frame::request(spans);
        let outcome = self.post_spans(&self.span_headers, &body, timeout);
        reply::accepted(judge(&outcome, body.len()), &outcome)
    }

    fn finish(&mut self, epilogue: &Epilogue, whole: bool, timeout: Duration) -> Verdict {
        let body = request_body(epilogue, &self.experiment_id, whole);
        match self.ask(Method::Post, names::TRACE_INFO_PATH, &body, timeout) {
            Err(verdict) => verdict,
            Ok(reply) => match judge(&Outcome::Reply(reply), body.len()) {
                // The spans are stored: what cannot be mended by waiting is not worth waiting for.
                Verdict::Failed { repeat: Repeat::WhenMended, problem, .. } => {
                    Verdict::split(DropReason::Rejected, problem)
                }
                other => other,
            },
        }
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        let http = self.http.clone();
        Box::new(move || http.shutdown())
    }
}

/// The first version that takes spans at `/v1/traces`.
const OLDEST: (u32, u32) = (3, 6);
const NOT_MLFLOW: &str = "the answer is not MLflow's; check the tracking URI";
/// What to do when no connection can come about.
const CERTIFICATES: &str = "check MLFLOW_TRACKING_SERVER_CERT_PATH (who is trusted) and \
     MLFLOW_TRACKING_CLIENT_CERT_PATH (who we are)";

/// What the answer means, with what a person can do about it.
fn judge(outcome: &Outcome, body_bytes: usize) -> Verdict {
    classify(outcome, Receiver::Mlflow, body_bytes).advised(match outcome {
        Outcome::Failed(Failure::Unusable(_)) => CERTIFICATES,
        Outcome::Failed(_) => "is the MLflow server running there?",
        Outcome::Reply(reply) if reply.misses_certificate() => CERTIFICATES,
        Outcome::Reply(reply) => advice(reply),
    })
}

/// An answer that is no way to go on.
fn refused(reply: Reply) -> Verdict {
    match judge(&Outcome::Reply(reply), 0) {
        Verdict::Split { problem, .. } => Verdict::when_mended(problem),
        Verdict::Delivered { .. } => Verdict::when_mended(NOT_MLFLOW),
        failed @ Verdict::Failed { .. } => failed,
    }
}

fn advice(reply: &Reply) -> &'static str {
    match reply.status {
        300..=399 => "redirects are not followed; set MLFLOW_TRACKING_URI to where it leads",
        401 => {
            "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, \
             to credentials that the server accepts"
        }
        403 => {
            "the user of MLFLOW_TRACKING_USERNAME or MLFLOW_TRACKING_TOKEN may not write to this \
             experiment (MLFLOW_EXPERIMENT_NAME), or the server does not allow the host name in \
             MLFLOW_TRACKING_URI (its --allowed-hosts)"
        }
        407 => PROXY_CREDENTIALS,
        404 | 405 => {
            "check MLFLOW_TRACKING_URI: the server must be MLflow 3.6 or newer, and a proxy before \
             it must route /v1/traces and /api"
        }
        501 => "the server's store cannot keep spans; start it with a database as backend store",
        _ => "",
    }
}

fn deleted(which: &str) -> Verdict {
    Verdict::when_mended(format!(
        "the experiment {which} is deleted; restore it, or set MLFLOW_EXPERIMENT_NAME to another"
    ))
}

fn is_deleted(reply: &Reply) -> bool {
    text_at(reply, "/experiment/lifecycle_stage").as_deref() == Some("deleted")
}

fn is_missing(reply: &Reply) -> bool {
    error_code(reply).as_deref() == Some("RESOURCE_DOES_NOT_EXIST")
}

fn error_code(reply: &Reply) -> Option<String> {
    text_at(reply, "/error_code")
}

fn text_at(reply: &Reply, pointer: &str) -> Option<String> {
    reply.json()?.pointer(pointer)?.as_str().map(str::to_owned)
}
