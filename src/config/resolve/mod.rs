//! Turns a builder and an environment into checked settings, and says what came from where.

mod local;
mod mlflow;
mod otlp;

use std::time::Duration;

use opentelemetry_sdk::Resource;
use tracing::level_filters::LevelFilter;

use crate::capture::filter::CaptureFilter;
use crate::config::builder::Builder;
use crate::config::explain::{Explanation, Source};
use crate::config::variable as var;
use crate::config::{env, parse, variable};
use crate::error::{Error, Result};
use crate::export::local::LocalSettings;
use crate::export::mlflow_settings::MlflowSettings;
use crate::export::otlp::OtlpSettings;
use crate::process::aggregate::TableLimits;
use crate::process::pipeline::PipelineSettings;
use crate::transport::retry::RetryPolicy;

const DEFAULT_MEMORY_LIMIT: usize = 64 * 1024 * 1024;
const MIN_MEMORY_LIMIT: usize = 1024 * 1024;
const DEFAULT_DROP_TIMEOUT: Duration = Duration::from_secs(5);

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
        self.explanation.note(
            "tracing",
            if disabled { "off" } else { "on" },
            self.source_of(&[var::OTEL_SDK_DISABLED]),
        );
        let (to_mlflow, to_otlp) = self.choose();
        let mlflow = if to_mlflow { self.mlflow()? } else { None };
        let otlp = if to_otlp { self.otlp()? } else { None };
        let local = self.local(mlflow.is_none() && otlp.is_none())?;
        let resource = self.resource()?;
        let pipeline = self.pipeline()?;
        self.unsupported();
        let max_level = builder.max_level.unwrap_or(LevelFilter::INFO);
        Ok(Config {
            disabled,
            mlflow,
            otlp,
            local,
            resource,
            pipeline,
            filter: CaptureFilter {
                max_level: if disabled { LevelFilter::OFF } else { max_level },
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

    /// Which of MLflow and OTLP is meant: all that the builder names, or else what the environment
    /// does. What is not meant is not looked at: it may be there for other programs.
    ///
    /// Source: mlflow 3.17.2 `tracing/provider.py` `_get_span_processors`: OTLP wins.
    fn choose(&mut self) -> (bool, bool) {
        let builder = self.builder;
        let named = (builder.tracking_uri.is_some(), builder.otlp_endpoint.is_some());
        if named != (false, false) || builder.directory.is_some() {
            return named;
        }
        let set = builder.env.get(var::MLFLOW_TRACKING_URI).is_some();
        if set && builder.env.first(&otlp::ENDPOINTS).is_some() {
            self.explanation.warn(
                "both MLFLOW_TRACKING_URI and an OTLP endpoint are set: traces go to the OTLP \
                 receiver only, as with the Python SDK. Unset one of them, or name both with \
                 with_tracking_uri and with_otlp_endpoint",
            );
            return (false, true);
        }
        (true, true)
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
            !variable.honoured
                && !variable.harmless.iter().any(|fine| fine.eq_ignore_ascii_case(value))
        };
        let set: Vec<&str> = self
            .builder
            .env
            .set_variables()
            .filter(ignored)
            .map(|(variable, _)| variable.name)
            .collect();
        for name in set {
            self.explanation
                .warn(format!("{name} is set, but not supported yet: it has no effect"));
        }
    }
}

#[cfg(test)]
mod tests;
