//! The MLflow server: address, experiment, credentials.

use super::{Resolver, Said};
use crate::config::explain::Source;
use crate::config::{env, variable as var};
use crate::error::{Error, Result};
use crate::export::mlflow_settings::{Experiment, MlflowSettings};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::transport::endpoint::{Credentials, Endpoint, check_header, masked};
use crate::transport::headers::Headers;

const DEFAULT_EXPERIMENT_ID: &str = "0";

impl Resolver<'_> {
    pub(super) fn mlflow(&mut self) -> Result<Option<MlflowSettings>> {
        let uri = self.said(
            "with_tracking_uri",
            self.builder.tracking_uri.as_ref(),
            &[var::MLFLOW_TRACKING_URI],
        );
        let Some(uri) = uri else { return Ok(None) };
        let endpoint = tracking_endpoint(&uri)?;
        self.explanation.note("MLflow server", endpoint.url(), uri.source);
        let experiment = self.experiment()?;
        let credentials = self.credentials().or_else(|| endpoint.credentials().cloned());
        let mut headers = Headers::default();
        if let Some(credentials) = credentials {
            let value = credentials.header_value();
            check_header("the credentials of the MLflow server", "Authorization", &value)?;
            headers.set("Authorization", value);
        }
        let trace_info = self.trace_info()?;
        let print_url = self.flag(self.builder.print_url, var::MLFLOW_TRACING_PRINT_URL, true)?;
        let user = self.builder.env.first(&[var::MLFLOW_TRACKING_USERNAME, var::USER]);
        Ok(Some(MlflowSettings {
            endpoint,
            headers,
            experiment,
            trace_info,
            print_url,
            user: user.map(|(_, user)| user.to_owned()),
            source_name: env::program().map(str::to_owned),
        }))
    }

    fn experiment(&mut self) -> Result<Experiment> {
        let id = self.said(
            "with_experiment_id",
            self.builder.experiment_id.as_ref(),
            &[var::MLFLOW_EXPERIMENT_ID],
        );
        let name = self.said(
            "with_experiment",
            self.builder.experiment.as_ref(),
            &[var::MLFLOW_EXPERIMENT_NAME],
        );
        // A name in the program wins over an id in the environment.
        let id = match (&id, &name) {
            (
                Some(Said { source: Source::Variable(_), .. }),
                Some(Said { source: Source::Builder(_), .. }),
            ) => None,
            _ => id,
        };
        let (experiment, shown, source) = match (id, name) {
            (Some(id), name) => {
                let digits = id.text.bytes().all(|byte| byte.is_ascii_digit());
                // An empty one would be accepted by the server, and the spans dropped.
                if id.text.is_empty() || !digits {
                    let fix = "an experiment id is a number; for a name use MLFLOW_EXPERIMENT_NAME or with_experiment";
                    return Err(Error::config(id.place(), &id.text, fix));
                }
                if let Some(name) = name {
                    self.explanation.warn(format!(
                        "{} is ignored: {} wins over it",
                        name.place(),
                        id.place()
                    ));
                }
                (Experiment::Id(id.text.clone()), format!("id {}", id.text), id.source)
            }
            (None, Some(name)) if name.text.trim().is_empty() => {
                return Err(Error::config(name.place(), &name.text, "an experiment has a name"));
            }
            (None, Some(name)) => {
                let shown = format!("`{}`", name.text);
                (Experiment::Name(name.text), shown, name.source)
            }
            (None, None) => {
                let id = DEFAULT_EXPERIMENT_ID.to_owned();
                (Experiment::Id(id), format!("id {DEFAULT_EXPERIMENT_ID}"), Source::Default)
            }
        };
        self.explanation.note("experiment", shown, source);
        Ok(experiment)
    }

    fn credentials(&mut self) -> Option<Credentials> {
        let builder = self.builder;
        let built = match (&builder.basic_auth, &builder.token) {
            (Some((user, password)), _) => Some((
                Credentials::Basic { user: user.clone(), password: password.clone() },
                "with_basic_auth",
            )),
            (None, Some(token)) => Some((Credentials::Bearer(token.clone()), "with_token")),
            (None, None) => None,
        };
        let (credentials, source) = if let Some((credentials, method)) = built {
            (credentials, Source::Builder(method))
        } else {
            let user = builder.env.get(var::MLFLOW_TRACKING_USERNAME);
            let password = builder.env.get(var::MLFLOW_TRACKING_PASSWORD);
            match (user, password, builder.env.get(var::MLFLOW_TRACKING_TOKEN)) {
                (Some(user), Some(password), _) => {
                    let basic =
                        Credentials::Basic { user: user.to_owned(), password: password.to_owned() };
                    (basic, Source::Variable(var::MLFLOW_TRACKING_PASSWORD))
                }
                (_, _, Some(token)) => (
                    Credentials::Bearer(token.to_owned()),
                    Source::Variable(var::MLFLOW_TRACKING_TOKEN),
                ),
                (None, None, None) => return None,
                _ => {
                    self.explanation.warn(
                        "only one of MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD is set; \
                         without the other it is not used",
                    );
                    return None;
                }
            }
        };
        self.explanation.note("credentials", credentials.to_string(), source);
        Some(credentials)
    }

    fn trace_info(&mut self) -> Result<TraceInfoMode> {
        let name = var::MLFLOW_TRACING_TRACE_INFO;
        let (mode, source) = match (self.builder.trace_info, self.builder.env.get(name)) {
            (Some(mode), _) => (mode, Source::Builder("with_trace_info")),
            (None, Some(value)) => {
                let mode = TraceInfoMode::from_name(&value.to_ascii_lowercase());
                let mode =
                    mode.ok_or_else(|| Error::config(name, value, "write auto, always or never"))?;
                (mode, Source::Variable(name))
            }
            (None, None) => (TraceInfoMode::Auto, Source::Default),
        };
        self.explanation.note("trace info", format!("{mode:?}").to_lowercase(), source);
        Ok(mode)
    }
}

/// The MLflow server's address, or what to do about one that Python understands and we do not.
fn tracking_endpoint(uri: &Said) -> Result<Endpoint> {
    let scheme = uri.text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let fix = match scheme.as_str() {
        "databricks" | "databricks-uc" | "arn" => {
            "not supported yet; use the http(s):// address of an MLflow server"
        }
        "file" | "sqlite" | "postgresql" | "mysql" | "mssql" => {
            "a store cannot be written without a server; start `mlflow server` on it and use its http:// address"
        }
        _ if !uri.text.contains("://") => {
            "not an address of a server; write it like http://127.0.0.1:5000"
        }
        _ => return Endpoint::parse(uri.place(), &uri.text),
    };
    Err(Error::config(uri.place(), &masked(&uri.text), fix))
}
