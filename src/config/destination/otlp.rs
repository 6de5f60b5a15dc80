//! An OTLP receiver as a value.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use super::{Named, Reach, reached_as};
use crate::config::choice::Compression;
use crate::model::protocol::Protocol;
use crate::transport::endpoint::masked;
use crate::transport::headers::Headers;

/// An OTLP receiver; see [`Destination`](super::Destination).
#[derive(Clone, Default)]
pub struct Otlp {
    pub(crate) endpoint: Option<Named>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: Headers,
    pub(crate) compression: Option<Compression>,
    pub(crate) genai_semconv: Option<bool>,
    pub(crate) reach: Reach,
}

impl Otlp {
    /// The receiver at this address, path included; over gRPC the path does not matter.
    pub fn new(endpoint: impl Into<String>) -> Self {
        Self { endpoint: Some(Named::new("Otlp::new", endpoint)), ..Self::default() }
    }

    /// The protocol. Default: gRPC for port 4317, `http/protobuf` for any other.
    #[must_use]
    pub fn with_protocol(self, protocol: Protocol) -> Self {
        Self { protocol: Some(protocol), ..self }
    }

    /// Adds a header to every request; over gRPC it becomes metadata.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.set(name, value);
        self
    }

    /// Compresses requests. Default: none.
    #[must_use]
    pub fn with_compression(self, compression: Compression) -> Self {
        Self { compression: Some(compression), ..self }
    }

    /// Writes what models and tools were told and answered in the words of the GenAI conventions
    /// (`gen_ai.input.messages` …), in place of `mlflow.spanInputs` and `mlflow.spanOutputs`.
    /// Content of another shape than OpenAI's or Anthropic's stays where it is. Default: false.
    #[must_use]
    pub fn with_genai_semconv(self, write: bool) -> Self {
        Self { genai_semconv: Some(write), ..self }
    }

    reached_as!();
}

/// Shows what was set; header values are masked.
impl fmt::Debug for Otlp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otlp")
            .field("endpoint", &self.endpoint.as_ref().map(|endpoint| masked(&endpoint.text)))
            .field("protocol", &self.protocol)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
