//! What is said of a whole trace: by a scope before it begins, by updates while it runs.
//!
//! A [`TraceContext`](trace_context::TraceContext) lives in the OpenTelemetry context and becomes
//! attributes of the roots that start under it; a [`TraceUpdate`](update::TraceUpdate) goes to
//! the worker, which writes it into the root before that leaves.

pub(crate) mod last;
pub(crate) mod scope;
pub(crate) mod trace_context;
pub(crate) mod update;
mod words;
