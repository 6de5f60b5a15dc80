//! The OTLP receiver: address, protocol, headers, compression.

use super::Resolver;
use crate::config::builder::Compression;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::export::otlp::OtlpSettings;
use crate::semconv::http;
use crate::transport::endpoint::{Credentials, Endpoint, check_header};
use crate::transport::headers::Headers;

pub(super) const ENDPOINTS: [&str; 2] =
    [var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, var::OTEL_EXPORTER_OTLP_ENDPOINT];
const GRPC_PORT: &str = ":4317";

impl Resolver<'_> {
    pub(super) fn otlp(&mut self) -> Result<Option<OtlpSettings>> {
        let said = self.said("with_otlp_endpoint", self.builder.otlp_endpoint.as_ref(), &ENDPOINTS);
        let Some(said) = said else { return Ok(None) };
        let endpoint = Endpoint::parse(said.place(), &said.text)?;
        let protocol = self.protocol()?;
        let is_grpc_port =
            endpoint.url().split('/').nth(2).is_some_and(|host| host.ends_with(GRPC_PORT));
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

    fn otlp_headers(&mut self, in_url: Option<&Credentials>) -> Result<Headers> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_HEADERS, var::OTEL_EXPORTER_OTLP_HEADERS];
        let mut headers = Headers::default();
        if let Some(credentials) = in_url {
            headers.set("Authorization", credentials.header_value());
        }
        let mut source = Source::Default;
        if let Some((name, value)) = self.builder.env.first(&names) {
            source = Source::Variable(name);
            for (key, value) in parse::pairs(name, value)? {
                check_header(name, &key, &value)?;
                headers.set(key, value);
            }
        }
        for (key, value) in self.builder.otlp_headers.iter() {
            source = Source::Builder("with_otlp_header");
            check_header("with_otlp_header", key, value)?;
            headers.set(key, value);
        }
        if !headers.is_empty() {
            self.explanation.note("headers", headers.to_string(), source);
        }
        Ok(headers)
    }

    fn compression(&mut self) -> Result<Compression> {
        let names =
            [var::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, var::OTEL_EXPORTER_OTLP_COMPRESSION];
        let words = [("gzip", Compression::Gzip), ("none", Compression::None)];
        let (compression, source) = match (self.builder.compression, self.builder.env.first(&names))
        {
            (Some(compression), _) => (compression, Source::Builder("with_compression")),
            (None, Some((name, value))) => {
                (parse::word(name, value, &words)?, Source::Variable(name))
            }
            (None, None) => (Compression::None, Source::Default),
        };
        self.explanation.note("compression", format!("{compression:?}").to_lowercase(), source);
        Ok(compression)
    }
}
