//! Which traces are recorded, how much of a span is kept, and which context is passed on.

use opentelemetry_sdk::trace::{Sampler, SpanLimits};

use super::Resolver;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::process::limits::SpanTrim;

/// Events of one span; the SDK's own limit of 128 would drop the last, which tell how it ended.
const MAX_EVENTS: u32 = 4096;

/// Which parts of a context other processes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Propagation {
    pub(crate) trace_context: bool,
    pub(crate) baggage: bool,
}

impl Resolver<'_> {
    /// Source: OpenTelemetry specification, environment variables, `OTEL_TRACES_SAMPLER`; mlflow
    /// 3.17.2 `MLFLOW_TRACE_SAMPLING_RATIO`, which decides for roots.
    pub(super) fn sampler(&mut self) -> Result<Sampler> {
        let env = &self.builder.env;
        let by_ratio = |ratio| Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio)));
        let (sampler, shown, source) = if let Some(sampler) = &self.builder.sampler {
            (sampler.clone(), format!("{sampler:?}"), Source::Builder("with_sampler"))
        } else if let Some(value) = env.get(var::MLFLOW_TRACE_SAMPLING_RATIO) {
            let name = var::MLFLOW_TRACE_SAMPLING_RATIO;
            let ratio = parse::ratio(name, value)?;
            (by_ratio(ratio), format!("{ratio} of the traces"), Source::Variable(name))
        } else if let Some(value) = env.get(var::OTEL_TRACES_SAMPLER) {
            let sampler = named_sampler(value, env)?;
            (sampler, value.to_owned(), Source::Variable(var::OTEL_TRACES_SAMPLER))
        } else {
            let sampler = Sampler::ParentBased(Box::new(Sampler::AlwaysOn));
            (sampler, "parentbased_always_on".to_owned(), Source::Default)
        };
        self.explanation.note("sampler", shown, source);
        Ok(sampler)
    }

    /// What the SDK keeps of a span. Attributes are counted later, on the worker: MLflow's own, and
    /// our notes, come last, and no count may cut them off.
    pub(super) fn span_limits(&self) -> Result<SpanLimits> {
        let env = &self.builder.env;
        let general = limit(env, &[var::OTEL_ATTRIBUTE_COUNT_LIMIT])?;
        let of = |name| Ok::<_, Error>(limit(env, &[name])?.or(general));
        let usual = SpanLimits::default();
        let events = limit(env, &[var::OTEL_SPAN_EVENT_COUNT_LIMIT])?;
        let links = limit(env, &[var::OTEL_SPAN_LINK_COUNT_LIMIT])?;
        let per_event = of(var::OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT)?;
        let per_link = of(var::OTEL_LINK_ATTRIBUTE_COUNT_LIMIT)?;
        Ok(SpanLimits {
            max_attributes_per_span: u32::MAX,
            max_events_per_span: events.unwrap_or(MAX_EVENTS),
            max_links_per_span: links.unwrap_or(usual.max_links_per_span),
            max_attributes_per_event: per_event.unwrap_or(usual.max_attributes_per_event),
            max_attributes_per_link: per_link.unwrap_or(usual.max_attributes_per_link),
        })
    }

    /// What the worker cuts off.
    pub(super) fn span_trim(&mut self) -> Result<SpanTrim> {
        let env = &self.builder.env;
        let names = [var::OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT, var::OTEL_ATTRIBUTE_COUNT_LIMIT];
        let max_attributes = limit(env, &names)?;
        let names =
            [var::OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT, var::OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT];
        let max_chars = limit(env, &names)?;
        let size = |limit: Option<u32>| limit.and_then(|limit| usize::try_from(limit).ok());
        let content_bytes = Some(self.content_limit()?);
        Ok(SpanTrim {
            max_attributes: size(max_attributes),
            max_chars: size(max_chars),
            content_bytes,
        })
    }

    /// Source: OpenTelemetry specification, environment variables, `OTEL_PROPAGATORS`.
    pub(super) fn propagation(&mut self) -> Result<Propagation> {
        let name = var::OTEL_PROPAGATORS;
        let Some(value) = self.builder.env.get(name) else {
            return Ok(Propagation { trace_context: true, baggage: true });
        };
        let mut propagation = Propagation { trace_context: false, baggage: false };
        for word in value.split(',').map(str::trim).filter(|word| !word.is_empty()) {
            match word.to_ascii_lowercase().as_str() {
                "tracecontext" => propagation.trace_context = true,
                "baggage" => propagation.baggage = true,
                "none" => {}
                "b3" | "b3multi" | "jaeger" | "xray" | "ottrace" => {
                    self.explanation.warn(format!(
                        "{name} names `{word}`, which needs a crate of its own: it has no effect. Set \
                         it with opentelemetry::global::set_text_map_propagator"
                    ));
                }
                _ => return Err(Error::config(name, value, "write tracecontext, baggage or none")),
            }
        }
        Ok(propagation)
    }
}

fn limit(env: &Env, names: &[&'static str]) -> Result<Option<u32>> {
    env.first(names).map(|(name, value)| parse::count(name, value)).transpose()
}

fn named_sampler(value: &str, env: &Env) -> Result<Sampler> {
    let lower = value.to_ascii_lowercase();
    let root = match lower.strip_prefix("parentbased_").unwrap_or(&lower) {
        "always_on" => Sampler::AlwaysOn,
        "always_off" => Sampler::AlwaysOff,
        "traceidratio" => {
            let ratio = env.get(var::OTEL_TRACES_SAMPLER_ARG);
            let ratio =
                ratio.map_or(Ok(1.0), |ratio| parse::ratio(var::OTEL_TRACES_SAMPLER_ARG, ratio))?;
            Sampler::TraceIdRatioBased(ratio)
        }
        _ => {
            let fix =
                "write always_on, always_off or traceidratio, or one of them after parentbased_";
            return Err(Error::config(var::OTEL_TRACES_SAMPLER, value, fix));
        }
    };
    let is_parent_based = lower.starts_with("parentbased_");
    Ok(if is_parent_based { Sampler::ParentBased(Box::new(root)) } else { root })
}
