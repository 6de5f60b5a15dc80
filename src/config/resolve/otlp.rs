//! The OTLP receiver: address, protocol, headers, compression.

use super::{DestinationConfig, KindConfig, Resolver, Said, Target};
use crate::config::choice::Compression;
use crate::config::destination::Otlp;
use crate::config::env::Env;
use crate::config::explain::Source;
use crate::config::{parse, variable as var};
use crate::error::{Error, Result};
use crate::export::otlp::OtlpSettings;
use crate::model::otlp_encoder::OtlpEncoder;
use crate::model::protocol::Protocol;
use crate::semconv::http;
use crate::transport::Limits;
use crate::transport::endpoint::{Credentials, Endpoint, check_header, masked};
use crate::transport::gzip;
use crate::transport::headers::Headers;

pub(super) const ENDPOINTS: [&str; 2] =
    [var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, var::OTEL_EXPORTER_OTLP_ENDPOINT];
const GRPC_PORT: &str = ":4317";
const DEFAULT_GRPC: &str = "http://localhost:4317";
const DEFAULT_HTTP: &str = "http://localhost:4318/v1/traces";

impl Resolver<'_> {
    /// The receiver that `options` or `env` names; without an address the one that the
    /// specification has for the protocol.
    pub(super) fn otlp(&mut self, options: &Otlp, env: &Env) -> Result<DestinationConfig> {
        let named = named_protocol(options, env)?;
        let said = Said::named(options.endpoint.as_ref(), env, &ENDPOINTS);
        let said = said.unwrap_or_else(|| {
            let is_grpc = matches!(named, Some((Protocol::Grpc, _)));
            let text = if is_grpc { DEFAULT_GRPC } else { DEFAULT_HTTP };
            Said { text: text.to_owned(), source: Source::Default }
        });
        let endpoint = otlp_endpoint(&said, named.map(|(protocol, _)| protocol), env)?;
        let is_grpc_port =
            endpoint.url().split('/').nth(2).is_some_and(|host| host.ends_with(GRPC_PORT));
        let (protocol, source) = named.unwrap_or_else(|| {
            let usual = if is_grpc_port { Protocol::Grpc } else { Protocol::HttpProtobuf };
            (usual, Source::Default)
        });
        let url = match said.source {
            Source::Variable(var::OTEL_EXPORTER_OTLP_ENDPOINT) if protocol != Protocol::Grpc => {
                endpoint.join(http::TRACES_PATH)
            }
            _ => endpoint.url().to_owned(),
        };
        self.explanation.note("OTLP receiver", url.clone(), said.source);
        self.explanation.note("protocol", protocol.to_string(), source);
        let headers = self.otlp_headers(options, endpoint.credentials(), env)?;
        if protocol == Protocol::Grpc {
            check_metadata(&headers)?;
        }
        let gzip = self.compression(options, env)? == Compression::Gzip;
        let connection = self.connection(&url, &options.reach, &super::connection::OTLP, env)?;
        let usual = if protocol == Protocol::Grpc { Limits::GRPC } else { Limits::USUAL };
        let limits = self.request_limits(&options.reach, usual, env)?;
        let encoder = self.encoder;
        if encoder == OtlpEncoder::Official && protocol == Protocol::HttpJson {
            let fix = "the official encoder writes protobuf; use it with http/protobuf or grpc";
            let place = match self.builder.otlp_encoder {
                Some(_) => "with_otlp_encoder",
                None => var::MLFLOW_TRACING_OTLP_ENCODER,
            };
            return Err(Error::config(place, "official", fix));
        }
        let gen_ai_messages = match options.genai_semconv {
            Some(write) => write,
            None => parse::flag(env, var::MLFLOW_ENABLE_OTEL_GENAI_SEMCONV, false)?,
        };
        let settings = OtlpSettings {
            url,
            protocol,
            headers,
            gzip,
            connection,
            limits,
            encoder,
            gen_ai_messages,
        };
        let retry = self.retry(Target::Otlp, options.reach.timeout, env)?;
        let kind = KindConfig::Otlp(Box::new(settings));
        Ok(DestinationConfig { kind, retry, filter: None })
    }

    fn otlp_headers(
        &mut self,
        options: &Otlp,
        in_url: Option<&Credentials>,
        env: &Env,
    ) -> Result<Headers> {
        let names = [var::OTEL_EXPORTER_OTLP_TRACES_HEADERS, var::OTEL_EXPORTER_OTLP_HEADERS];
        let mut headers = Headers::default();
        if let Some(credentials) = in_url {
            headers.set("Authorization", credentials.header_value());
        }
        let mut source = Source::Default;
        if let Some((name, value)) = env.first(&names) {
            source = Source::Variable(name);
            for (key, value) in parse::pairs(name, value)? {
                check_header(name, &key, &value)?;
                headers.set(key, value);
            }
        }
        for (key, value) in options.headers.iter() {
            source = Source::Builder("with_otlp_header");
            check_header("with_otlp_header", key, value)?;
            headers.set(key, value);
        }
        if !headers.is_empty() {
            self.explanation.note("headers", headers.to_string(), source);
        }
        Ok(headers)
    }

    fn compression(&mut self, options: &Otlp, env: &Env) -> Result<Compression> {
        let names =
            [var::OTEL_EXPORTER_OTLP_TRACES_COMPRESSION, var::OTEL_EXPORTER_OTLP_COMPRESSION];
        let words = [("gzip", Compression::Gzip), ("none", Compression::None)];
        let (compression, source) = match (options.compression, env.first(&names)) {
            (Some(compression), _) => (compression, Source::Builder("with_compression")),
            (None, Some((name, value))) => {
                (parse::word(name, value, &words)?, Source::Variable(name))
            }
            (None, None) => (Compression::None, Source::Default),
        };
        if compression == Compression::Gzip && !gzip::ENABLED {
            let fix = "it needs the feature `gzip` of mlflow-tracing; enable it";
            return Err(Error::config(super::place_of(source), "gzip", fix));
        }
        self.explanation.note(
            "compression",
            format!("{compression:?}").to_ascii_lowercase(),
            source,
        );
        Ok(compression)
    }
}

/// gRPC keeps names of its own, and binary values, apart.
fn check_metadata(headers: &Headers) -> Result<()> {
    for (name, _) in headers.iter() {
        let lower = name.to_ascii_lowercase();
        if lower.ends_with("-bin") || lower.starts_with("grpc-") {
            let fix = "over gRPC a header may not begin with `grpc-`, nor end with `-bin`";
            return Err(Error::config("a header of the OTLP receiver", name, fix));
        }
    }
    Ok(())
}

/// The address. gRPC's may come without a scheme; the switch then says which.
///
/// Source: OpenTelemetry specification, OTLP exporter, `OTEL_EXPORTER_OTLP_INSECURE`.
fn otlp_endpoint(said: &Said, protocol: Option<Protocol>, env: &Env) -> Result<Endpoint> {
    let names = [var::OTEL_EXPORTER_OTLP_TRACES_INSECURE, var::OTEL_EXPORTER_OTLP_INSECURE];
    let insecure = env.first(&names);
    let insecure = match insecure {
        Some((name, value)) => Some(parse::boolean(name, value)?),
        None => None,
    };
    if said.text.contains("://") {
        return Endpoint::parse(said.place(), &said.text);
    }
    let is_grpc = protocol.map_or_else(
        || said.text.trim_end_matches('/').ends_with(GRPC_PORT),
        |protocol| protocol == Protocol::Grpc,
    );
    match insecure {
        Some(insecure) if is_grpc => {
            let scheme = if insecure { "http" } else { "https" };
            Endpoint::parse(said.place(), &format!("{scheme}://{}", said.text))
        }
        None if is_grpc => {
            let fix = "the scheme is missing; write http:// or https:// before it, or set \
                       OTEL_EXPORTER_OTLP_INSECURE to true or false";
            Err(Error::config(said.place(), &masked(&said.text), fix))
        }
        _ => Endpoint::parse(said.place(), &said.text),
    }
}

fn named_protocol(options: &Otlp, env: &Env) -> Result<Option<(Protocol, Source)>> {
    if let Some(protocol) = options.protocol {
        return Ok(Some((protocol, Source::Builder("with_protocol"))));
    }
    let names = [var::OTEL_EXPORTER_OTLP_TRACES_PROTOCOL, var::OTEL_EXPORTER_OTLP_PROTOCOL];
    env.first(&names)
        .map(|(name, value)| {
            Ok((parse::word(name, value, &Protocol::NAMES)?, Source::Variable(name)))
        })
        .transpose()
}
