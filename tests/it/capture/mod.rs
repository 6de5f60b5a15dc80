//! From `tracing` and the OpenTelemetry API to spans that carry MLflow meaning.

mod arguments;
mod fields;
mod filter;
mod outcome;
mod parents;
mod provider;
mod span_builder;
mod span_ext;
mod time;
mod wrapped;
