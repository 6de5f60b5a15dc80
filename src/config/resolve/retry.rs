//! How often and how long a destination is tried.

use std::time::Duration;

use super::Resolver;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::transport::retry::RetryPolicy;

/// Whose variables count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Mlflow,
    Otlp,
    Other,
}

/// urllib3's ceiling, which the Python SDK's back-off has.
const MAX_BACKOFF: Duration = Duration::from_secs(120);

impl Resolver<'_> {
    /// The policy of a destination; `timeout` is what the destination itself says.
    pub(super) fn retry(
        &mut self,
        target: Target,
        timeout: Option<Duration>,
        env: &Env,
    ) -> Result<RetryPolicy> {
        let mut retry = RetryPolicy::default();
        let mut source = Source::Default;
        if let Some((name, attempt)) = attempt_of(target, env)? {
            (retry.attempt, source) = (attempt, Source::Variable(name));
        }
        if let Some(timeout) = timeout.or(self.builder.timeout) {
            (retry.attempt, source) = (timeout, Source::Builder("with_timeout"));
        }
        if retry.attempt.is_zero() {
            return Err(Error::config("with_timeout", "0", "an attempt needs some time"));
        }
        self.explanation.note("timeout", format!("{} ms", retry.attempt.as_millis()), source);
        if let Some(value) = env.get(var::MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT) {
            let name = var::MLFLOW_ASYNC_TRACE_LOGGING_RETRY_TIMEOUT;
            retry.window = Some(parse::seconds(name, value)?);
        }
        retry.window = self.builder.retry_window.or(retry.window);
        if target == Target::Mlflow {
            retry_of_mlflow(&mut retry, env)?;
        }
        Ok(retry)
    }
}

fn attempt_of(target: Target, env: &Env) -> Result<Option<(&'static str, Duration)>> {
    match target {
        Target::Mlflow => env
            .first(&[var::MLFLOW_HTTP_REQUEST_TIMEOUT])
            .map(|(name, value)| Ok((name, parse::seconds(name, value)?)))
            .transpose(),
        Target::Otlp => env
            .first(&[
                var::OTEL_EXPORTER_OTLP_TRACES_TIMEOUT,
                var::OTEL_EXPORTER_OTLP_TIMEOUT,
                var::OTEL_BSP_EXPORT_TIMEOUT,
            ])
            .map(|(name, value)| Ok((name, parse::milliseconds(name, value)?)))
            .transpose(),
        Target::Other => Ok(None),
    }
}

fn retry_of_mlflow(retry: &mut RetryPolicy, env: &Env) -> Result<()> {
    if let Some(value) = env.get(var::MLFLOW_HTTP_REQUEST_MAX_RETRIES) {
        retry.max_retries = Some(parse::count(var::MLFLOW_HTTP_REQUEST_MAX_RETRIES, value)?);
    }
    if let Some(value) = env.get(var::MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR) {
        retry.base = parse::seconds(var::MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR, value)?;
        retry.max = MAX_BACKOFF;
    }
    if let Some(value) = env.get(var::MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER) {
        retry.respect_retry_after =
            parse::boolean(var::MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER, value)?;
    }
    Ok(())
}
