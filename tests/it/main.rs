//! What a program sees, end to end: spans in, requests at a server in this process out.
//!
//! Needs nothing but Rust. What is global to a process has a file, and a process, of its own:
//! `tests/global_*.rs`.
#![cfg(test)]

mod capture;
mod conservation;
mod context;
mod deadlines;
mod deliver_grpc;
mod deliver_json;
mod deliver_mlflow;
mod deliver_otlp;
mod deliver_table;
mod destinations;
mod doctor;
mod durable;
mod exporters;
mod flush;
mod flush_async;
mod golden;
mod local;
mod losses;
mod memory;
mod metrics;
mod proxy;
mod replay;
mod runtimes;
#[cfg(feature = "tower")]
mod serverless;
mod setup;
mod tls;
mod traced;
mod variables;

#[path = "../live/parity/mod.rs"]
mod parity;
#[path = "../support/mod.rs"]
mod support;
