//! What must be right at an MLflow server before it takes spans, looked at without sending any.

use std::time::Duration;

use super::{MlflowWire, NOT_MLFLOW, OLDEST, judge, refused};
use crate::export::mlflow_settings::Experiment;
use crate::finding::{Finding, Severity};
use crate::semconv::http as names;
use crate::sync::wall_clock;
use crate::transport::http::{Method, Outcome, Reply};
use crate::transport::parts::Parts;
use crate::transport::{Verdict, checkup};

impl MlflowWire {
    pub(super) fn examined(&self, timeout: Duration) -> Vec<Finding> {
        let proxy = self.settings.connection.proxy.as_ref();
        let reply = match self.ask(Method::Get, names::VERSION_PATH, &[], timeout) {
            Ok(reply) => reply,
            Err(verdict) => {
                let mut findings = checkup::between(proxy, None);
                findings.push(checkup::finding(verdict, ""));
                return findings;
            }
        };
        let mut findings = checkup::between(proxy, Some(&reply));
        findings.extend(checkup::clock(reply.date, wall_clock()));
        let version = version(reply);
        let goes_on = version.severity < Severity::Error;
        findings.push(version);
        if goes_on {
            findings.extend(self.examined_experiment(timeout));
        }
        findings
    }

    fn examined_experiment(&self, timeout: Duration) -> Vec<Finding> {
        let id = match &self.settings.experiment {
            Experiment::Id(id) => self.check_experiment(id, timeout).map(|()| Some(id.clone())),
            Experiment::Name(name) => self.look_up_experiment(name, timeout),
        };
        match id {
            Err(verdict) => vec![checkup::finding(verdict, "")],
            Ok(id) => {
                let experiment = match (&id, &self.settings.experiment) {
                    (Some(id), _) => format!("the experiment with id {id} is there"),
                    (None, Experiment::Name(name)) => {
                        format!(
                            "the experiment `{name}` is not there yet, and made when spans come"
                        )
                    }
                    (None, Experiment::Id(_)) => String::new(),
                };
                vec![Finding::ok(experiment), self.examined_traces_path(id.as_deref(), timeout)]
            }
        }
    }

    /// As [`check_traces_path`](Self::check_traces_path), also where there is no experiment yet.
    fn examined_traces_path(&self, id: Option<&str>, timeout: Duration) -> Finding {
        const ANY: &str = "0";
        let headers = self.headers_for(id.unwrap_or(ANY));
        let outcome = self.post_spans(&headers, &Parts::default(), timeout);
        let takes_spans = Finding::ok("takes spans");
        match (&outcome, judge(&outcome, 0)) {
            (Outcome::Reply(reply), Verdict::Delivered { .. }) if reply.is_page() => {
                Finding::error(NOT_MLFLOW)
            }
            // That experiment need not be ours; one that we make is.
            (Outcome::Reply(reply), _) if id.is_none() && reply.status == 403 => takes_spans,
            (_, failed @ Verdict::Failed { .. }) => checkup::finding(failed, ""),
            _ => takes_spans,
        }
    }
}

fn version(reply: Reply) -> Finding {
    let text = reply.text().trim().to_owned();
    match (reply.status, parsed(&text)) {
        (200, Some(version)) if version < OLDEST => Finding::error(format!(
            "MLflow {text} is too old: upgrade the server to {}.{} or newer",
            OLDEST.0, OLDEST.1
        )),
        (200, Some(_)) => Finding::ok(format!("MLflow {text} answers")),
        // A proxy may route nothing but what spans need.
        (404 | 405, _) => Finding::warning(format!(
            "HTTP {}: the version cannot be asked for; the server must be MLflow {}.{} or newer",
            reply.status, OLDEST.0, OLDEST.1
        )),
        _ => checkup::finding(refused(reply), ""),
    }
}

/// The first two numbers of a version.
fn parsed(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let judged = |text: &str| {
            let reply = Reply { status: 200, body: text.into(), ..Reply::default() };
            version(reply).severity
        };
        for new in ["3.6.0", "3.17.2", "3.6.0rc1", "3.10.1.dev0", "4.0.0\n"] {
            assert_eq!(judged(new), Severity::Ok, "{new}");
        }
        for old in ["3.5.2", "2.22.1", "0.9"] {
            assert_eq!(judged(old), Severity::Error, "{old}");
        }
        for other in ["", "<html>", "ok", "3"] {
            assert_eq!(judged(other), Severity::Error, "{other}");
        }
    }
}
