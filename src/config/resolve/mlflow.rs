//! The MLflow server: address, experiment, credentials.

use super::{DestinationConfig, KindConfig, Resolver, Said, Target, place_of};
use crate::config::credentials_file::CredentialsFile;
use crate::config::destination::Mlflow;
use crate::config::env::{Env, program};
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::export::mlflow_settings::{Experiment, MlflowSettings};
use crate::model::trace_info_mode::TraceInfoMode;
use crate::semconv::http;
use crate::transport::Limits;
use crate::transport::endpoint::{Credentials, Endpoint, check_header, masked};
use crate::transport::headers::Headers;

const DEFAULT_EXPERIMENT_ID: &str = "0";

impl Resolver<'_> {
    pub(super) fn mlflow(&mut self, options: &Mlflow, env: &Env) -> Result<DestinationConfig> {
        let uri = Said::named(options.uri.as_ref(), env, &[var::MLFLOW_TRACKING_URI]);
        let uri = uri.ok_or_else(|| {
            Error::config("Mlflow::new", "", "the server's address is missing; name it there")
        })?;
        let endpoint = tracking_endpoint(&uri)?;
        self.explanation.note("MLflow server", endpoint.url(), uri.source);
        let experiment = self.experiment(options, env)?;
        let in_uri = endpoint.credentials().map(|found| (found.clone(), uri.source));
        let mut headers = Headers::default();
        if let Some((credentials, source)) = self.credentials(options, env).or(in_uri) {
            let value = credentials.header_value();
            check_header(place_of(source), "Authorization", &value)?;
            headers.set("Authorization", value);
        }
        self.workspace(options, env, &mut headers)?;
        let trace_info = self.trace_info(options, env)?;
        let print_url = match options.print_url {
            Some(print) => print,
            None => parse::flag(env, var::MLFLOW_TRACING_PRINT_URL, true)?,
        };
        // Who runs the program is no setting of a destination.
        let user = env.get(var::MLFLOW_TRACKING_USERNAME);
        let user = user.or_else(|| self.builder.env.get(var::USER)).map(str::to_owned);
        let connection =
            self.connection(endpoint.url(), &options.reach, &super::connection::MLFLOW, env)?;
        let retry = self.retry(Target::Mlflow, options.reach.timeout, env)?;
        let settings = MlflowSettings {
            endpoint,
            headers,
            experiment,
            trace_info,
            print_url,
            connection,
            limits: self.request_limits(&options.reach, Limits::USUAL, env)?,
            encoder: self.encoder,
            user,
            model_id: env.get(var::MLFLOW_ACTIVE_MODEL_ID).map(str::to_owned),
            source_name: program().map(str::to_owned),
        };
        let kind = KindConfig::Mlflow(Box::new(settings));
        Ok(DestinationConfig { kind, retry, filter: None })
    }

    /// Source: mlflow 3.17.2 `utils/workspace_utils.py`: a header of every request.
    fn workspace(&mut self, options: &Mlflow, env: &Env, headers: &mut Headers) -> Result<()> {
        let names = [var::MLFLOW_WORKSPACE];
        let said = Said::first("with_workspace", options.workspace.as_ref(), env, &names);
        let Some(said) = said else { return Ok(()) };
        check_header(said.place(), http::WORKSPACE_HEADER, &said.text)?;
        self.explanation.note("workspace", said.text.clone(), said.source);
        headers.set(http::WORKSPACE_HEADER, said.text);
        Ok(())
    }

    fn experiment(&mut self, options: &Mlflow, env: &Env) -> Result<Experiment> {
        let names = [var::MLFLOW_TRACING_DESTINATION, var::MLFLOW_EXPERIMENT_ID];
        let id = Said::first("with_experiment_id", options.experiment_id.as_ref(), env, &names);
        let names = [var::MLFLOW_EXPERIMENT_NAME];
        let name = Said::first("with_experiment", options.experiment.as_ref(), env, &names);
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
                    if id.place() == var::MLFLOW_TRACING_DESTINATION {
                        let fix = "an experiment id is a number; tables of Unity Catalog are not supported yet";
                        return Err(Error::config(id.place(), &id.text, fix));
                    }
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

    fn credentials(&mut self, options: &Mlflow, env: &Env) -> Option<(Credentials, Source)> {
        let built = match (&options.basic_auth, &options.token) {
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
            let stored = CredentialsFile::of(env, &mut self.explanation);
            let user = env.get(var::MLFLOW_TRACKING_USERNAME).map(str::to_owned);
            let user = user.or(stored.user);
            let in_variable = env.get(var::MLFLOW_TRACKING_PASSWORD).map(str::to_owned);
            let source = match in_variable {
                Some(_) => Source::Variable(var::MLFLOW_TRACKING_PASSWORD),
                None => Source::File(CredentialsFile::SHOWN),
            };
            match (user, in_variable.or(stored.password), env.get(var::MLFLOW_TRACKING_TOKEN)) {
                (Some(user), Some(password), _) => (Credentials::Basic { user, password }, source),
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
        Some((credentials, source))
    }

    fn trace_info(&mut self, options: &Mlflow, env: &Env) -> Result<TraceInfoMode> {
        let name = var::MLFLOW_TRACING_TRACE_INFO;
        let (mode, source) = match (options.trace_info, env.get(name)) {
            (Some(mode), _) => (mode, Source::Builder("with_trace_info")),
            (None, Some(value)) => {
                let mode = TraceInfoMode::from_name(&value.to_ascii_lowercase());
                let mode =
                    mode.ok_or_else(|| Error::config(name, value, "write auto, always or never"))?;
                (mode, Source::Variable(name))
            }
            (None, None) => (TraceInfoMode::Auto, Source::Default),
        };
        self.explanation.note("trace info", format!("{mode:?}").to_ascii_lowercase(), source);
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
