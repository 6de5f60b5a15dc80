//! OTLP over HTTP: protobuf or JSON, headers, gzip.

use std::time::Duration;

use super::{CERTIFICATES, OtlpSettings, grpc};
use crate::export::form::Form;
use crate::export::reply;
use crate::finding::Finding;
use crate::semconv::http::EXPERIMENT_HEADER;
use crate::sync::wall_clock;
use crate::transport::checkup;
use crate::transport::gzip;
use crate::transport::http::{Failure, Http, Method, Outcome, Request};
use crate::transport::parts::Parts;
use crate::transport::proxy::CREDENTIALS as PROXY_CREDENTIALS;
use crate::transport::retry::{Receiver, classify};
use crate::transport::{Epilogue, Limits, Payload, Verdict, Wire};

#[derive(Debug)]
pub(super) struct HttpWire {
    http: Http,
    form: Form,
    settings: OtlpSettings,
}

impl HttpWire {
    pub(super) fn new(settings: OtlpSettings, form: Form) -> Self {
        Self { http: Http::new(&settings.connection), form, settings }
    }

    /// Who is told the experiment is MLflow's server.
    fn receiver(&self) -> Receiver {
        let is_mlflow = self.settings.headers.iter().any(|(name, _)| is_experiment(name));
        if is_mlflow { Receiver::Mlflow } else { Receiver::Otlp }
    }

    fn post(&self, body: &Parts<'_>, timeout: Duration) -> (Verdict, Outcome) {
        let compressed = if self.settings.gzip { gzip::compressed(body) } else { None };
        let sent = compressed.as_ref().unwrap_or(body);
        let outcome = reply::readable(self.http.send(&Request {
            method: Method::Post,
            url: &self.settings.url,
            headers: &self.settings.headers,
            content_type: self.form.content_type(),
            content_encoding: compressed.as_ref().map(|_| "gzip"),
            body: sent,
            timeout,
        }));
        (classify(&outcome, self.receiver(), sent.len()).advised(advice(&outcome)), outcome)
    }
}

impl Wire for HttpWire {
    fn limits(&self) -> Limits {
        self.settings.limits
    }

    /// An empty request: receivers answer it with success, or at least tell what is wrong.
    fn prepare(&mut self, timeout: Duration) -> Verdict {
        match self.post(&self.form.request(&[]), timeout).0 {
            Verdict::Split { .. } => Verdict::delivered(),
            other => other,
        }
    }

    fn examine(&mut self, timeout: Duration) -> Vec<Finding> {
        let (mut verdict, mut outcome) = self.post(&self.form.request(&[]), timeout);
        if matches!(verdict, Verdict::Split { .. }) {
            // MLflow, for one, refuses a request with nothing in it, but not one with nothing in that.
            (verdict, outcome) = self.post(&self.form.without_spans(), timeout);
        }
        let reply = match &outcome {
            Outcome::Reply(reply) => Some(reply),
            Outcome::Failed(_) => None,
        };
        let mut findings = checkup::between(self.settings.connection.proxy.as_ref(), reply);
        findings.push(match reply.filter(|reply| reply.status < 300 && reply.is_page()) {
            Some(_) => Finding::error(format!("the answer is a page for people; {PATH}")),
            None => {
                checkup::finding(verdict, format!("takes OTLP as {}", self.form.content_type()))
            }
        });
        findings.extend(checkup::clock(reply.and_then(|reply| reply.date), wall_clock()));
        if reply.is_none() && grpc::is_spoken(&self.settings, timeout) {
            findings.push(Finding::error(format!("gRPC is spoken there; {TAKE_GRPC}")));
        }
        findings
    }

    fn deliver(&mut self, spans: &[Payload], timeout: Duration) -> Verdict {
        let (verdict, outcome) = self.post(&self.form.request(spans), timeout);
        reply::accepted(verdict, &outcome)
    }

    /// OTLP has nothing that follows a trace.
    fn finish(&mut self, _epilogue: &Epilogue, _whole: bool, _timeout: Duration) -> Verdict {
        Verdict::delivered()
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        let http = self.http.clone();
        Box::new(move || http.shutdown())
    }
}

fn is_experiment(header: &str) -> bool {
    header.eq_ignore_ascii_case(EXPERIMENT_HEADER)
}

/// Whether a server is there that speaks HTTP, whatever it answers.
pub(super) fn is_spoken(settings: &OtlpSettings, timeout: Duration) -> bool {
    let form = Form::Protobuf;
    let wire = HttpWire::new(settings.clone(), form);
    matches!(wire.post(&form.request(&[]), timeout).1, Outcome::Reply(_))
}

const TAKE_GRPC: &str = "set OTEL_EXPORTER_OTLP_PROTOCOL=grpc";
const LISTENING: &str = "is a collector listening there for HTTP? For gRPC set \
                         OTEL_EXPORTER_OTLP_PROTOCOL=grpc";
const PATH: &str = "check the path: OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is, \
                    OTEL_EXPORTER_OTLP_ENDPOINT gets /v1/traces appended";

/// What a person can do about it.
fn advice(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Failed(Failure::Unusable(_)) => CERTIFICATES,
        Outcome::Failed(_) => LISTENING,
        Outcome::Reply(reply) if reply.misses_certificate() => CERTIFICATES,
        Outcome::Reply(reply) => match reply.status {
            300..=399 => {
                "redirects are not followed; set OTEL_EXPORTER_OTLP_TRACES_ENDPOINT to where it leads"
            }
            401 | 403 => "set the credentials in OTEL_EXPORTER_OTLP_HEADERS",
            404 | 405 => PATH,
            407 => PROXY_CREDENTIALS,
            501 => "does this address take traces? Check OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            _ => "",
        },
    }
}
