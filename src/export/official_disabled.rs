//! No official exporter: the feature `opentelemetry-otlp` is off.

use std::sync::Arc;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SpanData;

use crate::error::{Error, Result};
use crate::transport::Envelope;

/// There is none.
pub(crate) enum OfficialEncoder {}

impl OfficialEncoder {
    pub(crate) fn new() -> Result<Self> {
        let fix = "it needs the feature `opentelemetry-otlp` of mlflow-tracing; enable it";
        Err(Error::config("the OTLP encoder", "official", fix))
    }

    pub(crate) fn encode(
        &mut self,
        _span: &SpanData,
        _resource: &Arc<Resource>,
    ) -> (Arc<Envelope>, Vec<u8>) {
        match *self {}
    }
}
