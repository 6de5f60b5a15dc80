//! Turns a builder and an environment into checked settings, and says what came from where.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use tracing::level_filters::LevelFilter;

use crate::capture::filter::CaptureFilter;
use crate::config::builder::{Builder, Compression, Console};
use crate::config::explain::{Explanation, Source};
use crate::config::variable as var;
use crate::config::{env, parse, variable};
use crate::error::{Error, Result};
use crate::export::local::LocalSettings;
use crate::export::mlflow_settings::{Experiment, MlflowSettings};
use crate::export::otlp::OtlpSettings;
use crate::model::trace_info_mode::TraceInfoMode;
use crate::process::aggregate::TableLimits;
use crate::process::pipeline::PipelineSettings;
use crate::semconv::{http, otel};
use crate::transport::endpoint::{Credentials, Endpoint, MASK, check_header};
use crate::transport::retry::RetryPolicy;

const DEFAULT_EXPERIMENT_ID: &str = "0";
const DEFAULT_DIRECTORY: &str = "./mlflow-traces";
const DEFAULT_MEMORY_LIMIT: usize = 64 * 1024 * 1024;
const MIN_MEMORY_LIMIT: usize = 1024 * 1024;
const DEFAULT_DROP_TIMEOUT: Duration = Duration::from_secs(5);
const GRPC_PORT: &str = ":4317";

/// Everything set-up needs, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) disabled: bool,
    pub(crate) mlflow: Option<MlflowSettings>,
    pub(crate) otlp: Option<OtlpSettings>,
    pub(crate) local: Option<LocalSettings>,
    pub(crate) resource: Resource,
    pub(crate) pipeline: PipelineSettings,
    pub(crate) filter: CaptureFilter,
    pub(crate) drop_timeout: Duration,
    pub(crate) strict: Option<Duration>,
    /// The program's name as a `tracing` target.
    pub(crate) target: &'static str,
    pub(crate) explanation: Explanation,
}

impl Config {
    pub(crate) fn resolve(builder: &Builder) -> Result<Self> {
        Resolver { builder, explanation: Explanation::default() }.resolve()
    }
}

struct Resolver<'a> {
    builder: &'a Builder,
    explanation: Explanation,
}

/// A text with the variable or method it stands in.
struct Said {
    text: String,
    source: Source,
}

impl Said {
    /// The variable's or method's name, for an error.
    fn place(&self) -> &'static str {
        match self.source {
            Source::Builder(name) | Source::Variable(name) => name,
            Source::Default => "the default",
        }
    }
}

impl Resolver<'_> {
    fn resolve(mut self) -> Result<Config> {
        let builder = self.builder;
        let disabled = self.flag(None, var::OTEL_SDK_DISABLED, false)?;
        self.explanation.note("tracing", if disabled { "off" } else { "on" }, self.source_of(&[var::OTEL_SDK_DISABLED]));
        let mlflow = self.mlflow()?;
        let otlp = self.otlp()?;
        let (mlflow, otlp) = self.choose(mlflow, otlp);
        let local = self.local(mlflow.is_none() && otlp.is_none())?;
        let resource = self.resource()?;
        let pipeline = self.pipeline()?;
        self.unsupported();
        Ok(Config {
            disabled,
            mlflow,
            otlp,
            local,
            resource,
            pipeline,
            filter: CaptureFilter {
                max_level: builder.max_level.unwrap_or(LevelFilter::INFO),
                infrastructure: builder.infrastructure_spans,
            },
            drop_timeout: builder.drop_timeout.unwrap_or(DEFAULT_DROP_TIMEOUT),
            strict: builder.strict,
            target: env::target(),
            explanation: self.explanation,
        })
    }

    /// The builder's text, or the first variable that is set.
    fn said(
        &self,
        method: &'static str,
        built: Option<&String>,
        names: &[&'static str],
    ) -> Option<Said> {
        if let Some(text) = built {
            return Some(Said { text: text.clone(), source: Source::Builder(method) });
        }
        let (name, text) = self.builder.env.first(names)?;
        Some(Said { text: text.to_owned(), source: Source::Variable(name) })
    }

    fn source_of(&self, names: &[&'static str]) -> Source {
        self.builder.env.first(names).map_or(Source::Default, |(name, _)| Source::Variable(name))
    }

    fn flag(&self, built: Option<bool>, name: &'static str, default: bool) -> Result<bool> {
        match (built, self.builder.env.get(name)) {
            (Some(flag), _) => Ok(flag),
            (None, Some(value)) => parse::boolean(name, value),
            (None, None) => Ok(default),
        }
    }

    fn mlflow(&mut self) -> Result<Option<MlflowSettings>> {
        let uri = self.said("with_tracking_uri", self.builder.tracking_uri.as_ref(), &[var::MLFLOW_TRACKING_URI]);
        let Some(uri) = uri else { return Ok(None) };
        let endpoint = tracking_endpoint(&uri)?;
        self.explanation.note("MLflow server", endpoint.url(), uri.source);
        let experiment = self.experiment()?;
        let credentials = self.credentials().or_else(|| endpoint.credentials().cloned());
        let mut headers = Vec::new();
        if let Some(credentials) = credentials {
            let value = credentials.header_value();
            check_header("the credentials of the MLflow server", "Authorization", &value)?;
            headers.push(("Authorization".to_owned(), value));
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
        let id = self.said("with_experiment_id", self.builder.experiment_id.as_ref(), &[var::MLFLOW_EXPERIMENT_ID]);
        let name = self.said("with_experiment", self.builder.experiment.as_ref(), &[var::MLFLOW_EXPERIMENT_NAME]);
        // A name in the program wins over an id in the environment.
        let id = match (&id, &name) {
            (Some(Said { source: Source::Variable(_), .. }), Some(Said { source: Source::Builder(_), .. })) => None,
            _ => id,
        };
        let (experiment, shown, source) = match (id, name) {
            (Some(id), name) => {
                if !id.text.bytes().all(|byte| byte.is_ascii_digit()) {
                    let fix = "an experiment id is a number; for a name use MLFLOW_EXPERIMENT_NAME or with_experiment";
                    return Err(Error::config(id.place(), &id.text, fix));
                }
                if let Some(name) = name {
                    self.explanation.warn(format!("{} is ignored: {} wins over it", name.place(), id.place()));
                }
                (Experiment::Id(id.text.clone()), format!("id {}", id.text), id.source)
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
            (Some((user, password)), _) => {
                Some((Credentials::Basic { user: user.clone(), password: password.clone() }, "with_basic_auth"))
            }
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
                    let basic = Credentials::Basic { user: user.to_owned(), password: password.to_owned() };
                    (basic, Source::Variable(var::MLFLOW_TRACKING_PASSWORD))
                }
                (_, _, Some(token)) => {
                    (Credentials::Bearer(token.to_owned()), Source::Variable(var::MLFLOW_TRACKING_TOKEN))
                }
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
                let mode = mode.ok_or_else(|| Error::config(name, value, "write auto, always or never"))?;
                (mode, Source::Variable(name))
            }
            (None, None) => (TraceInfoMode::Auto, Source::Default),
        };
        self.explanation.note("trace info", format!("{mode:?}").to_lowercase(), source);
        Ok(mode)
    }

    fn otlp(&mut self) -> Result<Option<OtlpSettings>> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, var::OTEL_EXPORTER_OTLP_ENDPOINT];
        let said = self.said("with_otlp_endpoint", self.builder.otlp_endpoint.as_ref(), &names);
        let Some(said) = said else { return Ok(None) };
        let endpoint = Endpoint::parse(said.place(), &said.text)?;
        let protocol = self.protocol()?;
        let is_grpc_port = endpoint.url().split('/').nth(2).is_some_and(|host| host.ends_with(GRPC_PORT));
        if is_grpc_port && !protocol {
            let fix = "port 4317 means gRPC, which is not supported yet; use the collector's HTTP port \
                       (4318), or set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf if 4317 speaks HTTP";
            return Err(Error::config(said.place(), endpoint.url(), fix));
        }
        let url = match said.source {
            Source::Variable(var::OTEL_EXPORTER_OTLP_ENDPOINT) => endpoint.join(http::TRACES_PATH),
            _ => endpoint.url().to_owned(),
        };
        self.explanation.note("OTLP receiver", url.clone(), said.source);
        let headers = self.otlp_headers(endpoint.credentials())?;
        let gzip = self.compression()? == Compression::Gzip;
        Ok(Some(OtlpSettings { url, headers, gzip }))
    }

    /// Whether a protocol was named; it must be the one that is spoken.
    fn protocol(&self) -> Result<bool> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, var::OTEL_EXPORTER_OTLP_PROTOCOL];
        match self.builder.env.first(&names) {
            None => Ok(false),
            Some((_, value)) if value.eq_ignore_ascii_case("http/protobuf") => Ok(true),
            Some((name, value)) => {
                Err(Error::config(name, value, "not supported yet; use http/protobuf"))
            }
        }
    }

    fn otlp_headers(&mut self, in_url: Option<&Credentials>) -> Result<Vec<(String, String)>> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_HEADERS, var::OTEL_EXPORTER_OTLP_HEADERS];
        let mut headers = Vec::new();
        if let Some(credentials) = in_url {
            headers.push(("Authorization".to_owned(), credentials.header_value()));
        }
        let mut source = Source::Default;
        if let Some((name, value)) = self.builder.env.first(&names) {
            source = Source::Variable(name);
            for (key, value) in parse::pairs(name, value)? {
                check_header(name, &key, &value)?;
                replace(&mut headers, key, value);
            }
        }
        for (key, value) in &self.builder.otlp_headers {
            source = Source::Builder("with_otlp_header");
            check_header("with_otlp_header", key, value)?;
            replace(&mut headers, key.clone(), value.clone());
        }
        if !headers.is_empty() {
            let shown: Vec<String> = headers.iter().map(|(key, _)| format!("{key}={MASK}")).collect();
            self.explanation.note("headers", shown.join(","), source);
        }
        Ok(headers)
    }

    fn compression(&mut self) -> Result<Compression> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, var::OTEL_EXPORTER_OTLP_COMPRESSION];
        let words = [("gzip", Compression::Gzip), ("none", Compression::None)];
        let (compression, source) = match (self.builder.compression, self.builder.env.first(&names)) {
            (Some(compression), _) => (compression, Source::Builder("with_compression")),
            (None, Some((name, value))) => (parse::word(name, value, &words)?, Source::Variable(name)),
            (None, None) => (Compression::None, Source::Default),
        };
        self.explanation.note("compression", format!("{compression:?}").to_lowercase(), source);
        Ok(compression)
    }

    /// Which of the two is meant: all that the builder names, or else one of the environment's.
    ///
    /// Source: mlflow 3.17.2 `tracing/provider.py` `_get_span_processors`: OTLP wins.
    fn choose(
        &mut self,
        mlflow: Option<MlflowSettings>,
        otlp: Option<OtlpSettings>,
    ) -> (Option<MlflowSettings>, Option<OtlpSettings>) {
        let builder = self.builder;
        match (builder.tracking_uri.is_some(), builder.otlp_endpoint.is_some()) {
            (true, false) => (mlflow, None),
            (false, true) => (None, otlp),
            (true, true) => (mlflow, otlp),
            (false, false) if builder.directory.is_some() => (None, None),
            (false, false) if mlflow.is_some() && otlp.is_some() => {
                self.explanation.warn(
                    "both MLFLOW_TRACKING_URI and an OTLP endpoint are set: traces go to the OTLP \
                     receiver only, as with the Python SDK. Unset one of them, or name both with \
                     with_tracking_uri and with_otlp_endpoint",
                );
                (None, otlp)
            }
            (false, false) => (mlflow, otlp),
        }
    }

    fn local(&mut self, alone: bool) -> Result<Option<LocalSettings>> {
        let builder = self.builder;
        if !alone && builder.directory.is_none() {
            return Ok(None);
        }
        let named = builder.env.get(var::MLFLOW_TRACING_DIRECTORY);
        let (directory, source) = match (&builder.directory, named) {
            (Some(directory), _) => (directory.clone(), Source::Builder("with_local_directory")),
            (None, Some(value)) => (PathBuf::from(value), Source::Variable(var::MLFLOW_TRACING_DIRECTORY)),
            (None, None) => (PathBuf::from(DEFAULT_DIRECTORY), Source::Default),
        };
        self.explanation.note("local directory", directory.display().to_string(), source);
        let words = [("auto", Console::Auto), ("always", Console::Always), ("never", Console::Never)];
        let console = match (builder.console, builder.env.get(var::MLFLOW_TRACING_CONSOLE)) {
            (Some(console), _) => console,
            (None, Some(value)) => parse::word(var::MLFLOW_TRACING_CONSOLE, value, &words)?,
            (None, None) => Console::Auto,
        };
        let terminal = std::io::stderr().is_terminal();
        let console = match console {
            Console::Always => true,
            Console::Auto => terminal,
            Console::Never => false,
        };
        let colours = terminal && builder.env.get(var::NO_COLOR).is_none();
        Ok(Some(LocalSettings { directory, console, colours }))
    }

    fn resource(&mut self) -> Result<Resource> {
        let builder = self.builder;
        let mut attributes = vec![
            KeyValue::new("telemetry.sdk.language", "rust"),
            KeyValue::new("telemetry.sdk.name", env!("CARGO_PKG_NAME")),
            KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        if let Some(value) = builder.env.get(var::OTEL_RESOURCE_ATTRIBUTES) {
            let pairs = parse::pairs(var::OTEL_RESOURCE_ATTRIBUTES, value)?;
            attributes.extend(pairs.into_iter().map(|(key, value)| KeyValue::new(key, value)));
        }
        let more = builder.resource_attributes.iter();
        attributes.extend(more.map(|(key, value)| KeyValue::new(key.clone(), value.clone())));
        let said = self.said("with_service_name", builder.service_name.as_ref(), &[var::OTEL_SERVICE_NAME]);
        let named = attributes.iter().any(|kv| kv.key.as_str() == otel::SERVICE_NAME);
        let (name, source) = match said {
            Some(said) => (Some(said.text), said.source),
            None if named => (None, Source::Variable(var::OTEL_RESOURCE_ATTRIBUTES)),
            None => (Some(format!("unknown_service:{}", env::target())), Source::Default),
        };
        attributes.extend(name.map(|name| KeyValue::new(otel::SERVICE_NAME, name)));
        let resource = Resource::builder_empty().with_attributes(attributes).build();
        let name = resource.get_ref(&otel::SERVICE_NAME.into());
        let name = name.map(|name| name.as_str().into_owned()).unwrap_or_default();
        self.explanation.note("service", name, source);
        Ok(resource)
    }

    fn pipeline(&mut self) -> Result<PipelineSettings> {
        let builder = self.builder;
        let mut retry = RetryPolicy::default();
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT, var::OTEL_EXPORTER_OTLP_TIMEOUT];
        let mut source = Source::Default;
        if let Some((name, value)) = builder.env.first(&names) {
            source = Source::Variable(name);
            retry.attempt = parse::milliseconds(name, value)?;
        }
        if let Some(timeout) = builder.timeout {
            source = Source::Builder("with_timeout");
            retry.attempt = timeout;
        }
        self.explanation.note("timeout", format!("{} ms", retry.attempt.as_millis()), source);
        if retry.attempt.is_zero() {
            return Err(Error::config("with_timeout", "0", "an attempt needs some time"));
        }
        retry.window = builder.retry_window.unwrap_or(retry.window);
        let max_bytes = builder.memory_limit.unwrap_or(DEFAULT_MEMORY_LIMIT);
        if max_bytes < MIN_MEMORY_LIMIT {
            let fix = "too little for a request; allow at least 1 MiB (1048576)";
            return Err(Error::config("with_memory_limit", &max_bytes.to_string(), fix));
        }
        Ok(PipelineSettings { max_bytes, table: TableLimits::default(), retry })
    }

    /// A variable that is known but not honoured is told, unless it asks for the default.
    fn unsupported(&mut self) {
        let ignored = |(variable, value): &(&variable::Variable, &str)| {
            !variable.honoured && !variable.harmless.iter().any(|fine| fine.eq_ignore_ascii_case(value))
        };
        let set: Vec<&str> = self
            .builder
            .env
            .set_variables()
            .filter(ignored)
            .map(|(variable, _)| variable.name)
            .collect();
        for name in set {
            self.explanation.warn(format!("{name} is set, but not supported yet: it has no effect"));
        }
    }
}

/// The MLflow server's address, or what to do about one that Python understands and we do not.
fn tracking_endpoint(uri: &Said) -> Result<Endpoint> {
    let scheme = uri.text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let fix = match scheme.as_str() {
        "databricks" | "databricks-uc" | "arn" => "not supported yet; use the http(s):// address of an MLflow server",
        "file" | "sqlite" | "postgresql" | "mysql" | "mssql" => {
            "a store cannot be written without a server; start `mlflow server` on it and use its http:// address"
        }
        _ if !uri.text.contains("://") => "not an address of a server; write it like http://127.0.0.1:5000",
        _ => return Endpoint::parse(uri.place(), &uri.text),
    };
    Err(Error::config(uri.place(), &uri.text, fix))
}

/// Header names do not tell case apart; the last one said wins.
fn replace(headers: &mut Vec<(String, String)>, name: String, value: String) {
    headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
    headers.push((name, value));
}
