//! How much of a value is kept, and how much one request may carry.

use super::Resolver;
use crate::config::destination::reach::Reach;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::transport::Limits;

const DEFAULT_CONTENT: usize = 2 * 1024 * 1024;
/// Less holds neither words nor a mark.
const MIN_CONTENT: usize = 1024;
/// Less does not hold what is never cut.
const MIN_REQUEST: usize = 64 * 1024;

impl Resolver<'_> {
    /// Bytes of one value.
    pub(super) fn content_limit(&mut self) -> Result<usize> {
        let built = self.builder.content_limit.map(|bytes| ("with_content_limit", bytes));
        let name = var::MLFLOW_TRACING_MAX_CONTENT_BYTES;
        let said = limit(built, name, &self.builder.env, MIN_CONTENT)?;
        let (bytes, source) = said.unwrap_or((DEFAULT_CONTENT, Source::Default));
        self.explanation.note("content limit", format!("{bytes} bytes"), source);
        Ok(bytes)
    }

    /// What one request may carry, where a destination usually takes `usual`.
    pub(super) fn request_limits(
        &mut self,
        reach: &Reach,
        usual: Limits,
        env: &Env,
    ) -> Result<Limits> {
        let built = reach.request_limit.or(self.builder.request_limit);
        let built = built.map(|bytes| ("with_request_limit", bytes));
        let said = limit(built, var::MLFLOW_TRACING_MAX_REQUEST_BYTES, env, MIN_REQUEST)?;
        let (max_bytes, source) = said.unwrap_or((usual.max_bytes, Source::Default));
        self.explanation.note("request limit", format!("{max_bytes} bytes"), source);
        let name = var::OTEL_BSP_MAX_EXPORT_BATCH_SIZE;
        let max_spans = env.get(name).map(|value| parse::size(name, value)).transpose()?;
        Ok(Limits { max_spans: max_spans.unwrap_or(usual.max_spans), max_bytes })
    }
}

/// What the builder says, or else the variable; at least `min`.
fn limit(
    built: Option<(&'static str, usize)>,
    name: &'static str,
    env: &Env,
    min: usize,
) -> Result<Option<(usize, Source)>> {
    let (place, bytes, source) = match (built, env.get(name)) {
        (Some((method, bytes)), _) => (method, bytes, Source::Builder(method)),
        (None, Some(value)) => (name, parse::size(name, value)?, Source::Variable(name)),
        (None, None) => return Ok(None),
    };
    if bytes < min {
        let fix = format!("too little to be of use; allow at least {min} bytes");
        return Err(Error::config(place, &bytes.to_string(), fix));
    }
    Ok(Some((bytes, source)))
}
