#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(all(
        feature = "grpc",
        feature = "macros",
        feature = "metrics",
        feature = "mlflow",
        feature = "tls"
    )),
    expect(dead_code, reason = "what the features read")
)]
#![cfg_attr(
    not(feature = "macros"),
    expect(unreachable_pub, reason = "what code names that the macro makes")
)]
#![cfg_attr(
    all(feature = "stream", not(feature = "macros")),
    expect(unnameable_types, reason = "what code names that the macro makes")
)]

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "macro_support.rs"]
pub mod __private;
mod capture;
mod config;
mod context;
mod diagnostics;
mod doctor;
mod error;
mod exit;
mod export;
mod finding;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(test)]
mod generated;
mod guard;
mod init;
#[cfg(feature = "metrics")]
mod metrics;
mod model;
#[cfg(loom)]
#[path = "../tests/loom/models/mod.rs"]
pub mod models;
mod process;
mod replay;
pub mod semconv;
mod stats;
mod sync;
#[cfg(test)]
mod tests;
#[cfg(feature = "tower")]
mod tower;
mod transport;

pub use capture::current::{current_trace_id, update_current_trace};
pub use capture::future::{MlflowFutureExt, TracedFuture};
pub use capture::layer::CaptureLayer;
#[cfg(feature = "stream")]
pub use capture::record::{SerializedItems, TriedItems};
pub use capture::span_builder::{SpanBuilder, span_builder};
pub use capture::span_ext::MlflowSpanExt;
#[cfg(feature = "stream")]
pub use capture::stream::{MlflowStreamExt, TracedStream};
pub use config::builder::Builder;
pub use config::choice::{Compression, Console};
pub use config::destination;
pub use config::explain::{Explanation, Source};
pub use config::spool::Spool;
pub use config::variable::{Support, VARIABLES, Variable};
pub use context::last::last_trace_id;
pub use context::trace_context::{TraceContext, context};
pub use context::update::{TraceState, TraceUpdate};
pub use doctor::Diagnosis;
pub use error::{Error, Result};
pub use finding::{Finding, Severity};
pub use guard::TracingGuard;
pub use init::{builder, explain_config, init};
#[cfg(feature = "macros")]
pub use mlflow_tracing_macros::trace;
pub use model::cost::Cost;
pub use model::log_level::LogLevel;
pub use model::otlp_encoder::OtlpEncoder;
pub use model::price_table::PriceTable;
pub use model::protocol::Protocol;
pub use model::span_type::SpanType;
pub use model::token_usage::TokenUsage;
pub use model::trace_info_mode::TraceInfoMode;
pub use process::exporter::MlflowSpanExporter;
pub use process::flush::FlushError;
pub use process::flushing::FlushFuture;
pub use process::processor::MlflowSpanProcessor;
pub use process::sampler::MlflowSampler;
pub use replay::Replay;
pub use replay::report::{ReplayError, ReplayProgress, Replayed};
pub use stats::{DestinationStats, DropReason, Dropped, Loss, Stats};
#[cfg(feature = "tower")]
pub use tower::{FlushLayer, FlushResponse, FlushService};

#[doc(no_inline)]
pub use {opentelemetry, opentelemetry_sdk, tracing_opentelemetry};
