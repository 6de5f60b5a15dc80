//! No official exporter: the feature `opentelemetry-otlp` is off.

use std::sync::Arc;

use opentelemetry_sdk::Resource;

use crate::error::{Error, Result};
use crate::export::dialect::Dialect;
use crate::model::span::Span;
use crate::transport::Envelope;

/// There is none.
pub(crate) enum OfficialEncoder {}

impl OfficialEncoder {
    pub(crate) fn new() -> Result<Self> {
        let fix = "it needs the feature `opentelemetry-otlp` of mlflow-tracing; enable it";
        Err(Error::config("the OTLP encoder", "official", fix))
    }

    pub(crate) fn write(
        &mut self,
        _out: &mut Vec<u8>,
        _dialect: &dyn Dialect,
        _span: &Span,
        _resource: &Arc<Resource>,
    ) -> Arc<Envelope> {
        match *self {}
    }
}
