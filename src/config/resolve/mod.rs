//! Turns a builder and an environment into checked settings, and says what came from where.

mod connection;
mod destinations;
mod limits;
mod local;
mod mlflow;
mod otlp;
mod retry;
mod sampling;
mod spool;

use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SpanLimits};
use tracing::level_filters::LevelFilter;

use crate::capture::filter::CaptureRules;
use crate::config::builder::Builder;
use crate::config::destination::Named;
use crate::config::env::Env;
use crate::config::explain::{Explanation, Source};
use crate::config::variable as var;
use crate::config::{env, parse, price_file, variable};
use crate::error::{Error, Result};
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::price_table::PriceTable;
use crate::process::aggregate::TableLimits;
use crate::process::pipeline::PipelineSettings;

const DEFAULT_MEMORY_LIMIT: usize = 64 * 1024 * 1024;
const MIN_MEMORY_LIMIT: usize = 1024 * 1024;
const DEFAULT_DROP_TIMEOUT: Duration = Duration::from_secs(5);

/// Where a destination of the builder's list comes from.
const BUILDER_LIST: Source = Source::Builder("with_destination");

pub(crate) use destinations::{DestinationConfig, KindConfig};
use retry::Target;
pub(crate) use sampling::Propagation;

/// Everything set-up needs, checked.
#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) disabled: bool,
    pub(crate) destinations: Vec<DestinationConfig>,
    /// Nobody named a destination.
    pub(crate) local_by_default: bool,
    pub(crate) resource: Resource,
    pub(crate) sampler: Sampler,
    pub(crate) span_limits: SpanLimits,
    pub(crate) propagation: Propagation,
    pub(crate) pipeline: PipelineSettings,
    /// Whether the end of a root span waits until its trace is delivered.
    pub(crate) waits_for_delivery: bool,
    pub(crate) rules: CaptureRules,
    pub(crate) drop_timeout: Duration,
    pub(crate) strict: Option<Duration>,
    /// How long a panic waits for what has ended, if it does.
    pub(crate) flush_on_panic: Option<Duration>,
    /// How long a signal that ends the program waits for what is left, if it does.
    pub(crate) shutdown_on_signal: Option<Duration>,
    /// The program's name as a `tracing` target.
    pub(crate) target: &'static str,
    pub(crate) explanation: Explanation,
}

impl Config {
    pub(crate) fn resolve(builder: &Builder) -> Result<Self> {
        let explanation = Explanation::default();
        Resolver { builder, explanation, encoder: OtlpEncoder::default(), local_by_default: false }
            .resolve()
    }
}

struct Resolver<'a> {
    builder: &'a Builder,
    explanation: Explanation,
    encoder: OtlpEncoder,
    local_by_default: bool,
}

/// A text with the variable or method it stands in.
struct Said {
    text: String,
    source: Source,
}

impl Said {
    /// The builder's text, or the first variable that is set.
    fn first(
        method: &'static str,
        built: Option<&String>,
        env: &Env,
        names: &[&'static str],
    ) -> Option<Self> {
        if let Some(text) = built {
            return Some(Self { text: text.clone(), source: Source::Builder(method) });
        }
        let (name, text) = env.first(names)?;
        Some(Self { text: text.to_owned(), source: Source::Variable(name) })
    }

    /// The same for a text that knows its method.
    fn named(built: Option<&Named>, env: &Env, names: &[&'static str]) -> Option<Self> {
        let method = built.map_or("", |built| built.method);
        Self::first(method, built.map(|built| &built.text), env, names)
    }

    /// The variable's or method's name, for an error.
    fn place(&self) -> &'static str {
        place_of(self.source)
    }
}

fn place_of(source: Source) -> &'static str {
    match source {
        Source::Builder(name) | Source::File(name) | Source::Variable(name) => name,
        Source::Default => "the default",
    }
}

impl Resolver<'_> {
    fn resolve(mut self) -> Result<Config> {
        let builder = self.builder;
        let disabled = parse::flag(&builder.env, var::OTEL_SDK_DISABLED, false)?;
        self.explanation.note(
            "tracing",
            if disabled { "off" } else { "on" },
            self.source_of(&[var::OTEL_SDK_DISABLED]),
        );
        self.encoder = self.otlp_encoder()?;
        let destinations = self.destinations()?;
        let resource = self.resource()?;
        let sampler = self.sampler()?;
        let span_limits = self.span_limits()?;
        let propagation = self.propagation()?;
        let pipeline = self.pipeline(&destinations)?;
        let is_async = parse::flag(&builder.env, var::MLFLOW_ENABLE_ASYNC_TRACE_LOGGING, true)?;
        self.ends();
        self.ignored();
        let max_level = builder.max_level.unwrap_or(LevelFilter::INFO);
        Ok(Config {
            disabled,
            destinations,
            local_by_default: self.local_by_default,
            resource,
            sampler,
            span_limits,
            propagation,
            pipeline,
            waits_for_delivery: !builder.async_trace_logging.unwrap_or(is_async),
            rules: CaptureRules {
                max_level: if disabled { LevelFilter::OFF } else { max_level },
                infrastructure: builder.infrastructure_spans,
            },
            drop_timeout: builder.drop_timeout.unwrap_or(DEFAULT_DROP_TIMEOUT),
            strict: builder.strict,
            flush_on_panic: builder.flush_on_panic,
            shutdown_on_signal: builder.shutdown_on_signal,
            target: env::target(),
            explanation: self.explanation,
        })
    }

    fn otlp_encoder(&mut self) -> Result<OtlpEncoder> {
        let name = var::MLFLOW_TRACING_OTLP_ENCODER;
        let words = [("official", OtlpEncoder::Official), ("own", OtlpEncoder::Own)];
        let (encoder, source) = match (self.builder.otlp_encoder, self.builder.env.get(name)) {
            (Some(encoder), _) => (encoder, Source::Builder("with_otlp_encoder")),
            (None, Some(value)) => (parse::word(name, value, &words)?, Source::Variable(name)),
            (None, None) => (OtlpEncoder::default(), Source::Default),
        };
        self.explanation.note("encoder", format!("{encoder:?}").to_ascii_lowercase(), source);
        Ok(encoder)
    }

    fn source_of(&self, names: &[&'static str]) -> Source {
        self.builder.env.first(names).map_or(Source::Default, |(name, _)| Source::Variable(name))
    }

    fn pipeline(&mut self, destinations: &[DestinationConfig]) -> Result<PipelineSettings> {
        let builder = self.builder;
        let max_bytes = builder.memory_limit.unwrap_or(DEFAULT_MEMORY_LIMIT);
        if max_bytes < MIN_MEMORY_LIMIT {
            let fix = "too little for a request; allow at least 1 MiB (1048576)";
            return Err(Error::config("with_memory_limit", &max_bytes.to_string(), fix));
        }
        let env = &builder.env;
        let callers_elsewhere = builder.callers_elsewhere;
        if callers_elsewhere {
            let source = Source::Builder("with_callers_elsewhere");
            self.explanation.note("callers", "elsewhere", source);
        }
        Ok(PipelineSettings {
            max_bytes,
            table: TableLimits { callers_elsewhere, ..table(env)? },
            trim: self.span_trim()?,
            prices: self.prices()?,
            spool: self.spool(destinations)?,
            max_spans: size(env, var::OTEL_BSP_MAX_QUEUE_SIZE)?.and_then(|it| it.try_into().ok()),
            max_traces: size(env, var::MLFLOW_ASYNC_TRACE_LOGGING_MAX_QUEUE_SIZE)?,
            drop_callback: builder.drop_callback.clone(),
        })
    }

    fn prices(&mut self) -> Result<Option<PriceTable>> {
        let name = var::MLFLOW_TRACING_PRICE_TABLE;
        let (prices, source) = match (&self.builder.prices, self.builder.env.get(name)) {
            (Some(prices), _) => (prices.clone(), Source::Builder("with_price_table")),
            (None, Some(path)) => (price_file::read(name, path.as_ref())?, Source::Variable(name)),
            (None, None) => return Ok(None),
        };
        self.explanation.note("prices", format!("{} models", prices.len()), source);
        Ok(Some(prices))
    }

    fn ends(&mut self) {
        let Builder { flush_on_panic, shutdown_on_signal, .. } = self.builder;
        if let Some(patience) = flush_on_panic {
            let source = Source::Builder("with_flush_on_panic");
            self.explanation.note("panic", format!("flush within {patience:?}"), source);
        }
        if let Some(patience) = shutdown_on_signal {
            let source = Source::Builder("with_shutdown_on_signal");
            self.explanation.note("signals", format!("shut down within {patience:?}"), source);
        }
    }

    /// A variable that is ignored is told, unless it asks for what is done anyway.
    fn ignored(&mut self) {
        let ignored = |(variable, value): &(&variable::Variable, &str)| {
            variable.support == variable::Support::Ignored
                && !variable.harmless.iter().any(|fine| fine.eq_ignore_ascii_case(value))
        };
        for (variable, _) in self.builder.env.set_variables().filter(ignored) {
            self.explanation.warn(format!("{} has no effect: {}", variable.name, variable.effect));
        }
    }
}

fn size(env: &Env, name: &'static str) -> Result<Option<usize>> {
    env.get(name).map(|value| parse::size(name, value)).transpose()
}

/// When traces leave.
fn table(env: &Env) -> Result<TableLimits> {
    let mut limits = TableLimits::default();
    let names = [var::MLFLOW_ASYNC_TRACE_LOGGING_MAX_INTERVAL_MILLIS, var::OTEL_BSP_SCHEDULE_DELAY];
    if let Some((name, value)) = env.first(&names) {
        limits.running = parse::milliseconds(name, value)?;
        limits.finished = limits.finished.min(limits.running);
    }
    let names = [var::MLFLOW_TRACE_TIMEOUT_SECONDS, var::MLFLOW_TRACE_BUFFER_TTL_SECONDS];
    if let Some((name, value)) = env.first(&names) {
        limits.ttl = parse::seconds(name, value)?;
    }
    if let Some(max) = size(env, var::MLFLOW_TRACE_BUFFER_MAX_SIZE)? {
        limits.max_traces = max;
    }
    Ok(limits)
}

#[cfg(test)]
mod tests;
