//! Which destinations there are, and how each is tried.

use super::{Resolver, Target, otlp};
use crate::config::destination::{Destination, Kind};
use crate::config::env::Env;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::export::SpanFilter;
use crate::export::exporter::ExporterSettings;
use crate::export::local::LocalSettings;
use crate::export::mlflow_settings::MlflowSettings;
use crate::export::otlp::OtlpSettings;
use crate::transport::retry::RetryPolicy;

/// One destination, checked.
#[derive(Clone, Debug)]
pub(crate) struct DestinationConfig {
    pub(crate) kind: KindConfig,
    pub(crate) retry: RetryPolicy,
    pub(crate) filter: Option<SpanFilter>,
}

#[derive(Clone, Debug)]
pub(crate) enum KindConfig {
    Exporter(ExporterSettings),
    Local(LocalSettings),
    Mlflow(Box<MlflowSettings>),
    Otlp(Box<OtlpSettings>),
}

impl DestinationConfig {
    /// Whether it is somewhere else, and may be out of reach.
    pub(crate) fn is_server(&self) -> bool {
        matches!(self.kind, KindConfig::Mlflow(_) | KindConfig::Otlp(_))
    }
}

/// A word of `OTEL_TRACES_EXPORTER`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    Console,
    None,
    Otlp,
}

impl Word {
    const NAMES: [(&str, Self); 3] =
        [("otlp", Self::Otlp), ("console", Self::Console), ("none", Self::None)];
}

impl Resolver<'_> {
    /// All that the builder names, or else what the environment does. What is not meant is not
    /// looked at: it may be there for other programs.
    pub(super) fn destinations(&mut self) -> Result<Vec<DestinationConfig>> {
        let builder = self.builder;
        let env = &builder.env;
        let named = builder.mlflow.uri.is_some()
            || builder.otlp.endpoint.is_some()
            || builder.local.directory.is_some();
        let mut found = Vec::new();
        if named || !builder.destinations.is_empty() {
            if builder.mlflow.uri.is_some() {
                found.push(self.mlflow(&builder.mlflow, env)?);
            }
            if builder.otlp.endpoint.is_some() {
                found.push(self.otlp(&builder.otlp, env)?);
            }
            if builder.local.directory.is_some() {
                found.push(self.local(&builder.local, env)?);
            }
            for destination in &builder.destinations {
                found.push(self.complete(destination)?);
            }
        } else {
            self.destinations_of_environment(&mut found)?;
        }
        Ok(found)
    }

    /// A destination of the builder's list: the environment adds nothing to it.
    fn complete(&mut self, destination: &Destination) -> Result<DestinationConfig> {
        let nothing = Env::default();
        let config = match &destination.kind {
            Kind::Exporter(exporter) => {
                let settings = exporter.0.clone();
                self.explanation.note("exporter", settings.name(), super::BUILDER_LIST);
                let retry = self.retry(Target::Other, None, &nothing)?;
                let kind = KindConfig::Exporter(settings);
                DestinationConfig { kind, retry, filter: None }
            }
            Kind::Local(local) => self.local(local, &nothing)?,
            Kind::Mlflow(mlflow) => self.mlflow(mlflow, &nothing)?,
            Kind::Otlp(otlp) => self.otlp(otlp, &nothing)?,
        };
        Ok(DestinationConfig { filter: destination.filter.clone(), ..config })
    }

    /// Source: mlflow 3.17.2 `tracing/provider.py` `_get_span_processors`: a tracing destination
    /// wins over OTLP, OTLP over the tracking URI, unless both are asked for.
    fn destinations_of_environment(&mut self, found: &mut Vec<DestinationConfig>) -> Result<()> {
        let builder = self.builder;
        let env = &builder.env;
        let words = self.exporters()?;
        let asked = |word| words.as_ref().is_some_and(|words| words.contains(&word));
        let uri = env.get(var::MLFLOW_TRACKING_URI).is_some();
        let use_otlp = parse::flag(env, var::MLFLOW_ENABLE_OTLP_EXPORTER, true)?;
        let endpoint = env.first(&otlp::ENDPOINTS).is_some();
        let dual = parse::flag(env, var::MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT, false)?;
        let wanted =
            if words.is_some() { asked(Word::Otlp) && (endpoint || !uri) } else { endpoint };
        let mut to_otlp = use_otlp && wanted;
        let mut to_mlflow = uri;
        if uri && to_otlp && !dual {
            if env.get(var::MLFLOW_TRACING_DESTINATION).is_some() {
                to_otlp = false;
            } else {
                to_mlflow = false;
                self.explanation.warn(
                    "both MLFLOW_TRACKING_URI and an OTLP endpoint are set: traces go to the OTLP \
                     receiver only, as with the Python SDK. Set \
                     MLFLOW_TRACE_ENABLE_OTLP_DUAL_EXPORT=true to send to both, or unset one",
                );
            }
        }
        if let (false, Some(value)) = (uri, env.get(var::MLFLOW_TRACING_DESTINATION)) {
            let fix =
                "it names an experiment of the server that MLFLOW_TRACKING_URI must name, too";
            return Err(Error::config(var::MLFLOW_TRACING_DESTINATION, value, fix));
        }
        if to_mlflow {
            found.push(self.mlflow(&builder.mlflow, env)?);
        }
        if to_otlp {
            found.push(self.otlp(&builder.otlp, env)?);
        }
        if asked(Word::Console) {
            found.push(self.console()?);
        }
        if found.is_empty() && !asked(Word::None) {
            self.local_by_default = true;
            found.push(self.local(&builder.local, env)?);
        }
        Ok(())
    }

    /// Source: OpenTelemetry specification, environment variables, exporter selection.
    fn exporters(&self) -> Result<Option<Vec<Word>>> {
        let name = var::OTEL_TRACES_EXPORTER;
        let Some(value) = self.builder.env.get(name) else { return Ok(None) };
        let words = value.split(',').map(str::trim).filter(|word| !word.is_empty());
        let words = words.map(|word| parse::word(name, word, &Word::NAMES));
        let words = words.collect::<Result<Vec<_>>>()?;
        if words.len() > 1 && words.contains(&Word::None) {
            return Err(Error::config(name, value, "`none` stands alone"));
        }
        Ok(Some(words))
    }
}
